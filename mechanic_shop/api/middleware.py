"""What every request passes, whichever door it takes."""

import re
import uuid
from collections.abc import Callable

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from . import errors, logs

SANE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
GetResponse = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Every answer carries X-Request-ID: the client's, if it is sane, else a new one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Request-ID", "")
        ident = sent if SANE_ID.fullmatch(sent) else uuid.uuid4().hex
        logs.request_id.set(ident)
        logs.user_id.set("-")
        response = self.get_response(request)
        response["X-Request-ID"] = ident
        return response


class ProblemMiddleware:
    """What fails before or beside a view of the API is told in the API's one shape.

    Pages of the admin keep Django's HTML; but for a database that does not answer, which is 503 at every door.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, RequestDataTooBig):
            return errors.bad_request(request, exception)
        if isinstance(exception, (SuspiciousOperation, BadRequest)):
            return errors.bad_request(request, exception)
        if isinstance(exception, DatabaseError):
            told = errors.from_django(exception)
            if isinstance(told, errors.Unavailable):
                response = errors.problem_response(503, told.default_code, str(told.detail))
                response["Retry-After"] = str(told.wait)
                return response
        return None
