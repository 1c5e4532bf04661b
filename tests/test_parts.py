"""Parts, what is on the shelf of them, and the ledger."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from inventory import operations
from inventory.models import Part, StockMovement
from mechanic_shop.errors import DomainError, InvalidInput

from .answers import refused
from .conftest import Client, client_of
from .factories import PartFactory, UserFactory, make_ticket, office

pytestmark = pytest.mark.django_db
PARTS = "/api/v1/parts/"
OIL = {"sku": "OIL-5W30", "name": "Engine oil", "unit": "litre", "price": "12.99"}
PADS = {"sku": "BRK-001", "name": "Brake pads", "price": "49.99"}


def url(part: Part, action: str = "") -> str:
    return f"{PARTS}{part.pk}/{action + '/' if action else ''}"


def rows() -> tuple[Any, ...]:
    return tuple(list(model.objects.order_by("pk").values()) for model in (Part, StockMovement))


def shelf(part: Part) -> tuple[Decimal, Decimal]:
    return Part.objects.values_list("on_hand", "allocated").get(pk=part.pk)


@pytest.fixture
def buyer(db: Any) -> Client:
    """May write parts, but not see what they cost."""
    user = UserFactory(role="advisor")
    user.user_permissions.add(
        *Permission.objects.filter(codename__in=["add_part", "change_part", "adjust_part"])
    )
    return client_of(user)


# --- writing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "kept"),
    [
        ("23.99", "23.99"),
        (23.99, "23.99"),
        (150, "150.00"),
        ("150", "150.00"),
        (0, "0.00"),
        ("9999999999.99",) * 2,
    ],
)
def test_money_comes_as_number_or_string_and_goes_as_string(
    manager: Client, price: Any, kept: str
) -> None:
    response = manager.post(PARTS, PADS | {"price": price})
    assert response.status_code == 201
    part = Part.objects.get()
    assert response["Location"].endswith(url(part))
    assert response.json()["price"] == kept
    assert part.price == Decimal(kept)


def test_the_shape_of_a_part(manager: Client) -> None:
    body = manager.post(
        PARTS,
        PADS
        | {"reorder_point": 2, "reorder_quantity": "10", "bin": "A-1", "barcode": "4006381333931"},
    ).json()
    assert body | {"id": 0, "created_at": "", "updated_at": ""} == {
        **PADS,
        "id": 0,
        "description": "",
        "unit": "each",
        "cost": "0.00",
        "on_hand": "0.000",
        "allocated": "0.000",
        "available": "0.000",
        "reorder_point": "2.000",
        "reorder_quantity": "10.000",
        "bin": "A-1",
        "tax_code": None,
        "barcode": "4006381333931",
        "is_active": True,
        "created_at": "",
        "updated_at": "",
    }


MONEY = [
    -1,
    "-0.01",
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "0.00001",
    1.00005,
    10**10,
    "ten",
    "1_0",
    "١",
    "",
    None,
    True,
    [],
    {},
    "1" * 2000,
]


@pytest.mark.parametrize("field", ["price", "cost"])
@pytest.mark.parametrize("amount", MONEY, ids=lambda amount: repr(amount)[:12])
def test_money_that_is_none_is_refused(manager: Client, field: str, amount: Any) -> None:
    part = PartFactory()
    before = rows()
    refused(manager.post(PARTS, PADS | {field: amount}), 400, field=field)
    refused(manager.patch(url(part), {field: amount}), 400, field=field)
    assert rows() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *[
            ({"sku": ""}, "sku"),
            ({"sku": None}, "sku"),
            ({"sku": "x" * 61}, "sku"),
            ({"name": " "}, "name"),
            ({"name": "x" * 161}, "name"),
        ],
        *[
            ({"unit": "barrel"}, "unit"),
            ({"unit": None}, "unit"),
            ({"unit": ["each"]}, "unit"),
            ({"is_active": "maybe"}, "is_active"),
        ],
        *[
            ({"reorder_point": -1}, "reorder_point"),
            ({"reorder_point": "2.5"}, "reorder_point"),
            ({"reorder_quantity": 0.0001}, "reorder_quantity"),
        ],
        *[
            ({"bin": "x" * 31}, "bin"),
            ({"barcode": "\x00"}, "barcode"),
            ({"description": "x" * 2001}, "description"),
        ],
    ],
)
def test_nonsense_is_refused_at_its_field(
    manager: Client, change: dict[str, Any], field: str
) -> None:
    part = PartFactory()
    before = rows()
    refused(manager.post(PARTS, PADS | change), 400, field=field)
    refused(manager.patch(url(part), change), 400, field=field)
    assert rows() == before


@pytest.mark.parametrize("spelling", ["BRK-001", "brk-001", " Brk-001 "])
def test_a_sku_is_one_part_in_any_case(manager: Client, spelling: str) -> None:
    PartFactory(sku="BRK-001")
    other = PartFactory()
    before = rows()
    refused(manager.post(PARTS, PADS | {"sku": spelling}), 400, "sku_taken", "sku")
    refused(manager.patch(url(other), {"sku": spelling}), 400, "sku_taken", "sku")
    assert rows() == before


def test_a_part_keeps_its_own_sku_in_another_case(manager: Client) -> None:
    part = PartFactory(sku="BRK-001")
    assert manager.patch(url(part), {"sku": "brk-001"}).json()["sku"] == "brk-001"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_counts_are_not_written_by_an_update(manager: Client, method: str) -> None:
    part = PartFactory(stock=5)
    for name in ("on_hand", "allocated", "available", "id"):
        body = {"sku": part.sku, "name": "N", "price": 1, name: 99}
        refused(getattr(manager, method)(url(part), body), 400, "read_only_field", name)
    refused(getattr(manager, method)(url(part), {"quantity": 99}), 400, "unknown_field", "quantity")
    assert shelf(part) == (5, 0)
    assert not Part.objects.filter(pk=777).exists()


def test_a_new_part_starts_with_an_empty_shelf(manager: Client) -> None:
    refused(manager.post(PARTS, PADS | {"on_hand": 30}), 400, "read_only_field", "on_hand")
    assert manager.post(PARTS, PADS | {"on_hand": None}).status_code == 201, (
        "null says as little as leaving it out"
    )
    assert shelf(Part.objects.get()) == (0, 0)


@pytest.mark.parametrize("method", ["put", "patch"])
def test_what_was_read_can_be_sent_back(manager: Client, method: str) -> None:
    part = PartFactory(stock=5, reorder_point=2)
    read = manager.get(url(part)).json()
    answer = getattr(manager, method)(url(part), read)
    assert answer.status_code == 200
    assert {**answer.json(), "updated_at": ""} == {**read, "updated_at": ""}


def test_a_patch_racing_with_stock_leaves_the_stock_alone(manager: Client) -> None:
    """Saving every column of a row that was read earlier put what had been issued back
    on the shelf.
    """
    part = PartFactory(stock=10)
    stale = Part.objects.get(pk=part.pk)
    operations.adjust(part, quantity=Decimal(-4), reason="scrap", note="broken", by=None)
    stale.save_changes(name="New name")
    assert shelf(part) == (6, 0)


@pytest.mark.parametrize(
    ("where", "field"), [("shelf", "unit"), ("reorder point", "reorder_point"), ("ticket", "unit")]
)
def test_a_part_in_pieces_cannot_become_a_counted_one(
    manager: Client, where: str, field: str
) -> None:
    part = PartFactory(
        unit="litre",
        stock=2.4 if where == "shelf" else 2,
        reorder_point=Decimal("0.5" if where == "reorder point" else 0),
    )
    if where == "ticket":
        make_ticket(parts=[(part, "1.5")])
    before = rows()
    refused(manager.patch(url(part), {"unit": "each"}), 400, "not_whole", field)
    assert rows() == before
    assert manager.patch(url(part), {"unit": "quart"}).status_code == 200


# --- what it costs --------------------------------------------------------------------


def test_only_who_may_see_costs_reads_them(
    assigned: Client, advisor: Client, manager: Client
) -> None:
    part = PartFactory(cost="8.51")
    operations.receive(part, quantity=Decimal(3), unit_cost=Decimal("8.51"), by=None)
    for client, sees in ((assigned, False), (manager, True), (advisor, False), (manager, True)):
        for address in (
            PARTS,
            url(part),
            url(part, "movements"),
            PARTS + "low-stock/",
            f"{PARTS}?search={part.sku}",
        ):
            assert ("8.51" in client.get(address).content.decode()) is (
                sees and "low-stock" not in address
            )


@pytest.mark.parametrize("method", ["post", "put", "patch"])
def test_only_who_may_see_costs_writes_them(buyer: Client, method: str) -> None:
    part = PartFactory(cost="8.50")
    body = {"sku": part.sku, "name": "N", "price": 1, "cost": "0.01"} | (
        {"sku": "NEW-1"} if method == "post" else {}
    )
    path = PARTS if method == "post" else url(part)
    refused(getattr(buyer, method)(path, body), 400, "unknown_field", "cost")
    assert (
        "cost"
        not in getattr(buyer, method)(
            path, {name: body[name] for name in body if name != "cost"}
        ).json()
    )
    assert Part.objects.get(pk=part.pk).cost == Decimal("8.50")


def test_who_unpacks_a_delivery_says_what_it_cost_without_seeing_costs(advisor: Client) -> None:
    part = PartFactory(cost="8.50")
    response = advisor.put(url(part, "receive"), {"quantity": 2, "unit_cost": "9.10"})
    assert response.status_code == 200
    assert "cost" not in response.json()
    assert "unit_cost" not in advisor.get(url(part, "movements")).json()["results"][0]
    part.refresh_from_db()
    assert (part.cost, part.on_hand, StockMovement.objects.get().unit_cost) == (
        Decimal("9.10"),
        2,
        Decimal("9.10"),
    )


# --- receiving, adjusting, counting ---------------------------------------------------


def test_a_delivery_goes_on_the_shelf_and_into_the_ledger(manager: Client) -> None:
    part = PartFactory(stock=1)
    response = manager.put(
        url(part, "receive"), {"quantity": 5, "unit_cost": "9.10", "note": "Invoice 17"}
    )
    assert response.status_code == 200
    assert (response.json()["on_hand"], response.json()["cost"], response.json()["available"]) == (
        "6.000",
        "9.10",
        "6.000",
    )
    movement = StockMovement.objects.latest("pk")
    assert (movement.quantity, movement.reason, movement.on_hand_after, movement.unit_cost) == (
        5,
        "receipt",
        6,
        Decimal("9.10"),
    )
    assert (movement.note, movement.by) == ("Invoice 17", manager.user)


@pytest.mark.parametrize(
    ("unit", "quantity", "status"),
    [
        ("litre", "2.4", 200),
        ("litre", 2.4, 200),
        ("each", 2, 200),
        ("each", "2.0", 200),
        ("set", 2.5, 400),
    ],
)
def test_what_is_counted_comes_whole(
    manager: Client, unit: str, quantity: Any, status: int
) -> None:
    part = PartFactory(unit=unit)
    response = manager.put(url(part, "receive"), {"quantity": quantity})
    assert response.status_code == status
    assert shelf(part) == (Decimal(str(quantity)) if status == 200 else 0, 0)
    if status == 400:
        refused(response, 400, "not_whole", "quantity")


QUANTITIES = [
    0,
    -1,
    "0.0001",
    2.5,
    True,
    None,
    "",
    [],
    {},
    "NaN",
    "Infinity",
    "1e400",
    10**22,
    2**63,
    "1_0",
    "١",
    "two",
]


@pytest.mark.parametrize("quantity", QUANTITIES, ids=repr)
def test_a_quantity_that_is_none_is_not_received(manager: Client, quantity: Any) -> None:
    part = PartFactory(stock=1)
    before = rows()
    refused(manager.put(url(part, "receive"), {"quantity": quantity}), 400, field="quantity")
    assert rows() == before


def test_the_shelf_has_an_end(manager: Client) -> None:
    part = PartFactory()
    assert manager.put(url(part, "receive"), {"quantity": "999999999"}).status_code == 200
    refused(manager.put(url(part, "receive"), {"quantity": 1}), 400, "too_much", "quantity")
    assert shelf(part) == (999_999_999, 0)


def test_a_delivery_fills_what_waits_oldest_ticket_first(
    manager: Client, django_capture_on_commit_callbacks: Any
) -> None:
    part = PartFactory()
    tickets = [make_ticket("approved", parts=[(part, 2)]) for _ in range(2)]
    assert manager.put(url(part, "receive"), {"quantity": 3}).json()["available"] == "0.000"
    assert [ticket.lines.get().allocated for ticket in tickets] == [2, 1]
    assert shelf(part) == (3, 3)


@pytest.mark.parametrize(
    ("quantity", "reason", "on_hand"),
    [(2, "adjustment", 12), (-3, "adjustment", 7), (-10, "scrap", 0), ("-2.000", "scrap", 8)],
)
def test_the_shelf_is_adjusted_with_a_note(
    manager: Client, quantity: Any, reason: str, on_hand: int
) -> None:
    part = PartFactory(stock=10)
    assert (
        manager.put(
            url(part, "adjust"), {"quantity": quantity, "reason": reason, "note": "fell down"}
        ).status_code
        == 200
    )
    movement = StockMovement.objects.latest("pk")
    assert shelf(part) == (on_hand, 0)
    assert (movement.quantity, movement.reason, movement.on_hand_after) == (
        Decimal(quantity),
        reason,
        on_hand,
    )
    assert (movement.note, movement.by) == ("fell down", manager.user)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        *[
            ({"quantity": 0}, 400, "zero"),
            ({"quantity": 1, "reason": "scrap"}, 400, "scrap_is_negative"),
            ({"quantity": "0.5"}, 400, "not_whole"),
        ],
        *[
            ({"note": ""}, 400, "blank"),
            ({"note": "  "}, 400, "blank"),
            ({"note": None}, 400, "null"),
            ({"note": "x" * 501}, 400, "max_length"),
        ],
        *[
            ({"reason": "receipt"}, 400, "invalid_choice"),
            ({"reason": "issue"}, 400, "invalid_choice"),
            ({"reason": None}, 400, "null"),
        ],
        *[
            ({"quantity": -9}, 409, "insufficient_stock"),
            ({"quantity": -8}, 409, "insufficient_stock"),
        ],
    ],
)
def test_an_adjustment_that_is_refused_changes_nothing(
    manager: Client, change: dict[str, Any], status: int, code: str
) -> None:
    part = PartFactory(stock=10)
    make_ticket("approved", parts=[(part, 3)])
    before = rows()

    body = refused(
        manager.put(
            url(part, "adjust"), {"quantity": -1, "reason": "adjustment", "note": "n"} | change
        ),
        status,
    )

    assert rows() == before
    if status == 409:
        assert (body["code"], body["available"], body["part"]) == (code, "7.000", part.pk)
    else:
        assert code in {error["code"] for error in body["errors"]}


@pytest.mark.parametrize("missing", ["quantity", "reason", "note"])
def test_an_adjustment_says_how_much_why_and_what_happened(manager: Client, missing: str) -> None:
    body = {"quantity": -1, "reason": "adjustment", "note": "n"}
    refused(
        manager.put(
            url(PartFactory(stock=1), "adjust"),
            {key: value for key, value in body.items() if key != missing},
        ),
        400,
        "required",
        missing,
    )


@pytest.mark.parametrize(("counted", "difference"), [(9, -1), (10, 0), ("12.000", 2), (3, -7)])
def test_a_count_sets_the_shelf(manager: Client, counted: Any, difference: int) -> None:
    part = PartFactory(stock=10)
    make_ticket("approved", parts=[(part, 3)])
    assert manager.put(url(part, "count"), {"counted": counted}).status_code == 200
    movement = StockMovement.objects.latest("pk")
    assert shelf(part) == (Decimal(counted), 3)
    assert (movement.quantity, movement.reason, movement.on_hand_after) == (
        difference,
        "stocktake",
        Decimal(counted),
    )


def test_a_count_below_what_tickets_hold_names_them(manager: Client) -> None:
    part = PartFactory(stock=10)
    tickets = [make_ticket("approved", parts=[(part, 3)]) for _ in range(2)]
    before = rows()
    body = refused(manager.put(url(part, "count"), {"counted": 5}), 409, "count_below_allocated")
    assert (body["allocated"], body["tickets"]) == ("6.000", [ticket.number for ticket in tickets])
    assert rows() == before


@pytest.mark.parametrize("counted", [-1, "2.5", None, True, "NaN", 10**10, [], "x"])
def test_a_count_that_is_none_is_refused(manager: Client, counted: Any) -> None:
    part = PartFactory(stock=10)
    before = rows()
    refused(manager.put(url(part, "count"), {"counted": counted}), 400, field="counted")
    assert rows() == before


@pytest.mark.parametrize("action", ["receive", "adjust", "count"])
@pytest.mark.parametrize("actor", ["anonymous", "owner", "assigned", "advisor"])
def test_stock_is_moved_by_those_who_may(
    request: pytest.FixtureRequest, actor: str, action: str
) -> None:
    part, client = PartFactory(stock=10), request.getfixturevalue(actor)
    bodies = {
        "receive": {"quantity": 1},
        "adjust": {"quantity": 1, "reason": "adjustment", "note": "n"},
        "count": {"counted": 9},
    }
    answer = client.put(url(part, action), bodies[action])
    if (actor, action) == ("advisor", "receive"):
        assert answer.status_code == 200
    else:
        refused(answer, 401 if actor == "anonymous" else 403)
        assert shelf(part) == (10, 0)


def test_a_right_given_in_the_admin_counts(advisor: Client) -> None:
    part = PartFactory(stock=10, cost="8.51")
    Group.objects.get(name="advisor").permissions.add(Permission.objects.get(codename="view_cost"))
    fresh = client_of(type(advisor.user).objects.get(pk=advisor.user.pk))
    assert fresh.get(url(part)).json()["cost"] == "8.51"


@pytest.mark.parametrize("action", ["receive", "adjust", "count", "movements"])
def test_a_part_that_is_not_there(manager: Client, action: str) -> None:
    address = f"{PARTS}999999/{action}/"
    refused(
        manager.get(address) if action == "movements" else manager.put(address, {"quantity": 1}),
        404,
        "not_found",
    )


# --- the ledger -----------------------------------------------------------------------


def test_the_ledger_tells_newest_first_what_happened(manager: Client, advisor: Client) -> None:
    part, other = PartFactory(stock=10), PartFactory(stock=1)
    ticket = make_ticket("completed", parts=[(part, 3)])
    manager.put(url(part, "count"), {"counted": 6, "note": "yearly"})

    body = advisor.get(url(part, "movements")).json()

    assert [(row["reason"], row["quantity"], row["on_hand_after"]) for row in body["results"]] == [
        ("stocktake", "-1.000", "6.000"),
        ("issue", "-3.000", "7.000"),
        ("receipt", "10.000", "10.000"),
    ]
    assert body["results"][1]["reference"] == ticket.number
    assert body["results"][0].keys() == {
        "id",
        "part",
        "quantity",
        "reason",
        "on_hand_after",
        "reference",
        "note",
        "by",
        "created_at",
    }
    assert body["results"][0]["by"] == {"id": manager.user.pk, "name": "Shop staff"}
    assert "example.com" not in str(body)
    assert other.movements.count() == 1


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("reason=issue", 1),
        ("reason=receipt", 1),
        ("reference=t-{number}", 1),
        ("created_after=2020-01-01T00:00:00Z", 2),
    ],
)
def test_the_ledger_is_filtered(manager: Client, query: str, count: int) -> None:
    part = PartFactory(stock=10)
    ticket = make_ticket("completed", parts=[(part, 3)])
    assert (
        manager.get(f"{url(part, 'movements')}?{query.format(number=f'{ticket.pk:06d}')}").json()[
            "count"
        ]
        == count
    )


def test_the_ledger_is_append_only() -> None:
    part = PartFactory(stock=10)
    entry = StockMovement.objects.get()
    before = rows()
    forbidden = [
        lambda: StockMovement.objects.update(quantity=1),
        lambda: StockMovement.objects.all().delete(),
        lambda: StockMovement.objects.bulk_update([entry], ["quantity"]),
        lambda: part.movements.all().delete(),
        entry.save,
        entry.delete,
    ]
    for change in forbidden:
        with pytest.raises(TypeError, match="append-only"), transaction.atomic():
            change()
    assert rows() == before


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_ledger_has_no_route_that_writes(manager: Client, method: str) -> None:
    part = PartFactory(stock=1)
    before = rows()
    refused(
        getattr(manager, method)(url(part, "movements"), {"quantity": 1}), 405, "method_not_allowed"
    )
    assert rows() == before


def test_operations_refuse_what_the_routes_refuse(db: Any) -> None:
    part, by = PartFactory(stock=3), office()
    before = rows()
    with pytest.raises(InvalidInput):
        operations.receive(part, quantity=Decimal("0.5"), by=by)
    with pytest.raises(InvalidInput):
        operations.adjust(part, quantity=Decimal(0), reason="adjustment", note="n", by=by)
    with pytest.raises(DomainError) as refusal:
        operations.adjust(part, quantity=Decimal(-4), reason="scrap", note="n", by=by)
    assert refusal.value.facts == {"available": "3.000", "part": part.pk}
    assert rows() == before


# --- deleting -------------------------------------------------------------------------


def test_a_part_that_was_never_used_goes(manager: Client) -> None:
    part = PartFactory()
    assert [manager.delete(url(part)).status_code for _ in range(2)] == [204, 404]
    assert not Part.objects.exists()


@pytest.mark.parametrize("history", ["movement", "quote"])
def test_a_part_with_a_history_stays(manager: Client, history: str) -> None:
    part = PartFactory(stock=1 if history == "movement" else None)
    if history == "quote":
        make_ticket(parts=[(part, 1)])
    before = rows()
    body = refused(manager.delete(url(part)), 409, "part_in_use")
    assert "is_active" in body["detail"]
    assert rows() == before


# --- lists ----------------------------------------------------------------------------


def test_low_stock_is_what_is_available_up_to_the_reorder_point(assigned: Client) -> None:
    low = PartFactory(sku="LOW", stock=2, reorder_point=2)
    empty = PartFactory(sku="EMPTY", reorder_point=1)
    held = PartFactory(sku="HELD", stock=5, reorder_point=3)
    make_ticket("approved", parts=[(held, 2)])
    PartFactory(sku="PLENTY", stock=3, reorder_point=2)
    PartFactory(sku="NO-POINT")
    PartFactory(sku="OLD", reorder_point=1, is_active=False)
    found = assigned.get(PARTS + "low-stock/").json()
    assert [row["id"] for row in found["results"]] == [empty.pk, held.pk, low.pk]
    assert [
        row["sku"]
        for row in assigned.get(PARTS + "low-stock/?ordering=-on_hand&search=l").json()["results"]
    ] == ["HELD", "LOW"]


def test_low_stock_adds_thirds_exactly(assigned: Client) -> None:
    """In SQLite's doubles 0.1 + 0.2 is more than 0.3."""
    part = PartFactory(unit="litre", stock="0.3", reorder_point=Decimal("0.2"))
    make_ticket("approved", parts=[(part, "0.1")])
    assert assigned.get(PARTS + "low-stock/").json()["count"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "search=brk 001",
        "search=PADS",
        "search=a-1",
        "search=4006",
        "search=ceramic",
        "sku=brk-001",
        "barcode=4006381",
        "bin=a-1",
    ],
)
def test_search_and_filters(assigned: Client, query: str) -> None:
    PartFactory.create_batch(2)
    part = PartFactory(
        sku="BRK-001", name="Brake pads", description="Ceramic", bin="A-1", barcode="4006381"
    )
    assert [row["id"] for row in assigned.get(f"{PARTS}?{query}").json()["results"]] == [part.pk]


