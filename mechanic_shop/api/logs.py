"""Log lines that name the request and the user, and can be forged by neither."""

import logging
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="-")
user_id: ContextVar[str] = ContextVar("user_id", default="-")


def current_request_id() -> str:
    return request_id.get()


class RequestFilter(logging.Filter):
    """Adds the request's id and the user's to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id, record.user_id = request_id.get(), user_id.get()
        return True


class LineFormatter(logging.Formatter):
    """One record, one line: what a client sent cannot start a new one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s request=%(request_id)s user=%(user_id)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.exc_info:  # a traceback is ours and keeps its lines
            return text
        return text.replace("\r", "\\r").replace("\n", "\\n")
