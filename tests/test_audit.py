"""The audit trail: told by every door, in the transaction of the change, for good, and
to each what they may see.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry as AdminEntry
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, Vehicle
from inventory import operations as stock
from inventory.models import Part
from inventory.taxes import TaxCode, TaxPart, TaxRate
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts.models import User
from mechanic_shop.db import audit, audit_trail, audited_models
from mechanic_shop.db.models import AuditEntry
from mechanic_shop.errors import DomainError
from mechanics.models import Mechanic
from tickets.desk import requests
from tickets.models import (
    CannedJob,
    CannedJobLine,
    CannedJobPart,
    Job,
    JobLine,
    LaborRate,
    ServiceTicket,
    ShareLink,
    TicketMechanic,
    TicketPart,
)
from tickets.work import assignments, tickets
from tickets.work import parts as work_parts

from .conftest import Client, client_of
from .factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)
from .test_admin import browser, complaints, page_of, press, save

pytestmark = pytest.mark.django_db
API = "/api/v1/"
HTML = {"HTTP_ACCEPT": "text/html"}


def trail(row: Any) -> list[AuditEntry]:
    """A row's entries, oldest first."""
    return list(audit_trail.entries_of(row).order_by("pk"))


def last(row: Any) -> AuditEntry:
    return trail(row)[-1]


# --- what is told ---------------------------------------------------------------------

TOLD = {
    Customer: {
        "user",
        "name",
        "email",
        "phone",
        "address",
        "notes",
        "tax_exempt",
        "tax_certificate",
        "erased_at",
    },
    Vehicle: {"customer", "plate", "vin", "make", "model", "year", "engine", "color", "odometer"},
    Mechanic: {
        "user",
        "name",
        "specialties",
        "bio",
        "is_active",
        "email",
        "phone",
        "hourly_cost",
        "hired_on",
    },
    Part: {
        "sku",
        "name",
        "description",
        "unit",
        "price",
        "cost",
        "reorder_point",
        "reorder_quantity",
        "bin",
        "barcode",
        "tax_code",
        "is_active",
    },
    ServiceTicket: {
        *(
            "customer",
            "vehicle",
            "concern",
            "cause",
            "correction",
            "service_date",
            "promised_at",
            "status",
            "on_hold",
            "hold_reason",
        ),
        *(
            "odometer_in",
            "odometer_out",
            "completed_at",
            "closed_at",
            "discount_percent",
            "discount_amount",
        ),
    },
    TicketMechanic: {"role"},
    TicketPart: {
        "job",
        "quantity",
        "unit_price",
        "unit_cost",
        "discount_percent",
        "discount_amount",
    },
    Job: {"position", "title", "concern", "cause", "correction", "status", "authorized_total"},
    JobLine: {
        *(
            "kind",
            "description",
            "quantity",
            "unit_price",
            "unit_cost",
            "rate",
            "mechanic",
            "tax_code",
        ),
        *("discount_percent", "discount_amount"),
    },
    LaborRate: {"name", "hourly", "tax_code", "is_default", "is_active"},
    CannedJob: {"name", "concern", "cause", "correction", "is_active"},
    CannedJobLine: {"kind", "description", "quantity", "unit_price", "rate", "tax_code"},
    CannedJobPart: {"part", "quantity"},
    ShareLink: {"expires_at", "revoked_at"},
    TaxCode: {"name", "number", "is_default"},
    TaxPart: {"name", "rate", "number", "on_top"},
    TaxRate: {"rate", "valid_from"},
    User: {"email", "is_staff", "is_active", "is_superuser", "password"},
}


@pytest.mark.parametrize("model", TOLD, ids=lambda model: model.__name__)
def test_every_column_is_told_or_left_out_on_purpose(model: Any) -> None:
    """A new column turns up here: tell it, or say in the model's ``unaudited`` what
    else tells of it.
    """
    assert {field.name for field in audit.audited_fields(model).values()} == TOLD[model]
    assert model.unaudited | model.masked | model.redactable <= {
        field.name for field in model._meta.concrete_fields
    }


# --- every model, every door ----------------------------------------------------------

