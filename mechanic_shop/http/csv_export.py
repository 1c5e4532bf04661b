"""Answers as CSV (RFC 4180), for people with a spreadsheet."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from rest_framework import serializers

from .renderers import JSONRenderer

if TYPE_CHECKING:
    from rest_framework.serializers import Field as SerializerField

BOM = "\ufeff"
FORMULA = "=+-@"  # also full-width, which some spreadsheets read as these
SEPARATORS = (
    ";\t\r\n"  # where a spreadsheet of another region, or a careless one, begins a new cell
)
QUOTES = "\"'"
HARMLESS = re.compile(r"\+(?=(?:[^0-9]*[0-9]){7})[0-9][0-9 ()./-]*|-[0-9]+(?:[.,][0-9]+)*")
"""A phone number with its country, and a negative number: they come back as they were
when the file is imported.
"""


class CSVRenderer(JSONRenderer):
    """For whoever accepts text/csv: the view itself writes the rows, and refusals are
    problems as everywhere.
    """

    media_type = "text/csv"
    format = "csv"


def csv_answer(
    rows: Iterable[Any], shape: serializers.Serializer, name: str, *, bom: bool = True
) -> HttpResponse:
    """The rows, as ``shape`` has written them, as a file to be saved; what is nested
    has columns of its own (customer_id, customer_name).

    The byte order mark tells a spreadsheet that the file is UTF-8.
    """
    columns = list(columns_of(shape))
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["_".join(path) for path, _ in columns])
    writer.writerows([cell(value_at(row, path), field) for path, field in columns] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    content = (BOM if bom else "") + text.getvalue()
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


def columns_of(
    shape: serializers.Serializer, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in shape.fields.items():
        if isinstance(field, serializers.Serializer):
            yield from columns_of(field, (*above, name))
        else:
            yield (*above, name), field


def value_at(row: Any, path: tuple[str, ...]) -> object:
    for name in path:
        row = None if row is None else row[name]
    return row


def cell(value: object, field: "SerializerField") -> str:
    """Keep text from becoming a formula; amounts stay numbers, also negative ones."""
    if value is None:
        return ""
    return as_text(str(value)) if isinstance(field, serializers.CharField) else str(value)


def as_text(text: str) -> str:
    """The text with an apostrophe in front of whatever a spreadsheet could take for a
    formula.
    """
    if HARMLESS.fullmatch(text):
        return text
    guarded = "".join(f"'{piece}" if is_formula(piece) else piece for piece in pieces_of(text))
    return (
        f"'{guarded}"
        if text.startswith(tuple(SEPARATORS)) and not guarded.startswith("'")
        else guarded
    )


def pieces_of(text: str) -> list[str]:
    """The text, cut behind each separator."""
    return re.findall(f"[^{SEPARATORS}]*[{SEPARATORS}]|[^{SEPARATORS}]+", text)


def is_formula(piece: str) -> bool:
    """Is the first character that a spreadsheet does not skip the beginning of a
    formula?
    """
    first = next((char for char in piece if not is_skipped(char)), "")
    return bool(first) and unicodedata.normalize("NFKC", first) in FORMULA


def is_skipped(char: str) -> bool:
    """White space, quotes, and characters that show nothing."""
    return char.isspace() or char in QUOTES or unicodedata.category(char) in ("Cc", "Cf")
