"""One shape for every refusal: RFC 9457 problem details.

    {"type": "about:blank", "title": "Conflict", "status": 409, "detail": "…",
     "code": "insufficient_stock", "available": "2.000", "request_id": "…"}

``errors`` is there for 400: [{"field", "code", "detail"}], nested fields joined by
dots.
"""

import logging
import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.core import exceptions as django_errors
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError
from django.http import Http404, HttpResponse
from rest_framework import exceptions
from rest_framework.response import Response

from mechanic_shop.errors import DomainError, InvalidInput
from mechanic_shop.observability import logs, metrics

from .renderers import PROBLEM, to_json

log = logging.getLogger("shop.refusals")
MOST_ERRORS, LONGEST_DETAIL = 100, 1000


class PreconditionFailed(exceptions.APIException):
    status_code = 412
    default_code = "precondition_failed"
    default_detail = (
        "Somebody changed this since you read it: read it again, then repeat your change "
        "with its new ETag."
    )


class PreconditionRequired(exceptions.APIException):
    status_code = 428
    default_code = "precondition_required"
    default_detail = "Send the ETag that you read as If-Match."


class Unavailable(exceptions.APIException):
    status_code = 503
    default_code = "database_unavailable"
    default_detail = (
        "The shop's database does not answer: try again in a moment, a write with the same "
        "Idempotency-Key."
    )
    wait = 5


def problem(status: int, code: str, detail: str, /, **facts: object) -> dict[str, object]:
    """The body of a refusal, whose code the log and the metrics will have."""
    logs.refusal.set(code)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
    }
    return facts | body | {"request_id": logs.current_request_id()}


def problem_response(status: int, code: str, detail: str, /, **facts: object) -> HttpResponse:
    """The refusal as a plain Django answer, for what never reaches a view."""
    return HttpResponse(
        to_json(problem(status, code, detail, **facts)), status=status, content_type=PROBLEM
    )


def field_errors(detail: object, path: str = "") -> list[dict[str, str]]:
    """Django REST's nested errors as a flat list; ``field`` is empty for what concerns
    the whole body.
    """
    if isinstance(detail, dict):
        return [
            error
            for key, value in detail.items()
            for error in field_errors(
                value, path if key == "non_field_errors" else f"{path}.{key}".lstrip(".")
            )
        ]
    if isinstance(detail, list):
        nested = any(isinstance(item, (dict, list)) for item in detail)
        return [
            error
            for at, item in enumerate(detail)
            for error in field_errors(item, f"{path}.{at}".lstrip(".") if nested else path)
        ]
    return [
        {"field": path, "code": getattr(detail, "code", "invalid"), "detail": shortened(detail)}
    ]


def shortened(detail: object) -> str:
    """Some of Django REST's sentences repeat what was sent, which may be a mebibyte."""
    text = str(detail)
    return text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]} …"


def constraint_of(exc: Exception) -> str:
    """The name of what a write broke: PostgreSQL's own message repeats the row's
    values, SQLite's names columns only.
    """
    diagnosis = getattr(exc.__cause__, "diag", None)
    return str(diagnosis.constraint_name if diagnosis else exc)


def body_too_large(exc: Exception) -> Exception:
    error = exceptions.APIException(
        "The body is larger than the shop takes (1 MiB).", "body_too_large"
    )
    error.status_code = 413
    return error


def validation_error(exc: Any) -> Exception:
    return exceptions.ValidationError(getattr(exc, "message_dict", exc.messages))


def write_conflict(exc: Exception) -> Exception:
    log.warning("a constraint refused a write", extra={"constraint": constraint_of(exc)})
    return DomainError(
        "conflict",
        (
            "This clashes with something that was written in the same moment: read it "
            "again, then try again."
        ),
    )


def unavailable(exc: Exception) -> Exception:
    metrics.database_failures.inc()
    log.error("the database failed", exc_info=exc, extra={"reason": str(exc).partition("\n")[0]})
    return Unavailable()