EDITS = {
    "customers": (CustomerFactory, "phone", "555-0199", ["555-0171", "555-0199"]),
    "vehicles": (VehicleFactory, "color", "red", ["", "red"]),
    "mechanics": (MechanicFactory, "hourly_cost", "50.00", ["41.50", "50.00"]),
    "parts": (PartFactory, "price", "21.50", ["19.99", "21.50"]),
    "tickets": (make_ticket, "cause", "Worn pads", ["", "Worn pads"]),
}


def by_api(manager: Client, route: str, row: Any, change: dict[str, Any]) -> None:
    assert (
        manager.patch(
            f"{API}{route}/{row.pk}/", change, HTTP_X_REQUEST_ID="the-request"
        ).status_code
        == 200
    )


def by_browsable(manager: Client, route: str, row: Any, change: dict[str, Any]) -> None:
    assert (
        manager.patch(
            f"{API}{route}/{row.pk}/", change, HTTP_X_REQUEST_ID="the-request", **HTML
        ).status_code
        == 200
    )


def by_admin(manager: Client, route: str, row: Any, change: dict[str, Any]) -> None:
    response = save(browser(manager.user, headers={"x-request-id": "the-request"}), row, **change)
    assert response.status_code == 302, complaints(response)


def by_command(manager: Client, route: str, row: Any, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(row, name, value)
    row.save()


DOORS = {"api": by_api, "browsable": by_browsable, "admin": by_admin, "command": by_command}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("route", EDITS)
def test_a_change_is_told_by_every_door(manager: Client, route: str, door: str) -> None:
    factory, name, value, told = EDITS[route]
    row = factory()
    before = len(trail(row))
    DOORS[door](manager, route, row, {name: value})
    assert len(trail(row)) == before + 1
    entry = last(row)
    assert entry.told() == {name: told}
    assert (entry.action, entry.door, entry.kind) == (AuditEntry.Action.UPDATE, door, "edit")
    if door == "command":
        assert (entry.actor, entry.cid, entry.by_whom()) == (None, None, "a command or shell")
    else:
        assert (entry.actor, entry.cid, entry.by_whom()) == (
            manager.user,
            "the-request",
            manager.user.email,
        )


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("customers", {"name": "Cora", "email": "cora@example.com"}),
        ("vehicles", {"plate": "NEW 1", "customer": "customer"}),
        ("mechanics", {"name": "Mo", "specialties": ["brakes"]}),
        ("parts", {"sku": "NEW", "name": "New", "price": "1.50"}),
        ("tickets", {"concern": "Squeals", "customer": "customer"}),
    ],
)
def test_a_new_row_and_its_end_are_told(manager: Client, route: str, body: dict[str, Any]) -> None:
    body = {
        name: CustomerFactory().pk if value == "customer" else value for name, value in body.items()
    }
    made = manager.post(f"{API}{route}/", body)
    entry = AuditEntry.objects.filter(action=AuditEntry.Action.CREATE).first()
    assert (entry.object_id, entry.actor, entry.door) == (made.json()["id"], manager.user, "api")
    assert entry.cid == made["X-Request-ID"]
    for name, value in body.items():
        assert entry.told()[name] == [None, value.replace(" ", "") if name == "plate" else value]
    assert manager.delete(made["Location"]).status_code == 204
    end = AuditEntry.objects.filter(
        content_type=entry.content_type, object_id=entry.object_id
    ).first()
    assert (end.action, end.actor) == (AuditEntry.Action.DELETE, manager.user)
    assert set(end.told()) >= set(body)


def test_a_visitor_who_signs_up_is_told_as_nobody(anonymous: Client) -> None:
    anonymous.post(
        f"{API}customers/", {"name": "New", "email": "new@example.com", "password": PASSWORD}
    )
    for row in (Customer.objects.get(), User.objects.get()):
        entry = last(row)
        assert (entry.action, entry.door, entry.actor, entry.by_whom()) == (
            AuditEntry.Action.CREATE,
            "api",
            None,
            "nobody logged in",
        )


def test_a_row_inside_another_rows_page_is_told(manager: Client) -> None:
    vehicle = VehicleFactory(odometer=10)
    save(browser(manager.user), vehicle.customer, **{"vehicles-0-odometer": "20"})
    assert (last(vehicle).told(), last(vehicle).door) == ({"odometer": [10, 20]}, "admin")


