"""Texts of the admin's pages: labels and dates."""

from datetime import datetime

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateformat import format as written
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe


def badge(text: str, kind: str = "") -> SafeString:
    """A colored label; ``kind`` is info, success, warning, danger or nothing."""
    return mark_safe(  # noqa: S308 - rendered, so escaped
        render_to_string("unfold/helpers/label.html", {"text": text, "type": kind}).strip()
    )


def in_one_line(text: object) -> SafeString:
    """A text that a narrow column does not break: a number, a moment."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def moment(at: datetime) -> str:
    """A short time in the shop's zone: "Nov 21, 8:30", with the year when it is not
    this one.
    """
    local = timezone.localtime(at)
    return written(local, "M j, G:i" if local.year == timezone.localdate().year else "M j, Y")