@pytest.mark.parametrize("term", ["%", "_", "'", "\\", "B%K", "(back, x2"])
def test_search_takes_its_term_literally(assigned: Client, term: str) -> None:
    PartFactory(sku="BRK-001")
    found = PartFactory(name="Wiper Blades (back, x2)")
    assert [row["id"] for row in assigned.get(PARTS, {"search": term}).json()["results"]] == (
        [found.pk] if term.startswith("(") else []
    )


@pytest.mark.parametrize(
    "write", ["create", "patch", "delete", "receive", "adjust", "count", "approve"]
)
def test_a_cached_list_shows_a_write_at_the_next_read(
    manager: Client, write: str, django_capture_on_commit_callbacks: Any
) -> None:
    part = PartFactory(reorder_point=1, stock=None if write == "delete" else 5)
    ticket = None if write == "delete" else make_ticket(parts=[(part, 2)])
    addresses = (PARTS, PARTS + "low-stock/", f"{PARTS}?search={part.sku[:4]}")
    before = [manager.get(address).content for address in addresses]
    calls = {
        "create": lambda: manager.post(PARTS, {"sku": "PART-NEW", "name": "New", "price": 1}),
        "patch": lambda: manager.patch(url(part), {"name": "Renamed", "reorder_point": 9}),
        "delete": lambda: manager.delete(url(part)),
        "receive": lambda: manager.put(url(part, "receive"), {"quantity": 5}),
        "adjust": lambda: manager.put(
            url(part, "adjust"), {"quantity": -5, "reason": "scrap", "note": "n"}
        ),
        "count": lambda: manager.put(url(part, "count"), {"counted": 1}),
        "approve": lambda: manager.post(
            f"/api/v1/tickets/{ticket.pk}/transitions/", {"to": "approved"}
        ),
    }
    assert [manager.get(address).content for address in addresses] == before

    with django_capture_on_commit_callbacks(execute=True):
        assert calls[write]().status_code < 300

    after = [manager.get(address).content for address in addresses]
    assert after[0] != before[0]
    assert after[2] != before[2]
    by_hand = manager.get(PARTS + "?page=1").json()["results"]
    assert manager.get(PARTS).json()["results"] == by_hand