def test_who_did_it_is_known_where_no_request_is() -> None:
    ticket = tickets.open_ticket(customer=CustomerFactory(), concern="x", by=office())
    tickets.update(ticket, concern="y", by=office())
    assert [(entry.actor, entry.door) for entry in trail(ticket)] == [(office(), "command")] * 2


def test_what_follows_a_request_in_its_thread_is_not_told_as_the_request(
    manager: Client,
) -> None:
    manager.get(f"{API}parts/")
    assert (last(PartFactory()).door, last(PartFactory()).cid) == ("command", None)


# --- whatever way the ORM writes ------------------------------------------------------


def test_an_update_of_many_rows_is_told_row_by_row() -> None:
    dear, cheap, same = PartFactory(price=100), PartFactory(price=1), PartFactory(price=0)
    assert (
        Part.objects.filter(pk__in=[dear.pk, cheap.pk, same.pk]).update(price=F("price") * 2) == 3
    )
    assert [last(part).told() for part in (dear, cheap)] == [
        {"price": ["100.00", "200.00"]},
        {"price": ["1.00", "2.00"]},
    ]
    assert len(trail(same)) == 1


def changed_in_place(mechanic: Mechanic) -> None:
    mechanic.specialties.append("brakes")
    mechanic.save()


def made_by_hand(mechanic: Mechanic) -> None:
    Mechanic(pk=mechanic.pk, specialties=["brakes"]).save(update_fields=["specialties"])


def read_in_part(mechanic: Mechanic) -> None:
    Mechanic.objects.only("name").get(pk=mechanic.pk).save_changes(specialties=["brakes"])


def in_bulk(mechanic: Mechanic) -> None:
    mechanic.specialties = ["brakes"]
    Mechanic.objects.bulk_update([mechanic], ["specialties"])


@pytest.mark.parametrize(
    "write",
    [changed_in_place, made_by_hand, read_in_part, in_bulk],
    ids=lambda write: write.__name__,
)
def test_what_it_was_is_known_however_it_is_written(write: Callable[[Mechanic], None]) -> None:
    mechanic = Mechanic.objects.get(pk=MechanicFactory(specialties=["engines"]).pk)
    write(mechanic)
    was, now = last(mechanic).told()["specialties"]
    assert (was, now[-1]) == (["engines"], "brakes")


def test_an_expression_is_told_as_what_became_of_it() -> None:
    part = PartFactory(price=Decimal("2.00"))
    part.save_changes(price=F("price") + 1)
    assert (part.price, last(part).told()) == (Decimal("3.00"), {"price": ["2.00", "3.00"]})


def test_rows_written_and_deleted_in_bulk_are_told() -> None:
    parts = Part.objects.bulk_create([Part(sku=sku, name=sku, price=1) for sku in "AB"])
    keys = [part.pk for part in parts]
    Part.objects.filter(sku__in="AB").delete()
    told = (
        AuditEntry.objects.filter(object_id__in=keys)
        .order_by("pk")
        .values_list("object_id", "action")
    )
    assert list(told) == [*((key, 0) for key in keys), *((key, 2) for key in keys)]


def test_the_database_is_asked_again_after_a_refresh() -> None:
    part = PartFactory(price=Decimal(1))
    Part.objects.filter(pk=part.pk).update(price=2)
    part.refresh_from_db()
    part.save_changes(price=Decimal(3))
    assert last(part).told() == {"price": ["2.00", "3.00"]}


@pytest.mark.parametrize("same", [Decimal("19.99"), "19.990", Decimal("19.9900")])
def test_what_changes_nothing_is_not_told(manager: Client, same: Any) -> None:
    part = PartFactory()
    part.save_changes(price=same)
    part.save()
    Part.objects.filter(pk=part.pk).update(price=same)
    assert (
        manager.patch(f"{API}parts/{part.pk}/", {"price": str(same).rstrip("0")}).status_code == 200
    )
    assert len(trail(part)) == 1


def test_assigning_twice_and_moving_stock_tell_nothing_more() -> None:
    mechanic, part = MechanicFactory(), PartFactory(stock=5)
    ticket = make_ticket("approved", mechanics=[mechanic], parts=[(part, 2)])
    before = AuditEntry.objects.count()
    assignments.assign_mechanic(ticket, mechanic=mechanic, by=office())
    stock.adjust(part, quantity=Decimal(1), reason="adjustment", note="found", by=office())
    assert AuditEntry.objects.count() == before