# The first match decides: ProtectedError is an IntegrityError.
TRANSLATIONS: tuple[tuple[tuple[type[Exception], ...], Callable[[Any], Exception]], ...] = (
    (
        (Http404, django_errors.ObjectDoesNotExist),
        lambda exc: exceptions.NotFound("There is no such thing here, or it is not yours."),
    ),
    ((django_errors.PermissionDenied,), lambda exc: exceptions.PermissionDenied()),
    ((django_errors.RequestDataTooBig,), body_too_large),
    (
        (django_errors.SuspiciousOperation, django_errors.BadRequest, UnicodeError),
        lambda exc: exceptions.ParseError("The request could not be understood."),
    ),
    ((django_errors.ValidationError,), validation_error),
    (
        (ProtectedError,),
        lambda exc: DomainError(
            "in_use", "Other records refer to this one, so it stays: deactivate it instead."
        ),
    ),
    ((IntegrityError,), write_conflict),
    (
        (DataError,),
        lambda exc: exceptions.ParseError("A value is too large or too long to be stored."),
    ),
    ((OverflowError,), lambda exc: exceptions.ParseError("A number or a date is out of range.")),
    ((OperationalError, InterfaceError), unavailable),
)


def from_django(exc: Exception) -> Exception:
    """Translate an exception of Django or the database into one of the API."""
    for kinds, translate in TRANSLATIONS:
        if isinstance(exc, kinds):
            return translate(exc)
    return exc


def body_of(exc: exceptions.APIException) -> dict[str, object]:
    """The problem that tells of a Django REST exception."""
    if isinstance(exc, exceptions.ValidationError):
        errors = field_errors(exc.detail)[:MOST_ERRORS]
        summary = "; ".join(
            f"{error['field']}: {error['detail']}" if error["field"] else error["detail"]
            for error in errors[:3]
        )
        codes = {error["code"] for error in errors}
        code = codes.pop() if len(codes) == 1 and codes <= TELLING_CODES else "invalid"
        return problem(400, code, summary, errors=errors)
    given = exc.get_codes()
    code = (
        given
        if isinstance(given, str)
        else "not_authenticated"
        if exc.status_code == 401
        else exc.default_code
    )
    detail: Any = exc.detail
    if isinstance(detail, dict):  # simplejwt packs its reasons in a dictionary
        detail, code = detail.get("detail", ""), str(detail.get("code", code))
    return problem(exc.status_code, code, str(detail), **getattr(exc, "facts", {}))


# Codes that are stable enough to be the code of the whole problem when all its errors
# have it.
TELLING_CODES = {
    *("email_taken", "read_only_field", "unknown_field", "wrong_password"),
    *("unknown_parameter", "empty_parameter", "repeated_parameter"),
}


def problem_handler(exc: Exception, context: dict[str, object]) -> Response | None:
    """Render an exception as a problem: Django REST's EXCEPTION_HANDLER.

    None, which becomes a 500, only for an exception that is no refusal.
    """
    exc = from_django(exc)
    if isinstance(exc, InvalidInput):
        return invalid_input_response(exc)
    if isinstance(exc, DomainError):
        return Response(
            problem(exc.status, exc.code, exc.message, **exc.facts),
            status=exc.status,
            headers=getattr(exc, "headers", None),
        )
    if isinstance(exc, exceptions.APIException):
        return Response(body_of(exc), status=exc.status_code, headers=headers_of(exc))
    return None


def invalid_input_response(exc: InvalidInput) -> Response:
    error = {"field": exc.field, "code": exc.code, "detail": exc.message}
    code = exc.code if exc.code in TELLING_CODES else "invalid"
    return Response(problem(400, code, exc.message, errors=[error], **exc.facts), status=400)


def headers_of(exc: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if (wait := getattr(exc, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait))
    return headers | getattr(exc, "headers", {})
