"""Fields that only the shop may set (API3:2023, mass assignment; requirements 14, 15
and 24).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import models

from customers.models import Customer, Vehicle
from inventory.models import Part
from mechanics.models import Mechanic
from tickets.models import ServiceTicket, TicketPart

from ..conftest import Client
from ..factories import PASSWORD, CustomerFactory, PartFactory, VehicleFactory, make_ticket
from ..test_matrix import World
from .attacks import API, do, rows

User = get_user_model()
pytestmark = pytest.mark.django_db
MODELS: dict[str, Any] = {
    "customers": Customer,
    "vehicles": Vehicle,
    "mechanics": Mechanic,
    "parts": Part,
    "tickets": ServiceTicket,
}
# What each role may write of a row that it may change, and the columns that follow from
# these.
CAR = {"plate", "vin", "make", "model", "year", "engine", "color", "odometer"}
WORK = {
    "vehicle",
    "concern",
    "cause",
    "correction",
    "service_date",
    "promised_at",
    "on_hold",
    "hold_reason",
    "odometer_in",
    "odometer_out",
}
PART = {
    "sku",
    "name",
    "description",
    "unit",
    "price",
    "reorder_point",
    "reorder_quantity",
    "bin",
    "barcode",
    "is_active",
}
MAY_WRITE = {
    ("customers", "owner"): {
        "name",
        "phone",
        "address",
    },  # the e-mail with the password alone: tests/test_customers.py
    ("customers", "advisor"): {
        "name",
        "phone",
        "address",
        "notes",
        "email",
        "tax_exempt",
        "tax_certificate",
    },
    ("customers", "manager"): {
        "name",
        "phone",
        "address",
        "notes",
        "email",
        "tax_exempt",
        "tax_certificate",
    },
    ("vehicles", "owner"): CAR,
    ("vehicles", "advisor"): CAR | {"customer"},
    ("mechanics", "manager"): {
        "name",
        "specialties",
        "bio",
        "is_active",
        "email",
        "phone",
        "hourly_cost",
        "hired_on",
    },
    ("parts", "manager"): PART | {"cost"},
    ("tickets", "owner"): {"concern", "vehicle", "service_date"},
    ("tickets", "assigned"): WORK,
    ("tickets", "advisor"): WORK | {"customer"},
    ("tickets", "manager"): WORK | {"customer"},
}
# what is kept beside a field that was written
FOLLOWS = {
    "updated_at",
    "version",
    "phone_digits",
    "name",
    "vin_valid",
    "odometer_at",
    "unique_key",
}
# Names that other shops' clients, and crAPI's attackers, try beside those of the
# columns.
HOPES: dict[str, Any] = (
    dict.fromkeys(
        (
            "is_staff",
            "is_superuser",
            "is_admin",
            "admin",
            "is_active",
            "verified",
            "paid",
            "has_login",
            "approved",
        ),
        True,
    )
    | dict.fromkeys(
        ("user", "user_id", "owner", "owner_id", "customer_id", "vehicle_id", "by", "group"), 1
    )
    | dict.fromkeys(("id", "pk"), 424242)
    | dict.fromkeys(("on_hand", "allocated", "available", "issued", "version", "discount"), 99)
    | dict.fromkeys(("total", "parts_total", "unit_price", "line_total"), "0.01")
    | {key: [] for key in ("parts", "mechanics", "lines", "assignments")}
    | {key: [1, 2, 3] for key in ("groups", "user_permissions", "permissions")}
    | {
        "role": "manager",
        "roles": ["manager"],
        "status": "closed",
        "number": "T-1",
        "password_hash": "!",
        "last_login": None,
    }
    | {
        "__class__": "x",
        "_state": {"adding": True},
        "pk__in": [1],
        "name__startswith": "x",
        "constructor": {"prototype": {"is_staff": True}},
    }
)


def other(field: Any, row: Any) -> Any:
    """A value of the field's kind that it does not have."""
    value = getattr(row, field.attname)
    if isinstance(field, models.ForeignKey):
        return (
            field.remote_field.model._default_manager.exclude(pk=value)
            .order_by("pk")
            .values_list("pk", flat=True)
            .last()
        )
    kinds: list[tuple[Any, Any]] = [
        (models.BooleanField, not value),
        (models.DateTimeField, datetime(2001, 1, 1, tzinfo=UTC).isoformat()),
        (models.DateField, "2001-01-01"),
        (models.DecimalField, "77.00"),
        (models.IntegerField, 7777),
        (models.JSONField, ["hacked"]),
        (models.CharField, field.choices[-1][0] if field.choices else "hacked@example.com"),
        (models.TextField, "hacked"),
    ]
    return next(sample for kind, sample in kinds if isinstance(field, kind))


