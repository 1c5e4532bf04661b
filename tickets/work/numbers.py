"""Numbers of tickets and documents, printed by the database."""

from typing import Any

from django.db.models import F

from mechanic_shop.fastpath.json_expressions import JsonObject, Printed


def ticket_in(path: str) -> JsonObject:
    """{id, number} of the ticket whose key is at ``path``, for the database's JSON."""
    return JsonObject(id=F(path), number=TicketNumber(F(path)))


class DocumentNumber(Printed):
    """A key as it stands on paper: a letter and six digits, or more where it takes
    more.
    """

    letter = ""

    def __init__(self, key: Any) -> None:
        super().__init__(key)
        self.printed = f"printf('{self.letter}-%%%%06d', %(expressions)s)"
        digits = (
            "CASE WHEN %(expressions)s < 1000000 THEN lpad((%(expressions)s)::text, 6, '0') "
            "ELSE %(expressions)s::text END"
        )
        self.postgresql = f"('{self.letter}-' || {digits})"


class TicketNumber(DocumentNumber):
    """T-000123, of a key."""

    letter = "T"
