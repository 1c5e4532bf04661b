"""Series of numbers: each number from 1 to the last, each once."""

from collections import defaultdict
from collections.abc import Iterator

from ..models import CreditNote, DocumentSeries, Invoice


def wrong_numbers() -> Iterator[str]:
    """Each series has its numbers from 1 to the last, each once."""
    given: defaultdict[str, list[int]] = defaultdict(list)
    for model in (Invoice, CreditNote):
        for series, sequence, number in (
            model.objects.order_by("pk").values_list("series", "sequence", "number").iterator()
        ):
            given[series].append(sequence)
            if number != f"{series}-{sequence:06d}":
                yield (
                    f"{number} is number {sequence} of {series}, and should be "
                    f"{series}-{sequence:06d}."
                )
    last = dict(DocumentSeries.objects.values_list("name", "last"))
    for series in sorted({*given, *last}):
        yield from wrong_series(series, sorted(given[series]), last.get(series, 0))


def wrong_series(series: str, numbers: list[int], last: int) -> Iterator[str]:
    before = 0
    for number in numbers:
        if number == before:
            yield f"{series}-{number:06d} was given twice."
        yield from missing(series, before + 1, number - 1)
        before = number
    yield from missing(series, before + 1, last)
    if before > last:
        yield f"{series} has come to {last}, but there is a {series}-{before:06d}."


def missing(series: str, first: int, last: int) -> Iterator[str]:
    if first == last:
        yield f"{series}-{first:06d} is missing."
    elif first < last:
        yield f"{series}-{first:06d} to {series}-{last:06d} are missing."