def attempts(row: Any) -> dict[str, Any]:
    """Every column of the row under its two names, and what attackers hope for."""
    found = dict(HOPES)
    for field in row._meta.concrete_fields:
        found |= {field.name: other(field, row), field.attname: other(field, row)}
    return found


def row_of(world: World, room: str) -> Any:
    return {
        "customers": world.customer,
        "vehicles": world.vehicle,
        "mechanics": world.mechanic,
        "parts": world.part,
        "tickets": world.ticket,
    }[room]


def valid(room: str, row: Any) -> dict[str, Any]:
    """What a PUT needs, as the row has it."""
    return {
        "customers": {"name": row.name if room != "tickets" else ""},
        "vehicles": {},
        "mechanics": {"name": getattr(row, "name", "")},
        "parts": {name: str(getattr(row, name, "")) for name in ("sku", "name", "price")},
        "tickets": {"concern": getattr(row, "concern", "")},
    }[room]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(("room", "actor"), MAY_WRITE, ids=[" ".join(pair) for pair in MAY_WRITE])
def test_a_change_writes_nothing_but_what_its_role_may(
    request: pytest.FixtureRequest, world: World, room: str, actor: str, method: str
) -> None:
    """Requirements 14 and 15 (T3, A15.3.3), crAPI 8 and 10: each column and each
    hoped-for name alone, then all of them at once.
    """
    client: Client = request.getfixturevalue(actor)
    VehicleFactory(customer=world.customer)
    row, model = row_of(world, room), MODELS[room]
    sent = attempts(row)
    path = f"{API}/{room}/{row.pk}/"
    unchanged = {name: found for name, found in rows().items() if name != model.__name__}
    before = model.objects.filter(pk=row.pk).values().get()
    forbidden = {name: value for name, value in sent.items() if name not in MAY_WRITE[room, actor]}

    alone = forbidden if method == "PATCH" else forbidden.keys() - HOPES
    for body in [{name: forbidden[name]} for name in alone] + [forbidden]:
        response = do(client, method, path, (valid(room, row) if method == "PUT" else {}) | body)
        assert response.status_code in (200, 400), (body, response.content[:300])
        after = model.objects.filter(pk=row.pk).values().get()
        changed = {name for name in after if after[name] != before[name]} - {"updated_at"}
        assert changed == set(), f"add {changed} to MAY_WRITE, or make them read-only: {body}"

    assert {name: found for name, found in rows().items() if name != model.__name__} == unchanged
    assert model.objects.count() == len(rows(model._meta.app_label)[model.__name__])
    assert not model.objects.filter(pk=424242).exists()


@pytest.mark.parametrize(("room", "actor"), MAY_WRITE, ids=[" ".join(pair) for pair in MAY_WRITE])
def test_what_a_role_may_write_it_can(
    request: pytest.FixtureRequest, world: World, room: str, actor: str
) -> None:
    """Else the test above would prove nothing."""
    client: Client = request.getfixturevalue(actor)
    spare = VehicleFactory(customer=world.customer)
    row, model = row_of(world, room), MODELS[room]
    fine = {
        "vin": "1HGCM82633A004352",
        "hold_reason": "parts",
        "vehicle": spare.pk,
        "sku": "NEW-SKU",
        "year": 2001,
        "plate": "HACKED",
    }
    for name in MAY_WRITE[room, actor] - {"email", "hold_reason", "customer"}:
        value = fine.get(name, attempts(row)[name])
        body = {name: value} | ({"hold_reason": "parts"} if name == "on_hold" else {})
        before = model.objects.filter(pk=row.pk).values().get()
        response = do(client, "PATCH", f"{API}/{room}/{row.pk}/", body)
        assert response.status_code == 200, (name, response.content)
        after = model.objects.filter(pk=row.pk).values().get()
        changed = {column for column in after if after[column] != before[column]}
        assert changed - FOLLOWS <= {name, f"{name}_id", "hold_reason"}, name
        assert changed & {name, f"{name}_id"}, name