# --- with the change, or not at all ---------------------------------------------------


def test_a_rollback_takes_its_entries_with_it() -> None:
    part = PartFactory()
    with transaction.atomic():
        part.save_changes(price=Decimal(1))
        transaction.set_rollback(True)
    assert len(trail(part)) == 1


def test_a_refused_write_leaves_no_entry(advisor: Client) -> None:
    part, ticket = PartFactory(stock=1), make_ticket("approved")
    before = AuditEntry.objects.count()
    with pytest.raises(DomainError, match="available"):
        work_parts.add_part(ticket, part=part, quantity=Decimal(2), by=office())
    assert (
        advisor.put(
            f"{API}tickets/{ticket.pk}/add-part/", {"part": part.pk, "quantity": 2}
        ).status_code
        == 409
    )
    assert advisor.patch(f"{API}tickets/{ticket.pk}/", {"on_hold": True}).status_code == 400
    assert AuditEntry.objects.count() == before


def test_no_change_without_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    part = PartFactory()
    monkeypatch.setattr(audited_models, "write", lambda entries: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        part.save_changes(price=Decimal(1))
    assert Part.objects.get(pk=part.pk).price == Decimal("19.99")


# --- what it costs --------------------------------------------------------------------


def hot_writes() -> dict[str, Callable[[], Any]]:
    part, mechanic, by = PartFactory(stock=90), MechanicFactory(), office()
    customer, ticket, lined, moving = (
        CustomerFactory(),
        make_ticket(),
        make_ticket(parts=[(part, 1)]),
        make_ticket(),
    )
    return {
        "create": lambda: tickets.open_ticket(customer=customer, concern="x", by=by),
        "add-part": lambda: work_parts.add_part(
            ServiceTicket.objects.get(pk=ticket.pk), part=part, by=by
        ),
        "add-part more": lambda: work_parts.add_part(
            ServiceTicket.objects.get(pk=lined.pk), part=part, by=by
        ),
        "assign-mechanic": lambda: assignments.assign_mechanic(
            ServiceTicket.objects.get(pk=ticket.pk), mechanic=mechanic, by=by
        ),
        "move": lambda: requests.request_transition(
            ServiceTicket.objects.get(pk=moving.pk), to="approved", by=by
        ),
    }


@pytest.mark.parametrize("name", ["create", "add-part", "add-part more", "assign-mechanic", "move"])
def test_a_hot_write_costs_one_insert_more_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def statements() -> list[str]:
        point = transaction.savepoint()
        with CaptureQueriesContext(connection) as seen:
            write()
        transaction.savepoint_rollback(point)
        return [query["sql"].split()[0] for query in seen if "SAVEPOINT" not in query["sql"]]

    write = hot_writes()[name]
    statements()  # who asks, and the types of content, are known from now on
    with_trail = statements()
    for module in (audit, audited_models):
        monkeypatch.setattr(module, "write", lambda entries: list(entries))
    assert sorted(with_trail) == sorted([*statements(), "INSERT"])


# --- a ticket's history ---------------------------------------------------------------


def history(client: Client, ticket: ServiceTicket, **query: Any) -> list[dict[str, Any]]:
    response = client.get(f"{API}tickets/{ticket.pk}/history/", query)
    assert response.status_code == 200
    return response.json()["results"]


@pytest.fixture
def busy(advisor: Client, owner: Client) -> ServiceTicket:
    """A ticket on which a bit of everything happened, through the API."""
    part, mechanic = PartFactory(sku="PADS", name="Pads", stock=9), MechanicFactory(name="Mo")
    ticket = ServiceTicket.objects.get(
        pk=owner.post(f"{API}tickets/", {"concern": "Squeals"}).json()["id"]
    )
    address = f"{API}tickets/{ticket.pk}/"
    for action, body in [
        ("assign-mechanic", {"mechanic": mechanic.pk, "role": "lead"}),
        ("add-part", {"part": part.pk}),
        ("add-part", {"part": part.pk, "quantity": 2}),
        ("remove-mechanic", {"mechanic": mechanic.pk}),
        ("remove-part", {"part": part.pk}),
    ]:
        assert advisor.put(address + action + "/", body).status_code == 200
    assert advisor.patch(address, {"cause": "Worn", "odometer_in": 5}).status_code == 200
    assert (
        owner.post(address + "transitions/", {"to": "approved", "reason": "ok"}).status_code == 200
    )
    return ticket


def test_a_tickets_history_tells_everything_in_order(busy: ServiceTicket, owner: Client) -> None:
    rows = history(owner, busy)
    assert [row["kind"] for row in rows] == [
        "status",
        "mechanic",
        "part",
        "part",
        "mechanic",
        "part",
        "edit",
        "status",
    ]
    assert [(row["from"], row["to"], row["reason"]) for row in rows if row["kind"] == "status"] == [
        ("", "estimate", ""),
        ("estimate", "approved", "ok"),
    ]
    assert all(
        (row["from"], row["to"], row["reason"]) == (None, None, "")
        for row in rows
        if row["kind"] != "status"
    )
    assert [row["by"]["name"] for row in rows] == [
        "Olive Owner",
        *["Shop staff"] * 6,
        "Olive Owner",
    ]
    assert [row["about"] and row["about"]["name"] for row in rows] == [
        None,
        "Mo",
        "PADS Pads",
        "PADS Pads",
        "Mo",
        "PADS Pads",
        None,
        None,
    ]
    assert [row["changes"] for row in rows] == [
        [],
        [{"field": "role", "from": None, "to": "lead"}],
        [
            {"field": "quantity", "from": None, "to": "1.000"},
            {"field": "unit_price", "from": None, "to": "19.99"},
        ],
        [{"field": "quantity", "from": "1.000", "to": "3.000"}],
        [{"field": "role", "from": "lead", "to": None}],
        [
            {"field": "quantity", "from": "3.000", "to": None},
            {"field": "unit_price", "from": "19.99", "to": None},
        ],
        [
            {"field": "cause", "from": "", "to": "Worn"},
            {"field": "odometer_in", "from": None, "to": 5},
        ],
        [],
    ]
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)


