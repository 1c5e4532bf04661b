"""Django's own error pages (``handler400`` … ``handler500``, CSRF) as problem details."""

from django.core import exceptions as django_errors
from django.http import HttpRequest, HttpResponse

from .errors import problem_response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, django_errors.RequestDataTooBig):
        return problem_response(
            413, "body_too_large", "The body is larger than the shop takes (1 MiB)."
        )
    return problem_response(
        400,
        "bad_request",
        "The request could not be understood; a Host that the shop does not know is refused too.",
    )


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return problem_response(403, "permission_denied", "You do not have permission to do this.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return problem_response(
        403,
        "csrf_failed",
        "The page's CSRF token is missing or old: reload the page and send the form again.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    hint = " Every path of the API ends with a slash." if not request.path.endswith("/") else ""
    return problem_response(404, "not_found", f"There is nothing at this address.{hint}")


def server_error(request: HttpRequest) -> HttpResponse:
    return problem_response(
        500, "internal_error", "The shop failed at this; it has been logged under the request id."
    )