NEW: list[tuple[str, str, dict[str, Any]]] = [
    ("customers", "anonymous", {"name": "New", "email": "new@example.com", "password": PASSWORD}),
    ("customers", "advisor", {"name": "New", "email": "new@example.com", "password": PASSWORD}),
    ("vehicles", "owner", {"plate": "NEW1"}),
    ("mechanics", "manager", {"name": "New"}),
    ("parts", "manager", {"sku": "NEW-1", "name": "New", "price": "9.99"}),
    ("tickets", "owner", {"concern": "New"}),
]
# (room, actor): columns that the actor gives a new row; all others have their defaults,
# whatever was sent
NOT_OF_A_NEW_ROW = {
    ("customers", "anonymous"): {"name", "email", "phone", "address"},
    ("customers", "advisor"): {
        "name",
        "email",
        "phone",
        "address",
        "notes",
        "tax_exempt",
        "tax_certificate",
    },
    ("vehicles", "owner"): CAR,
    ("mechanics", "manager"): MAY_WRITE["mechanics", "manager"],
    ("parts", "manager"): MAY_WRITE["parts", "manager"] | {"tax_code"},
    ("tickets", "owner"): MAY_WRITE["tickets", "owner"],
}


@pytest.mark.parametrize(
    ("room", "actor", "body"), NEW, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_new_row_starts_as_the_shop_says(
    request: pytest.FixtureRequest, world: World, room: str, actor: str, body: dict[str, Any]
) -> None:
    """The same for sign-up and every POST: who names what is the shop's to set gets
    400, and no row is made.
    """
    client: Client = request.getfixturevalue(actor)
    model = MODELS[room]
    CustomerFactory()
    plain = created(do(client, "POST", f"{API}/{room}/", body), model)
    before = rows()
    for name, value in attempts(row_of(world, room)).items():
        if name in NOT_OF_A_NEW_ROW[room, actor]:
            continue
        response = do(client, "POST", f"{API}/{room}/", body | {name: value})
        assert response.status_code == 400, (
            f"{name} was written: add it to MAY_WRITE or NOT_OF_A_NEW_ROW, or make it read-only"
        )
        error = response.json()["errors"][0]
        assert (response.status_code, error["field"]) == (400, name), response.content
        assert error["code"] in ("unknown_field", "read_only_field", "does_not_exist"), error
    assert rows() == before
    assert plain["created_at"].year > 2020


def created(response: Any, model: Any) -> dict[str, Any]:
    """The values of the row that was made; the row goes again, so that unique values
    are free.
    """
    assert response.status_code == 201, response.content
    found = model.objects.filter(pk=response.json()["id"]).values().get()
    user = User.objects.filter(pk=found.get("user_id") or 0).first()
    if user is not None:
        assert (
            user.is_staff,
            user.is_superuser,
            user.is_active,
            user.groups.count(),
            user.user_permissions.count(),
        ) == (False, False, True, 0, 0)
    (model.objects.get(pk=found["id"])).delete()
    if user is not None:
        user.delete()
    return found


def test_a_token_gained_by_a_hopeful_sign_up_is_a_customers(anonymous: Client) -> None:
    """crAPI 10 to its end: a sign-up without what was hoped for opens no more than a
    customer's.
    """
    body = {"name": "Eve", "email": "eve@example.com", "password": PASSWORD}
    assert anonymous.post(f"{API}/customers/", HOPES | body).status_code == 400
    assert anonymous.post(f"{API}/customers/", body).status_code == 201
    pair = anonymous.post(
        f"{API}/auth/token/", {"email": "eve@example.com", "password": PASSWORD}
    ).json()
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert anonymous.get(f"{API}/auth/me/").json()["roles"] == []
    assert anonymous.get(f"{API}/parts/").status_code == 403
    assert anonymous.get(f"{API}/customers/").json()["count"] == 1


ACTIONS = [
    ("tickets/{ticket}/add-part/", {"part": "part", "quantity": 1}),
    ("tickets/{ticket}/transitions/", {"to": "approved"}),
    ("parts/{part}/receive/", {"quantity": 1}),
]


@pytest.mark.parametrize(("action", "body"), ACTIONS)
def test_an_action_takes_the_shops_price_and_the_clock(
    manager: Client, action: str, body: dict[str, Any]
) -> None:
    """crAPI 9: prices, totals, actors and moments in the body of an action are nobody's
    to give.
    """
    part, ticket = PartFactory(price="20.00", cost="8.50", stock=5), make_ticket()
    asked = {name: part.pk if value == "part" else value for name, value in body.items()}
    method = "POST" if "transitions" in action else "PUT"
    path = f"{API}/{action.format(ticket=ticket.pk, part=part.pk)}"
    before = rows()
    # of the estimate that was read
    hopes = {
        name: value
        for name, value in HOPES.items()
        if "transitions" not in action or name != "version"
    }
    for name, value in (
        hopes | {"price": "0.01", "unit_price": "0.01", "at": "2001-01-01"}
    ).items():
        response = do(manager, method, path, asked | {name: value})
        assert (response.status_code, response.json()["code"]) == (400, "unknown_field"), name
    assert rows() == before
    assert do(manager, method, path, asked).status_code == 200
    ticket.refresh_from_db()
    part.refresh_from_db()
    assert (part.price, part.cost, part.allocated) == (Decimal(20), Decimal("8.50"), 0)
    assert ticket.status == ("approved" if "transitions" in action else "estimate")
    assert [line.unit_price for line in TicketPart.objects.all()] == (
        [Decimal(20)] if "add-part" in action else []
    )
    moves = ticket.history.filter(from_status="estimate", to_status="approved")
    assert [(move.by_id, move.at.year > 2001) for move in moves] == (
        [(manager.user.pk, True)] if "transitions" in action else []
    )


@pytest.mark.parametrize(
    "quantity", [-1, 0, "-0.001", 1.5, True, 2**63, "1e3", "NaN", None, [1], {"$gt": 0}, "1_0", "١"]
)
def test_a_quantity_is_positive_and_whole(world: World, manager: Client, quantity: Any) -> None:
    """Requirement 24 (T6, A2.2), crAPI 8: a negative quantity bought the attacker
    credit.
    """
    before = rows("tickets", "inventory")
    response = do(
        manager,
        "PUT",
        f"{API}/tickets/{world.ticket.pk}/add-part/",
        {"part": world.other_part.pk, "quantity": quantity},
    )
    if quantity == "1e3":  # a number that people write: a thousand
        assert response.status_code in (200, 400)
        return
    assert response.status_code == 400, response.content
    assert rows("tickets", "inventory") == before


@pytest.mark.parametrize(
    "price", ["-0.01", "1.00005", "1e20", True, "NaN", "Infinity", "12,50", [], 10**12]
)
def test_a_price_has_four_decimals_and_no_sign(manager: Client, price: Any) -> None:
    """Requirement 24."""
    response = do(manager, "POST", f"{API}/parts/", {"sku": "A", "name": "A", "price": price})
    assert response.status_code == 400, response.content
    assert not Part.objects.exists()


def test_a_customer_who_is_nobodys_customer_stays_one(owner: Client) -> None:
    """A log-in is tied to its record by the shop: no body moves it to another's."""
    other_customer = CustomerFactory(login=True)
    for name in ("user", "user_id", "owner", "id"):
        do(
            owner,
            "PATCH",
            f"{API}/customers/{owner.user.customer.pk}/",
            {name: other_customer.user.pk},
        )
    assert Customer.objects.get(pk=owner.user.customer.pk).user_id == owner.user.pk
    assert Customer.objects.get(pk=other_customer.pk).user_id == other_customer.user.pk