def test_a_tickets_history_comes_in_pages(busy: ServiceTicket, advisor: Client) -> None:
    rows = history(advisor, busy)
    pages = [history(advisor, busy, page=page, page_size=3) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [row for page in pages for row in page] == rows


def test_a_long_history_takes_no_more_queries(busy: ServiceTicket, advisor: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            history(advisor, busy, page_size=100)
        return len(seen)

    history(advisor, busy)
    before = queries()
    for number in range(15):
        tickets.update(busy, cause=f"Cause {number}", by=office())
        assignments.assign_mechanic(busy, mechanic=MechanicFactory(), by=office())
    assert len(history(advisor, busy, page_size=100)) == 38
    assert queries() == before


def test_a_relation_is_told_by_its_name(advisor: Client) -> None:
    ticket = make_ticket()
    vehicle = VehicleFactory(customer=ticket.customer)
    advisor.patch(f"{API}tickets/{ticket.pk}/", {"vehicle": vehicle.pk})
    [change] = history(advisor, ticket)[-1]["changes"]
    assert change == {
        "field": "vehicle",
        "from": None,
        "to": {"id": vehicle.pk, "name": vehicle.name},
    }
    assert (
        vehicle.name
        in browser(UserFactory(is_staff=True, is_superuser=True))
        .get(page_of(ticket, "history"))
        .content.decode()
    )


def test_a_customer_learns_nothing_of_who_had_the_ticket_before(
    advisor: Client, owner: Client, stranger: Client
) -> None:
    car = VehicleFactory(customer=stranger.user.customer, plate="SECRET1")
    ticket = make_ticket(vehicle=car, concern="Steve's brakes")
    advisor.patch(f"{API}tickets/{ticket.pk}/", {"concern": "Brakes"})
    advisor.patch(
        f"{API}tickets/{ticket.pk}/", {"customer": owner.user.customer.pk, "vehicle": None}
    )
    advisor.patch(f"{API}tickets/{ticket.pk}/", {"cause": "Worn"})
    [row] = history(owner, ticket)
    assert row["changes"] == [{"field": "cause", "from": "", "to": "Worn"}]
    [change, _] = history(advisor, ticket)[2]["changes"]
    assert change == {
        "field": "customer",
        "from": {"id": car.customer_id, "name": "Steve Stranger"},
        "to": {"id": owner.user.customer.pk, "name": "Olive Owner"},
    }


def test_a_history_survives_what_it_is_about(advisor: Client) -> None:
    part, ticket = PartFactory(), make_ticket()
    work_parts.add_part(ticket, part=part, by=office())
    work_parts.remove_part(ticket, part=part, by=office())
    key = part.pk
    stock.delete(part, by=office())
    assert [row["about"] for row in history(advisor, ticket)[1:]] == [{"id": key, "name": None}] * 2


# --- costs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actor", "sees"),
    [
        ("owner", False),
        ("assigned", False),
        ("unassigned", False),
        ("advisor", False),
        ("manager", True),
    ],
)
def test_a_tickets_history_shows_costs_to_those_who_may_see_them(
    request: pytest.FixtureRequest, owner: Client, actor: str, sees: bool
) -> None:
    part = PartFactory(cost=Decimal("77.31"))
    ticket = make_ticket(customer=owner.user.customer, parts=[(part, 1)])
    text = json.dumps(history(request.getfixturevalue(actor), ticket))
    assert ("77.31" in text, "unit_cost" in text) == (sees, sees)


def test_the_admins_history_shows_costs_to_those_who_may_see_them(
    manager: Client, advisor: Client
) -> None:
    part = PartFactory(cost=Decimal("77.31"), price=Decimal("88.41"))
    ticket = make_ticket(parts=[(part, 1)])
    for row in (part, ticket):
        pages = [
            browser(actor.user).get(page_of(row, "history")).content.decode()
            for actor in (manager, advisor)
        ]
        assert ["77.31" in page for page in pages] == [True, False]
        assert ["88.41" in page for page in pages] == [True, True]
        assert "cost" not in pages[1].lower()


def test_the_whole_trail_shows_to_each_what_they_may_see(manager: Client) -> None:
    part = PartFactory(cost=Decimal("77.31"), price=Decimal("88.41"))
    mechanic = MechanicFactory(hourly_cost=Decimal("66.21"))
    auditor = UserFactory(is_staff=True)
    grant(auditor, "api.view_auditentry", "inventory.view_part")
    address = "/admin/api/auditentry/"
    pages = [browser(user).get(address).content.decode() for user in (manager.user, auditor)]
    assert [("77.31" in page, "88.41" in page, "66.21" in page) for page in pages] == [
        (True, True, True),
        (False, True, False),
    ]
    assert mechanic.name in pages[0]
    assert mechanic.name not in pages[1]
    entry = f"{address}{last(part).pk}/change/"
    assert "77.31" not in browser(auditor).get(entry).content.decode()


def grant(user: User, *permissions: str) -> None:
    from django.contrib.auth.models import Permission

    for name in permissions:
        app, codename = name.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )


