"""A random walk through the shop: what anybody may press or send, in any order, on any
row.

Each step picks a door (the API, the admin, the shared page), a person and a request,
from a seed. Refusals are part of a walk; an answer of 500 or books that do not balance
are not. A walk that failed is repeated by its seed.
"""

import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.test import Client as Browser
from django.urls import reverse

from customers.models import Customer, Vehicle
from inventory import tax_operations
from inventory.models import Part
from inventory.taxes import TaxCode
from mechanics.models import Mechanic
from tickets.models import (
    CannedJob,
    Invoice,
    Job,
    JobLine,
    LaborRate,
    Payment,
    ServiceTicket,
    TicketPart,
)
from tickets.work import canned_jobs

from .conftest import client_of
from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    office,
)

API = "/api/v1/"
Request = tuple[str, str, dict[str, Any]]
STEPS: list[Callable[["Walk"], Request | None]] = []
BUTTONS: list[tuple[str, Callable[["Walk"], tuple[Any, dict[str, Any]] | None]]] = []


def step(weight: int = 1) -> Callable[[Any], Any]:
    def keep(make: Any) -> Any:
        STEPS.extend([make] * weight)
        return make

    return keep


class Walk:
    """A small shop and the people in it."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.told: list[str] = []
        self.statuses: dict[str, set[int]] = {}
        owner, mechanic = UserFactory(), UserFactory(role="mechanic")
        self.fill(owner, mechanic)
        self.people = [
            client_of(user) for user in (office(), UserFactory(role="advisor"), mechanic, owner)
        ]
        self.visitor, self.desk = (
            Browser(raise_request_exception=False),
            Browser(raise_request_exception=False),
        )
        self.desk.force_login(
            UserFactory(email="root@example.com", is_staff=True, is_superuser=True)
        )
        self.tokens: list[str] = []

    def fill(self, owner: Any, mechanic: Any) -> None:
        vat = tax_operations.add_tax_code(name="VAT", rate=Decimal("19"), is_default=True, by=None)
        both = [
            {"name": "GST", "rate": Decimal(5), "number": "1"},
            {"name": "QST", "rate": Decimal("9.975"), "number": "2"},
        ]
        tax_operations.add_tax_code(name="GST + QST", parts=both, by=None)
        rate = LaborRate.objects.create(
            name="Standard", hourly=Decimal("119.90"), is_default=True, tax_code=vat
        )
        for customer in (
            CustomerFactory(user=owner),
            CustomerFactory(),
            CustomerFactory(tax_exempt=True, tax_certificate="E-1"),
        ):
            VehicleFactory(customer=customer)
        MechanicFactory(user=mechanic)
        MechanicFactory()
        parts = [
            PartFactory(stock=60, price=Decimal(price), cost=Decimal(1))
            for price in ("3.33", "0.0199", "84.50")
        ]
        parts.append(PartFactory(stock="12.5", unit="litre", price=Decimal("9.99")))
        lines = [{"kind": "labor", "description": "Fit", "quantity": Decimal("1.5"), "rate": rate}]
        canned = [{"part": parts[0], "quantity": Decimal(2)}]
        canned_jobs.write_canned_job(CannedJob(), name="Brakes", lines=lines, parts=canned, by=None)

    # --- what a step is about ---

    def one(self, rows: Any) -> Any:
        """A row of these; the newest ones more often than old ones. None where there is
        none.
        """
        keys = list(rows.order_by("-pk").values_list("pk", flat=True)[:40])
        return (
            rows.model._default_manager.get(
                pk=keys[min(int(self.rng.expovariate(0.25)), len(keys) - 1)]
            )
            if keys
            else None
        )

    def ticket(self, *statuses: str) -> Any:
        rows = ServiceTicket.objects.all()
        return self.one(
            rows.filter(status__in=statuses) if statuses and self.rng.random() < 0.85 else rows
        )

    def number(self, *choices: str) -> str:
        return self.rng.choice(choices)

    # --- a step ---

    def go(self) -> None:
        self.press() if self.rng.random() < 0.3 else self.send()

    def send(self) -> None:
        make = self.rng.choice(STEPS)
        if (request := make(self)) is None:
            return
        method, path, body = request
        person = (
            self.visitor
            if path.startswith("shared/")
            else self.rng.choices(self.people, (6, 3, 2, 2))[0]
        )
        if person is self.visitor:
            response = person.generic(
                method, API + path, json.dumps(body), content_type="application/json"
            )
        else:
            response = getattr(person, method.lower())(API + path, body)
        if path.endswith("/share/") and response.status_code == 201:
            self.tokens.append(response.json()["url"].rstrip("/").split("/")[-1])
        self.note(make.__name__, f"{method} {path} {body}", response)

    def press(self) -> None:
        name, make = self.rng.choice(BUTTONS)
        found = make(self)
        if found is None or found[0] is None:
            return
        row, typed = found
        page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk])
        self.note(f"admin {name}", f"{page} {typed}", self.desk.post(page, typed))

    def note(self, name: str, request: str, response: Any) -> None:
        self.told.append(f"{request} -> {response.status_code}")
        self.statuses.setdefault(name, set()).add(response.status_code)
        assert response.status_code < 500, "\n".join(self.told[-5:])


# --- the API --------------------------------------------------------------------------


@step(2)
def open_ticket(walk: Walk) -> Request:
    vehicle = walk.one(Vehicle.objects.all())
    return (
        "POST",
        "tickets/",
        {"customer": vehicle.customer_id, "vehicle": vehicle.pk, "concern": "It squeaks"},
    )


@step()
def change_ticket(walk: Walk) -> Request | None:
    if (ticket := walk.ticket()) is None:
        return None
    vehicle = walk.one(Vehicle.objects.all())
    other = {"customer": vehicle.customer_id, "vehicle": vehicle.pk}
    reading = {"odometer_in": walk.rng.randint(1, 99_999)}
    changes = [
        other,
        {"vehicle": vehicle.pk},
        {"concern": "It rattles"},
        reading,
        reading | {"confirm_odometer": True},
    ]
    return "PATCH", f"tickets/{ticket.pk}/", walk.rng.choice(changes)


@step()
def delete_something(walk: Walk) -> Request | None:
    rows, route = walk.rng.choice(
        [
            (ServiceTicket, "tickets"),
            (Job, "jobs"),
            (Vehicle, "vehicles"),
            (Part, "parts"),
            (Customer, "customers"),
        ]
    )
    row = walk.one(rows.objects.all())
    return row and ("DELETE", f"{route}/{row.pk}/", {})


@step(3)
def add_part(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved", "in_progress")
    body = {
        "part": walk.one(Part.objects.all()).pk,
        "quantity": walk.number("1", "2", "0.5", "7", "40"),
    }
    jobs = Job.objects.filter(ticket=ticket)
    if walk.rng.random() < 0.5 and (job := walk.one(jobs)):
        body["job"] = job.pk
    return ticket and ("PUT", f"tickets/{ticket.pk}/add-part/", body)


@step(2)
def edit_part(walk: Walk) -> Request | None:
    if (line := walk.one(TicketPart.objects.all())) is None:
        return None
    there = {"part": line.part_id, **({"from_job": line.job_id} if line.job_id else {})}
    job = walk.one(Job.objects.filter(ticket=line.ticket))
    change = walk.rng.choice(
        [
            {"job": job and job.pk},
            {"unit_price": "12.3456"},
            {"discount_percent": "15"},
            {"discount_amount": "2"},
        ]
    )
    return "PUT", f"tickets/{line.ticket_id}/edit-part/", there | change


@step()
def remove_part(walk: Walk) -> Request | None:
    if (line := walk.one(TicketPart.objects.all())) is None:
        return None
    body = {"part": line.part_id, **({"job": line.job_id} if line.job_id else {})}
    return (
        "PUT",
        f"tickets/{line.ticket_id}/remove-part/",
        body | walk.rng.choice([{}, {"quantity": "1"}]),
    )


@step()
def mechanics(walk: Walk) -> Request | None:
    ticket, mechanic = walk.ticket(), walk.one(Mechanic.objects.all())
    return ticket and (
        "PUT",
        f"tickets/{ticket.pk}/{walk.rng.choice(['assign', 'assign', 'remove'])}-mechanic/",
        {"mechanic": mechanic.pk},
    )


def some_line(walk: Walk) -> dict[str, Any]:
    code = walk.one(TaxCode.objects.all())
    kinds = [
        {"kind": "fee", "description": "Disposal", "unit_price": "12.50"},
        {"kind": "labor", "description": "Fit", "quantity": "0.7"},
        {"kind": "sublet", "description": "Towing", "unit_price": "49.995", "tax_code": code.pk},
        {
            "kind": "trade_in",
            "description": "Old battery",
            "unit_price": "15",
            **walk.rng.choice([{}, {"tax_code": code.pk}]),
        },
    ]
    return walk.rng.choice(kinds)


@step(2)
def add_job(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved", "in_progress")
    return ticket and (
        "POST",
        "jobs/",
        {
            "ticket": ticket.pk,
            "title": "Work",
            "lines": [some_line(walk) for _ in range(walk.rng.randint(0, 3))],
        },
    )


@step(2)
def change_job(walk: Walk) -> Request | None:
    if (job := walk.one(Job.objects.all())) is None:
        return None
    line = walk.one(JobLine.objects.filter(job=job))
    choices: list[Request] = [
        ("PUT", f"jobs/{job.pk}/add-line/", some_line(walk)),
        ("PUT", f"jobs/{job.pk}/cancel/", {}),
        ("PUT", f"jobs/{job.pk}/reopen/", {}),
        ("PATCH", f"jobs/{job.pk}/", {"title": "Other work"}),
    ]
    if line:
        choices += [
            (
                "PUT",
                f"jobs/{job.pk}/edit-line/",
                {"line": line.pk, "quantity": walk.number("1", "2.25")},
            )
        ]
        choices += [("PUT", f"jobs/{job.pk}/remove-line/", {"line": line.pk})]
    return walk.rng.choice(choices)


@step(2)
def finish_job(walk: Walk) -> Request | None:
    job = walk.one(Job.objects.filter(status="approved"))
    return job and ("PUT", f"jobs/{job.pk}/finish/", {})


@step()
def canned_job(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved", "in_progress")
    return ticket and (
        "PUT",
        f"tickets/{ticket.pk}/add-canned-job/",
        {"canned_job": walk.one(CannedJob.objects.all()).pk},
    )


@step()
def recommendation(walk: Walk) -> Request | None:
    job = walk.one(Job.objects.filter(status__in=("declined", "deferred")))
    ticket = job and walk.one(ServiceTicket.objects.filter(vehicle=job.ticket.vehicle))
    return ticket and ("PUT", f"tickets/{ticket.pk}/add-recommendation/", {"job": job.pk})


@step()
def discount(walk: Walk) -> Request | None:
    ticket = walk.ticket()
    body = walk.rng.choice([{}, {"discount_percent": "12.5"}, {"discount_amount": "20"}])
    return ticket and ("PUT", f"tickets/{ticket.pk}/give-discount/", body)


def decision(walk: Walk, ticket: Any) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for job in ticket.jobs.filter(status__in=("proposed", "declined", "deferred")):
        body.setdefault(
            walk.rng.choice(["approve", "approve", "approve", "decline", "defer"]), []
        ).append(job.pk)
    for line in ticket.lines.filter(job=None):
        body.setdefault(
            walk.rng.choice(["approve_parts", "approve_parts", "decline_parts", "defer_parts"]), []
        ).append(line.pk)
    return body


@step(3)
def authorize(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved", "in_progress")
    return ticket and ("POST", f"tickets/{ticket.pk}/authorizations/", decision(walk, ticket))


@step()
def share(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved")
    return ticket and walk.rng.choice(
        [
            ("POST", f"tickets/{ticket.pk}/share/", {}),
            ("PUT", f"tickets/{ticket.pk}/revoke-share/", {}),
        ]
    )


@step(2)
def decide_by_link(walk: Walk) -> Request | None:
    """As the page does: with the version and the jobs that it shows."""
    if not walk.tokens:
        return None
    token = walk.tokens[-1 - min(int(walk.rng.expovariate(1)), len(walk.tokens) - 1)]
    shown = walk.visitor.get(f"{API}shared/{token}/").json()
    body: dict[str, Any] = {}
    for job in shown.get("jobs", []):
        if job["status"] == "proposed":
            body.setdefault(walk.rng.choice(["approve", "decline"]), []).append(job["id"])
    return "POST", f"shared/{token}/authorizations/", body | {"version": shown.get("version")}


@step(5)
def move(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved", "in_progress", "completed")
    to = ("approved", "in_progress", "completed", "completed", "invoiced", "closed", "cancelled")
    return ticket and ("POST", f"tickets/{ticket.pk}/transitions/", {"to": walk.rng.choice(to)})


@step(2)
def issue(walk: Walk) -> Request | None:
    ticket = walk.ticket("completed")
    return ticket and ("POST", f"tickets/{ticket.pk}/invoice/", {})


@step(3)
def money_of_an_invoice(walk: Walk) -> Request | None:
    if (invoice := walk.one(Invoice.objects.select_related("account"))) is None:
        return None
    due, body = invoice.account.balance, {"method": "card"}
    amount = walk.rng.choice([str(due), "10", "0.01", "100"])
    choices: list[Request] = [
        (
            "POST",
            f"invoices/{invoice.pk}/payments/",
            {"amount": amount, "keep_as_credit": walk.rng.random() < 0.5, **body},
        ),
        ("POST", f"invoices/{invoice.pk}/refunds/", {"amount": amount, **body}),
        ("PUT", f"invoices/{invoice.pk}/apply-credit/", walk.rng.choice([{}, {"amount": "5"}])),
    ]
    return walk.rng.choice(choices)


@step()
def credit_note(walk: Walk) -> Request | None:
    if (invoice := walk.one(Invoice.objects.all())) is None:
        return None
    part = {
        "lines": [
            {"line": 1, "quantity": walk.number("1", "0.5"), "restock": walk.rng.random() < 0.5}
        ]
    }
    return (
        "POST",
        f"invoices/{invoice.pk}/credit-notes/",
        {"reason": "Wrong", **walk.rng.choice([{}, part])},
    )


@step()
def deposit(walk: Walk) -> Request | None:
    ticket = walk.ticket("estimate", "approved", "completed", "cancelled")
    route = walk.rng.choice(["deposits", "deposits", "refund-deposit"])
    keep = {"keep_as_credit": True} if route == "deposits" else {}
    return ticket and (
        "POST",
        f"tickets/{ticket.pk}/{route}/",
        {"amount": walk.number("5", "20", "250"), "method": "cash", **keep},
    )


@step()
def reverse_payment(walk: Walk) -> Request | None:
    payment = walk.one(Payment.objects.all())
    return payment and ("POST", f"payments/{payment.pk}/reverse/", {"note": "Bounced"})


@step(2)
def stock_of_a_part(walk: Walk) -> Request:
    part = walk.one(Part.objects.all())
    choices: list[Request] = [
        (
            "PUT",
            f"parts/{part.pk}/receive/",
            {"quantity": walk.number("5", "12"), "unit_cost": walk.number("1", "1.2150")},
        ),
        (
            "PUT",
            f"parts/{part.pk}/adjust/",
            {"quantity": walk.number("-1", "-5"), "reason": "scrap", "note": "bent"},
        ),
        ("PUT", f"parts/{part.pk}/count/", {"counted": walk.number("3", "30")}),
        ("PATCH", f"parts/{part.pk}/", {"price": walk.number("3.3333", "80")}),
        ("PATCH", f"parts/{part.pk}/", {"tax_code": walk.one(TaxCode.objects.all()).pk}),
    ]
    return walk.rng.choice(choices)


@step()
def terms(walk: Walk) -> Request:
    """What changes the price of what is on a ticket already."""
    code, customer = walk.one(TaxCode.objects.all()), walk.one(Customer.objects.all())
    choices: list[Request] = [
        ("PUT", f"tax-codes/{code.pk}/set-rate/", {"rate": walk.number("7", "19", "21.5")}),
        (
            "PATCH",
            f"customers/{customer.pk}/",
            {"tax_exempt": walk.rng.random() < 0.5, "tax_certificate": "E-2"},
        ),
        ("PATCH", f"vehicles/{walk.one(Vehicle.objects.all()).pk}/", {"customer": customer.pk}),
        ("POST", f"customers/{customer.pk}/erase/", {}),
        ("POST", "customers/", {"name": "New customer"}),
    ]
    return walk.rng.choice(choices)


# --- the admin ------------------------------------------------------------------------


def button(name: str) -> Callable[[Any], Any]:
    def keep(make: Any) -> Any:
        BUTTONS.append((name, make))
        return make

    return keep


button("receive")(lambda walk: (walk.one(Part.objects.all()), {"quantity": "5"}))
button("count")(lambda walk: (walk.one(Part.objects.all()), {"counted": walk.number("7", "20")}))
button("move")(
    lambda walk: (
        walk.ticket("estimate", "approved"),
        {"to": walk.number("approved", "in_progress", "cancelled", "completed")},
    )
)
button("complete")(lambda walk: (walk.ticket("approved", "in_progress"), {}))
button("add_part")(
    lambda walk: (
        walk.ticket("estimate", "approved", "in_progress"),
        {"part": walk.one(Part.objects.all()).pk, "quantity": "2"},
    )
)
button("add_canned_job")(
    lambda walk: (
        walk.ticket("estimate", "approved"),
        {"canned_job": walk.one(CannedJob.objects.all()).pk},
    )
)
button("give_discount")(lambda walk: (walk.ticket(), {"discount_percent": walk.number("", "5")}))
button("take_deposit")(
    lambda walk: (
        walk.ticket("estimate", "approved"),
        {"amount": "15", "method": "cash", "keep_as_credit": "on"},
    )
)
button("refund_deposit")(
    lambda walk: (
        walk.ticket("cancelled", "closed"),
        {"amount": walk.number("5", "15"), "method": "cash"},
    )
)
button("invoice")(lambda walk: (walk.ticket("completed"), {}))
button("pay")(
    lambda walk: (
        walk.one(Invoice.objects.all()),
        {"amount": walk.number("5", "50"), "method": "card"},
    )
)
button("refund")(lambda walk: (walk.one(Invoice.objects.all()), {"amount": "5", "method": "card"}))
button("apply_credit")(
    lambda walk: (walk.one(Invoice.objects.all()), {"amount": walk.number("", "5")})
)
button("reverse")(lambda walk: (walk.one(Payment.objects.all()), {"note": "Bounced"}))
button("erase")(
    lambda walk: (walk.one(Customer.objects.all()), {}) if walk.rng.random() < 0.2 else None
)


@button("remove_part")
def press_remove_part(walk: Walk) -> Any:
    line = walk.one(TicketPart.objects.all())
    return line and (line.ticket, {"line": line.pk, "quantity": walk.number("", "1")})


@button("authorize")
def press_authorize(walk: Walk) -> Any:
    ticket = walk.ticket("estimate", "approved")
    return ticket and (
        ticket,
        {
            f"job_{job.pk}": walk.rng.choice(["approve", "decline", "defer"])
            for job in ticket.jobs.all()
        },
    )


@button("finish_job")
def press_finish_job(walk: Walk) -> Any:
    job = walk.one(Job.objects.filter(status="approved"))
    return job and (job.ticket, {"job": job.pk})


@button("credit")
def press_credit(walk: Walk) -> Any:
    invoice = walk.one(Invoice.objects.all())
    return invoice and (
        invoice,
        {
            "reason": "Goodwill",
            **walk.rng.choice([{"what": "all"}, {"what": "lines", "line_1": "1"}]),
        },
    )
