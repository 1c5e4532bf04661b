"""The members of a body: what is not known is refused, never ignored.

What GET shows can be sent back: a member that only the shop sets is accepted where its
value is the one that GET shows, and refused where it is another.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import orjson
from rest_framework import serializers
from rest_framework.utils import html

from .form_keys import FIELD as FORM_KEY
from .related_fields import key_of

if TYPE_CHECKING:
    from rest_framework.serializers import Serializer

MOST_NAMED = 20  # unknown members that one answer names
LONGEST_NAME = 60  # characters of a name that is compared or shown
FORM_MEMBERS = frozenset({"csrfmiddlewaretoken", FORM_KEY})
Errors = dict[str, list[serializers.ErrorDetail]]


def check_members(serializer: Any, data: Mapping[str, Any]) -> None:
    """Raise ValidationError for members that are unknown, or that this user cannot set."""
    sent = form_members(data) if html.is_html_input(data) else data
    allowed, writable = serializer.kept
    if sent.keys() <= writable:
        return
    others = [name for name in sent if name not in writable]
    if unknown := [name for name in others if name not in allowed]:
        raise serializers.ValidationError(unknown_members(unknown, sorted(writable)))
    if errors := changed_members(serializer, {name: sent[name] for name in others}):
        raise serializers.ValidationError(errors)


def form_members(data: Mapping[str, Any]) -> dict[str, Any]:
    """The members of an HTML form, where ``lines[0]kind`` and ``lines.0.kind`` are of
    ``lines``.
    """
    names = [name for name in data if name not in FORM_MEMBERS]
    return {name.partition("[")[0].partition(".")[0]: data[name] for name in names}


def unknown_members(unknown: list[str], names: list[str]) -> Errors:
    errors: Errors = {}
    listed = f"Known here: {', '.join(names)}." if names else "Send an empty body."
    for name in unknown[:MOST_NAMED]:
        text = f"There is no such field.{nearest(name, names)} {listed}"
        errors[name[:LONGEST_NAME]] = [serializers.ErrorDetail(text, "unknown_field")]
    return errors


def nearest(name: str, names: Iterable[str]) -> str:
    """ " Did you mean …?", where a known name is close."""
    matches = get_close_matches(name[:LONGEST_NAME].lower(), names, 1)
    return f" Did you mean “{matches[0]}”?" if matches else ""


# --- members that only the shop sets --------------------------------------------------


def changed_members(serializer: Any, sent: Mapping[str, Any]) -> Errors:
    """The read-only members that are sent with another value than GET shows."""
    shown = shown_object(serializer, sent)
    if shown is None:  # of something new there is nothing to send back
        fields = serializer.kept.fields
        changed = [name for name, value in sent.items() if not is_default(value, fields[name])]
        advice = "The shop sets this: leave it out."
    else:
        changed = [name for name, value in sent.items() if not is_shown(name, value, shown)]
        advice = "This cannot be changed here: leave it out, or send back what GET shows now."
    return {name: [serializers.ErrorDetail(advice, "read_only_field")] for name in changed}


def is_default(sent: object, field: serializers.Field) -> bool:
    """Says a member of something new no more than its absence would?"""
    return sent is None or (isinstance(field, serializers.HiddenField) and sent == field.default)


def is_shown(name: str, sent: object, row: Mapping[str, Any]) -> bool:
    """Is this what was read? A relation may be sent as its id, too."""
    shown = row.get(name)
    if isinstance(shown, dict) and "id" in shown and not isinstance(sent, dict):
        shown = shown["id"]
    if type(sent) is not type(shown):
        return False
    return bool(sent == shown) or (name == "updated_at" and is_older(sent, row))


def is_older(sent: Any, row: Mapping[str, Any]) -> bool:
    """Is this when an older copy of the row was written? It is ``If-Match`` that finds
    lost updates.
    """
    try:
        moment = datetime.fromisoformat(sent)
        return (
            datetime.fromisoformat(row["created_at"])
            <= moment
            <= datetime.fromisoformat(row["updated_at"])
        )
    except (KeyError, TypeError, ValueError):
        return False


def shown_object(serializer: "Serializer", sent: Mapping[str, Any]) -> dict[str, Any] | None:
    """GET's representation of the object that this part of a body is about; None for a
    new one.
    """
    if serializer.parent is None:
        return shown_row(serializer)
    key = key_of(sent)
    return None if key is None else shown_rows(serializer.parent).get(key)


def shown_row(serializer: Any) -> dict[str, Any] | None:
    """The object of a body as JSON, read once."""
    if serializer.instance is None:
        return None
    if not hasattr(serializer, "shown"):
        document = serializer.context["view"].document(serializer.instance.pk)
        serializer.shown = orjson.loads(document or b"{}")
    row: dict[str, Any] = serializer.shown
    return row


def shown_rows(listed: Any) -> dict[int, dict[str, Any]]:
    """The rows of a nested list by id, as GET shows them now."""
    if not hasattr(listed, "shown"):
        outer = shown_row(listed.root) or {}
        listed.shown = {row["id"]: row for row in outer.get(listed.field_name, ()) if "id" in row}
    rows: dict[int, dict[str, Any]] = listed.shown
    return rows