# --- the admin's history --------------------------------------------------------------


def test_the_admins_history_tells_who_what_and_by_which_door(manager: Client) -> None:
    part = PartFactory(sku="PADS")
    response = manager.patch(f"{API}parts/{part.pk}/", {"price": "21.50", "is_active": False})
    page = browser(manager.user).get(page_of(part, "history")).content.decode()
    for text in (
        "Price: 19.99 → 21.50",
        "Is active: yes → no",
        manager.user.email,
        "API",
        "a command or shell",
        response["X-Request-ID"],
    ):
        assert text in page, text


def test_what_was_deleted_is_found_by_its_request(manager: Client) -> None:
    vehicle = VehicleFactory(plate="GONE1")
    response = manager.delete(f"{API}vehicles/{vehicle.pk}/")
    page = (
        browser(manager.user)
        .get("/admin/api/auditentry/", {"q": response["X-Request-ID"]})
        .content.decode()
    )
    assert "GONE1" in page


# --- log-ins --------------------------------------------------------------------------


def test_no_password_ever_enters_the_trail(owner: Client, manager: Client) -> None:
    user = owner.user
    new = "Another-fine-pass-7"
    assert (
        owner.post(
            f"{API}auth/password/", {"current_password": PASSWORD, "new_password": new}
        ).status_code
        == 204
    )
    assert (
        press(
            browser(manager.user), user, "set_password", password1=PASSWORD, password2=PASSWORD
        ).status_code
        == 302
    )
    shell = User.objects.get(pk=user.pk)
    shell.set_password(new)
    shell.save()
    User.objects.create_superuser("root@example.com", new)
    told = [entry for entry in trail(user) if "password" in entry.changes]
    assert [entry.changes["password"] for entry in told] == [
        ["***", "***"]
    ] * 4  # made with one, then changed by three doors
    assert [(entry.actor, entry.door) for entry in told[1:]] == [
        (user, "api"),
        (manager.user, "admin"),
        (None, "command"),
    ]
    text = json.dumps(list(AuditEntry.objects.values_list("changes", "personal", "object_repr")))
    for secret in (
        PASSWORD,
        new,
        *User.objects.values_list("password", flat=True),
        "session_epoch",
    ):
        assert secret not in text


