"""check_stock adds the books up anew, and finds whatever was changed behind the
operations' back.
"""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from inventory import operations as stock
from inventory.integrity_checks import find_discrepancies
from inventory.models import Part, StockMovement
from tickets.desk import requests
from tickets.models import ServiceTicket, TicketPart

from .factories import PartFactory, make_ticket, office

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    """Ten pads came; two were fitted to T1, three are held for T2; a litre and a bit of
    oil went by fractions.
    """
    pads = PartFactory(sku="PADS", stock=10)
    oil = PartFactory(sku="OIL", unit="litre", stock="5.3")
    fitted = make_ticket("invoiced", parts=[(pads, 2), (oil, "0.1")])
    holding = make_ticket("approved", parts=[(pads, 3), (oil, "0.2")])
    make_ticket("estimate", parts=[(pads, 50)])
    return {"pads": pads.pk, "fitted": fitted.pk, "holding": holding.pk}


def tamper(model, change: str, where: str) -> None:
    """Raw SQL: what a person with a database client does."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {change} WHERE {where}")
        assert cursor.rowcount == 1


def test_an_honest_shop_balances(shop):
    stock.adjust(
        Part.objects.get(sku="OIL"),
        quantity=Decimal("-0.7"),
        reason="scrap",
        note="Spilt",
        by=office(),
    )
    requests.request_transition(
        ServiceTicket.objects.get(pk=shop["holding"]), to="cancelled", by=office()
    )
    assert find_discrepancies() == []
    out = StringIO()
    call_command("check_stock", stdout=out)
    assert out.getvalue() == "The books balance: 2 parts, 5 movements.\n"


@pytest.mark.parametrize(
    ("model", "change", "where", "found"),
    [
        (Part, "on_hand = 9", "sku = 'PADS'", ["PADS: 9 on hand, but its movements add up to 8."]),
        (Part, "allocated = 2", "sku = 'PADS'", ["PADS: 2 allocated, but open tickets hold 3."]),
        (
            Part,
            "allocated = 0.201",
            "sku = 'OIL'",
            ["OIL: 0.201 allocated, but open tickets hold 0.2."],
        ),
        (
            StockMovement,
            "quantity = 11",
            "quantity = 10",
            [
                "PADS: 8 on hand, but its movements add up to 9.",
                "PADS: movement {first} says that 10 were on hand after it; it is 11.",
            ],
        ),
        (
            StockMovement,
            "on_hand_after = 7",
            "on_hand_after = 8",
            ["PADS: movement {last} says that 7 were on hand after it; it is 8."],
        ),
        (
            TicketPart,
            "allocated = 1",
            "allocated = 3",
            ["PADS: 3 allocated, but open tickets hold 1."],
        ),
        (
            TicketPart,
            "quantity = 2",
            "allocated = 3",
            ["{holding}: 3 allocated and 0 issued of PADS, but only 2 are on the ticket."],
        ),
        (
            TicketPart,
            "issued = 3",
            "issued = 2",
            [
                "{fitted}: 0 allocated and 3 issued of PADS, but only 2 are on the ticket.",
                "{fitted}: 3 of PADS issued on its lines, but its movements add up to 2.",
            ],
        ),
        (
            TicketPart,
            "issued = 1",
            "issued = 2",
            ["{fitted}: 1 of PADS issued on its lines, but its movements add up to 2."],
        ),
        (
            StockMovement,
            "reference = 'T-9'",
            "quantity = -0.1",
            [
                "{fitted}: 0.1 of OIL issued on its lines, but its movements add up to 0.",
                "T-9: 0 of OIL issued on its lines, but its movements add up to 0.1.",
            ],
        ),
        (
            TicketPart,
            "status = 'declined'",
            "allocated = 3",
            ["{holding} holds 3 of PADS, which is not approved."],
        ),
        (
            TicketPart,
            "allocated = 1",
            "quantity = 50",
            [
                "{estimate} is estimate, but still holds 1 of PADS.",
                "{estimate} holds 1 of PADS, which is not approved.",
            ],
        ),
    ],
)
def test_what_was_tampered_with_is_named(shop, model, change, where, found):
    pads = StockMovement.objects.filter(part=shop["pads"]).order_by("pk")
    names = {
        "first": pads.first().pk,
        "last": pads.last().pk,
        "estimate": ServiceTicket.objects.get(status="estimate").number,
    }
    names |= {
        name: ServiceTicket.objects.get(pk=shop[name]).number for name in ("holding", "fitted")
    }
    tamper(model, change, where)
    assert find_discrepancies() == [line.format(**names) for line in found]


def test_a_movement_that_vanished_is_missed(shop):
    receipt = StockMovement.objects.filter(part=shop["pads"]).order_by("pk").first()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {StockMovement._meta.db_table} WHERE id = %s", [receipt.pk])
    assert find_discrepancies()[0] == "PADS: 8 on hand, but its movements add up to -2."


def test_a_ticket_whose_status_was_changed_by_hand_still_holds_its_parts(shop):
    tamper(ServiceTicket, "status = 'closed'", f"id = {shop['holding']}")
    number = ServiceTicket.objects.get(pk=shop["holding"]).number
    assert find_discrepancies() == [
        "PADS: 3 allocated, but open tickets hold 0.",
        "OIL: 0.2 allocated, but open tickets hold 0.",
        f"{number} is closed, but still holds 3 of PADS.",
        f"{number} is closed, but still holds 0.2 of OIL.",
    ]


def test_wrong_books_end_with_status_1_and_a_line_for_each_finding(shop):
    Part.objects.filter(sku="PADS").update(on_hand=F("on_hand") + 1, allocated=F("allocated") - 1)
    out = StringIO()
    with pytest.raises(CommandError, match="2 found") as refused:
        call_command("check_stock", stdout=out)
    assert refused.value.returncode == 1
    assert out.getvalue().splitlines() == [
        "PADS: 9 on hand, but its movements add up to 8.",
        "PADS: 2 allocated, but open tickets hold 3.",
    ]


def test_the_number_of_queries_does_not_grow_with_the_shop(shop):
    with CaptureQueriesContext(
        connection,
    ) as few:
        find_discrepancies()
    for _ in range(10):
        make_ticket("approved", parts=[(PartFactory(stock=3), 1), (PartFactory(stock=4), 2)])
    with CaptureQueriesContext(connection) as many:
        assert find_discrepancies() == []
    assert len(many) == len(few) <= 14
