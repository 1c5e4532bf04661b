"""One effect for each form that is shown: every rendering of a form has a key of its
own.

The key is a hidden box, and lies with the first result of the form in the transaction
of its effect. A form that is sent again, by a second click, a reload or the back
button, changes nothing: the browser is led to where the first one led it, with the same
message. Of two that are sent at once, the second waits for the first. A form that was
refused keeps its key, so that it can be corrected.
"""

import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from django.contrib.messages import add_message, get_messages
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import MessageDecoder, MessageEncoder
from django.contrib.messages.storage.fallback import FallbackStorage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mechanic_shop.db.models import IdempotentAnswer

FIELD = "form_key"
KEY = re.compile(r"[A-Za-z0-9_-]{22}")
PREFIX = "form "  # no Idempotency-Key of the API has a space
# Which of a page's buttons was pressed decides only where it leads.
NOT_CONTENT = {FIELD, "csrfmiddlewaretoken", "_save", "_continue", "_addanother"}
REPLAYED = "Idempotent-Replayed"


class FormChanged(Exception):
    """A form that was sent already comes again with other values."""


def hidden_field() -> SafeString:
    """The hidden box of one rendering of a form."""
    return format_html(
        '<input type="hidden" name="{}" value="{}" autocomplete="off">',
        FIELD,
        secrets.token_urlsafe(16),
    )


class RecordedMessages(FallbackStorage):
    """Django's messages, and which of them this request added."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.recorded: list[Message] = []

    def add(self, level: int, message: str, extra_tags: str | None = "") -> None:
        super().add(level, message, extra_tags)
        self.recorded.append(Message(level, message, extra_tags))


def once(
    request: HttpRequest,
    owner: str,
    answer: Callable[[], HttpResponse],
    *,
    is_done: Callable[[HttpResponse], bool],
) -> HttpResponse:
    """``answer()``, unless the form of this request was done before: then what it
    answered first.

    ``is_done`` says of an answer whether the form had its effect, or was refused.
    Raises FormChanged for a form that was done with other values.
    """
    key = request.POST.get(FIELD, "")
    if not KEY.fullmatch(key):  # no page of the shop
        return answer()
    mark = fingerprint(request)
    with transaction.atomic():
        # Its twin waits here, on the unique row, until the first has ended.
        row, is_first = IdempotentAnswer.objects.get_or_create(
            owner=owner, key=PREFIX + key, defaults={"fingerprint": mark, "status": 0, "body": b""}
        )
        if not is_first:
            return replay(request, row, mark)
        response = answer()
        stored = IdempotentAnswer.objects.filter(pk=row.pk)
        if is_done(response):
            stored.update(**facts_of(request, response))
        else:
            stored.delete()
    return response


def fingerprint(request: HttpRequest) -> str:
    """A keyed hash of the address and the values, which may hold a password."""
    values = sorted(
        (name, request.POST.getlist(name)) for name in request.POST if name not in NOT_CONTENT
    )
    sent = json.dumps([request.path, values])
    return salted_hmac("mechanic_shop.http.form_keys", sent, algorithm="sha256").hexdigest()


def facts_of(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    """The answer, as it is kept: where it leads, what it says, and the page that a
    window of choices closes with.
    """
    if hasattr(response, "render"):
        response.render()
    messages = json.dumps(getattr(get_messages(request), "recorded", []), cls=MessageEncoder)
    body = {"messages": messages, "page": response.content.decode()}
    location = {"Location": response["Location"]} if "Location" in response else {}
    return {"status": response.status_code, "headers": location, "body": json.dumps(body).encode()}


def replay(request: HttpRequest, row: IdempotentAnswer, mark: str) -> HttpResponse:
    if row.fingerprint != mark:
        raise FormChanged
    body = json.loads(bytes(row.body)) if row.body else {"messages": "[]", "page": ""}
    # after a double click, the browser may never have shown the first page
    unread = list(get_messages(request))
    recorded = json.loads(body["messages"], cls=MessageDecoder)
    for message in unread + [message for message in recorded if message not in unread]:
        add_message(request, message.level, message.message, message.extra_tags)
    headers = {**row.headers, REPLAYED: "true"}
    return HttpResponse(body["page"], status=row.status, headers=headers)


def forget_details() -> None:
    """Keep of every form only that it was done: its messages may name people, its
    address what was searched for.
    """
    for row in IdempotentAnswer.objects.filter(key__startswith=PREFIX):
        location = row.headers.get("Location", "").partition("?")[0]
        row.headers, row.body = {"Location": location} if location else {}, b""
        row.save(update_fields=["headers", "body"])