def test_an_ended_session_and_a_deactivated_log_in_are_told(manager: Client) -> None:
    user = UserFactory()
    accounts.deactivate(user, by=manager.user)
    assert [(entry.told(), entry.actor) for entry in trail(user)[1:]] == [
        ({"is_active": [True, False]}, manager.user),
        ({"sessions": [None, "ended"]}, manager.user),
    ]


def test_a_log_in_is_no_change(anonymous: Client) -> None:
    user = UserFactory()
    anonymous.post(f"{API}auth/token/", {"email": user.email, "password": PASSWORD})
    assert len(trail(user)) == 1


def test_a_role_that_is_given_or_taken_is_told(manager: Client) -> None:
    user = UserFactory()
    boss = browser(UserFactory(is_staff=True, is_superuser=True))
    advisor = Group.objects.get(name="advisor")
    assert save(boss, user, groups=[advisor.pk]).status_code == 302
    entry = last(user)
    assert (entry.changes, entry.door) == (
        {"groups": {"type": "m2m", "operation": "add", "objects": ["advisor"]}},
        "admin",
    )
    user.groups.remove(advisor)
    assert (last(user).changes["groups"]["operation"], last(user).door) == ("delete", "command")
    page = boss.get(page_of(user, "history")).content.decode()
    assert "Groups: advisor" in page
    assert "Groups: advisor → –" in page


def test_an_email_is_told_once_for_the_customer_and_once_for_the_log_in(owner: Client) -> None:
    customer, user = owner.user.customer, owner.user
    before, counts = user.email, (len(trail(customer)), len(trail(user)))
    body = {"email": "new@example.com", "current_password": PASSWORD}
    assert owner.patch(f"{API}customers/{customer.pk}/", body).status_code == 200
    assert (len(trail(customer)), len(trail(user))) == (counts[0] + 1, counts[1] + 1)
    assert last(customer).told() == last(user).told() == {"email": [before, "new@example.com"]}


# --- append-only ----------------------------------------------------------------------

WRITES: dict[str, Callable[[AuditEntry], Any]] = {
    "save": lambda entry: entry.save(),
    "delete": lambda entry: entry.delete(),
    "update": lambda entry: AuditEntry.objects.filter(pk=entry.pk).update(door="api"),
    "delete of many": lambda entry: AuditEntry.objects.all().delete(),
    "update in bulk": lambda entry: AuditEntry.objects.bulk_update([entry], ["door"]),
    "history of a row": lambda entry: AuditEntry.objects.get_for_object(
        Part.objects.get(pk=entry.object_id)
    ).delete(),
}


@pytest.mark.parametrize("name", WRITES)
def test_an_entry_is_neither_changed_nor_deleted(name: str) -> None:
    entry = last(PartFactory())
    with pytest.raises(TypeError, match="append-only"), transaction.atomic():
        WRITES[name](entry)
    assert AuditEntry.objects.filter(pk=entry.pk, door="command").exists()


RAW = {
    "change": "UPDATE api_auditentry SET door = 'api'",
    "change of values": """UPDATE api_auditentry SET changes = '{}'""",
    "another name": "UPDATE api_auditentry SET object_repr = 'x', personal = NULL",
    "other values": """UPDATE api_auditentry SET object_repr = '', personal = '{"name": [1, 2]}'""",
    "forgetting and more": "UPDATE api_auditentry SET object_repr = '', personal = NULL, actor_id = 1",
    "deletion": "DELETE FROM api_auditentry",
}


