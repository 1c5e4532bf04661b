"""Answers as CSV (RFC 4180), for people with a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from django.http import HttpResponse
from rest_framework import serializers

from .renderers import JSONRenderer

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class CSVRenderer(JSONRenderer):
    """For whoever accepts text/csv: the view itself writes the rows, and refusals are problems as everywhere."""

    media_type = "text/csv"
    format = "csv"


def csv_answer(rows: Iterable[Any], shape: serializers.Serializer, name: str) -> HttpResponse:
    """The rows, as ``shape`` has written them, as a file to be saved; what is nested has columns of its own (customer_id, customer_name)."""
    columns = list(columns_of(shape))
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["_".join(path) for path, _ in columns])
    writer.writerows([cell(value_at(row, path), field) for path, field in columns] for row in rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def columns_of(shape: serializers.Serializer, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, field in shape.fields.items():
        if isinstance(field, serializers.Serializer):
            yield from columns_of(field, (*above, name))
        else:
            yield (*above, name), field


def value_at(row: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        row = None if row is None else row[name]
    return row


def cell(value: Any, field: Any) -> str:
    """What people wrote never becomes a formula; amounts stay numbers, also negative ones."""
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if isinstance(field, serializers.CharField) and text.startswith(FORMULA) else text