@pytest.mark.parametrize("name", RAW)
def test_the_database_refuses_it_too(name: str) -> None:
    entry = last(CustomerFactory())
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(RAW[name])
    again = AuditEntry.objects.get(pk=entry.pk)
    assert (again.door, again.told(), again.object_repr) == (
        entry.door,
        entry.told(),
        entry.object_repr,
    )


def test_the_database_lets_nobody_empty_the_trail_at_a_stroke() -> None:
    PartFactory()
    statement = {
        "postgresql": "TRUNCATE api_auditentry",
        "sqlite": "DELETE FROM api_auditentry WHERE id > 0",
    }[connection.vendor]
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_the_librarys_command_does_not_empty_the_trail() -> None:
    PartFactory()
    with pytest.raises(CommandError, match="append-only"):
        call_command("auditlogflush", "--yes")
    assert AuditEntry.objects.exists()


def test_the_admin_changes_no_entry() -> None:
    entry = last(PartFactory())
    boss = browser(UserFactory(is_staff=True, is_superuser=True))
    address = f"/admin/api/auditentry/{entry.pk}/"
    assert boss.post(f"{address}change/", {"door": "api"}).status_code == 403
    assert boss.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    assert boss.post("/admin/api/auditentry/add/", {}).status_code == 403
    assert boss.post(
        "/admin/api/auditentry/",
        {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"},
    ).status_code in (200, 302)
    assert AuditEntry.objects.get(pk=entry.pk).door == "command"


@pytest.mark.django_db(transaction=True)
def test_a_flush_empties_everything_and_the_trail_is_guarded_again() -> None:
    PartFactory()
    call_command("flush", interactive=False, verbosity=0)
    assert not AuditEntry.objects.exists()
    PartFactory()
    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM api_auditentry")


# --- forgetting -----------------------------------------------------------------------


def test_a_person_can_be_forgotten_and_what_happened_stays(manager: Client) -> None:
    customer = CustomerFactory(name="Fiona Forgotten", email="fiona@example.com")
    manager.patch(f"{API}customers/{customer.pk}/", {"phone": "555-0999", "notes": "tall"})
    save(browser(manager.user), customer, address="9 Elm Street")
    other = CustomerFactory(name="Rita Remembered")
    before = [
        (entry.pk, entry.actor_id, entry.cid, entry.timestamp, set(entry.told()))
        for entry in trail(customer)
    ]
    assert audit_trail.redact(customer) == 3
    after = trail(customer)
    assert [
        (entry.pk, entry.actor_id, entry.cid, entry.timestamp, set(entry.told())) for entry in after
    ] == before
    assert {
        value
        for entry in after
        for name, value in entry.told().items()
        if name in Customer.redactable
    } == {None}
    text = json.dumps(list(AuditEntry.objects.values_list("changes", "personal", "object_repr")))
    text += json.dumps(list(AdminEntry.objects.values_list("object_repr", "change_message")))
    for secret in ("Fiona", "fiona", "555-0999", "tall", "Elm"):
        assert secret not in text
    assert last(other).told()["name"] == [None, "Rita Remembered"]
    assert (
        "Phone: (taken out)"
        in browser(manager.user).get(page_of(customer, "history")).content.decode()
    )


def test_a_customer_who_goes_is_forgotten(owner: Client) -> None:
    customer, user = owner.user.customer, owner.user
    VehicleFactory(customer=customer, plate="MYCAR1")
    assert owner.delete(f"{API}customers/{customer.pk}/").status_code == 204
    entries = AuditEntry.objects.filter(action=AuditEntry.Action.DELETE)
    assert [entry.content_type.model for entry in entries] == ["user", "customer", "vehicle"]
    assert {entry.actor_id for entry in entries} == {user.pk}
    assert entries[0].by_whom() == f"user {user.pk}, who is gone"
    text = json.dumps(list(AuditEntry.objects.values_list("changes", "personal", "object_repr")))
    for secret in ("Olive", user.email, "MYCAR1"):
        assert secret not in text
    assert client_of(UserFactory(role="manager")).get(f"{API}customers/").status_code == 200
