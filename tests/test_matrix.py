"""Every route × every actor. A route that is missing from the table fails the test."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from inventory import tax_operations
from inventory.taxes import TaxCode
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.billing import credit_notes, payments
from tickets.lifecycle import snapshot
from tickets.models import (
    CannedJob,
    CreditNote,
    Invoice,
    Job,
    LaborRate,
    Payment,
    ServiceTicket,
    ShareLink,
)
from tickets.work import assignments, jobs

from .conftest import Client, client_of, forget
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

pytestmark = pytest.mark.django_db

ACTORS = ("anonymous", "owner", "stranger", "assigned", "unassigned", "advisor", "manager")
EVERYBODY = (200,) * 7

#                               anonymous owner stranger assigned unassigned advisor manager
MATRIX: dict[str, tuple[int, ...]] = {
    "GET customer-list":               (401, 200, 200, 200, 200, 200, 200),
    "POST customer-list":              (201, 403, 403, 403, 403, 201, 201),
    "GET customer-detail":             (401, 200, 404, 200, 200, 200, 200),
    "PUT customer-detail":             (401, 200, 404, 403, 403, 200, 200),
    "PATCH customer-detail":           (401, 200, 404, 403, 403, 200, 200),
    "DELETE customer-detail":          (401, 409, 404, 403, 403, 403, 409),
    "GET customer-export":             (401, 200, 404, 200, 200, 200, 200),
    "POST customer-erase":             (401, 409, 404, 403, 403, 403, 409),
    "GET vehicle-list":                (401, 200, 200, 200, 200, 200, 200),
    "POST vehicle-list":               (401, 201, 201, 403, 403, 201, 201),
    "GET vehicle-detail":              (401, 200, 404, 200, 200, 200, 200),
    "PUT vehicle-detail":              (401, 200, 404, 403, 403, 200, 200),
    "PATCH vehicle-detail":            (401, 200, 404, 403, 403, 200, 200),
    "DELETE vehicle-detail":           (401, 409, 404, 403, 403, 403, 409),
    "GET mechanic-list":               EVERYBODY,
    "POST mechanic-list":              (401, 403, 403, 403, 403, 403, 201),
    "GET mechanic-popular":            EVERYBODY,
    "GET mechanic-detail":             EVERYBODY,
    "PUT mechanic-detail":             (401, 403, 403, 403, 403, 403, 200),
    "PATCH mechanic-detail":           (401, 403, 403, 403, 403, 403, 200),
    "DELETE mechanic-detail":          (401, 403, 403, 403, 403, 403, 409),
    "GET part-list":                   (401, 403, 403, 200, 200, 200, 200),
    "POST part-list":                  (401, 403, 403, 403, 403, 403, 201),
    "GET part-low-stock":              (401, 403, 403, 200, 200, 200, 200),
    "GET part-detail":                 (401, 403, 403, 200, 200, 200, 200),
    "PUT part-detail":                 (401, 403, 403, 403, 403, 403, 200),
    "PATCH part-detail":               (401, 403, 403, 403, 403, 403, 200),
    "DELETE part-detail":              (401, 403, 403, 403, 403, 403, 409),
    "PUT part-receive":                (401, 403, 403, 403, 403, 200, 200),
    "PUT part-adjust":                 (401, 403, 403, 403, 403, 403, 200),
    "PUT part-count":                  (401, 403, 403, 403, 403, 403, 200),
    "GET part-movements":              (401, 403, 403, 200, 200, 200, 200),
    "GET serviceticket-list":          (401, 200, 200, 200, 200, 200, 200),
    "POST serviceticket-list":         (401, 201, 201, 403, 403, 201, 201),
    "GET serviceticket-mine":          (401, 200, 200, 200, 200, 200, 200),
    "GET serviceticket-detail":        (401, 200, 404, 200, 200, 200, 200),
    "PUT serviceticket-detail":        (401, 200, 404, 200, 403, 200, 200),
    "PATCH serviceticket-detail":      (401, 200, 404, 200, 403, 200, 200),
    "DELETE serviceticket-detail":     (401, 204, 404, 403, 403, 403, 204),
    "PUT serviceticket-assign-mechanic": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-remove-mechanic": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-edit-mechanics": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-add-part":      (401, 403, 403, 200, 403, 200, 200),
    "PUT serviceticket-remove-part":   (401, 403, 403, 200, 403, 200, 200),
    "GET serviceticket-transitions":   (401, 200, 404, 200, 200, 200, 200),
    "POST serviceticket-transitions":  (401, 200, 404, 403, 403, 200, 200),
    "GET serviceticket-history":       (401, 200, 404, 200, 200, 200, 200),
    "PUT serviceticket-edit-part":     (401, 403, 403, 200, 403, 200, 200),
    "PUT serviceticket-give-discount": (401, 403, 403, 403, 403, 200, 200),
    "PUT serviceticket-add-canned-job": (401, 403, 403, 200, 403, 200, 200),
    "PUT serviceticket-add-recommendation": (401, 403, 403, 200, 403, 200, 200),
    "GET serviceticket-estimate":      (401, 200, 404, 200, 200, 200, 200),
    "POST serviceticket-email-estimate": (401, 403, 403, 403, 403, 202, 202),
    "GET serviceticket-authorizations": (401, 200, 404, 200, 200, 200, 200),
    "POST serviceticket-authorizations": (401, 201, 404, 403, 403, 201, 201),
    "POST serviceticket-invoice":      (401, 403, 403, 403, 403, 409, 409),
    "GET serviceticket-deposits":      (401, 200, 404, 403, 403, 200, 200),
    "POST serviceticket-deposits":     (401, 403, 403, 403, 403, 201, 201),
    "POST serviceticket-refund-deposit": (401, 403, 403, 403, 403, 403, 409),
    "GET vehicle-recommendations":     (401, 200, 404, 200, 200, 200, 200),
    "GET vehicle-recommended-parts":   (401, 200, 404, 200, 200, 200, 200),
    "GET job-list":                    (401, 200, 200, 200, 200, 200, 200),
    "POST job-list":                   (401, 403, 403, 201, 403, 201, 201),
    "GET job-detail":                  (401, 200, 404, 200, 200, 200, 200),
    "PUT job-detail":                  (401, 403, 403, 200, 403, 200, 200),
    "PATCH job-detail":                (401, 403, 403, 200, 403, 200, 200),
    "DELETE job-detail":               (401, 403, 403, 204, 403, 204, 204),
    "PUT job-add-line":                (401, 403, 403, 200, 403, 200, 200),
    "PUT job-edit-line":               (401, 403, 403, 200, 403, 200, 200),
    "PUT job-remove-line":             (401, 403, 403, 200, 403, 200, 200),
    "PUT job-finish":                  (401, 403, 403, 409, 403, 409, 409),
    "PUT job-cancel":                  (401, 403, 403, 200, 403, 200, 200),
    "PUT job-reopen":                  (401, 403, 403, 409, 403, 409, 409),
    "GET cannedjob-list":              (401, 403, 403, 200, 200, 200, 200),
    "POST cannedjob-list":             (401, 403, 403, 403, 403, 403, 201),
    "GET cannedjob-detail":            (401, 403, 403, 200, 200, 200, 200),
    "PUT cannedjob-detail":            (401, 403, 403, 403, 403, 403, 200),
    "PATCH cannedjob-detail":          (401, 403, 403, 403, 403, 403, 200),
    "DELETE cannedjob-detail":         (401, 403, 403, 403, 403, 403, 204),
    "GET laborrate-list":              (401, 403, 403, 200, 200, 200, 200),
    "POST laborrate-list":             (401, 403, 403, 403, 403, 403, 201),
    "GET laborrate-detail":            (401, 403, 403, 200, 200, 200, 200),
    "PUT laborrate-detail":            (401, 403, 403, 403, 403, 403, 200),
    "PATCH laborrate-detail":          (401, 403, 403, 403, 403, 403, 200),
    "DELETE laborrate-detail":         (401, 403, 403, 403, 403, 403, 204),
    "GET taxcode-list":                (401, 403, 403, 200, 200, 200, 200),
    "POST taxcode-list":               (401, 403, 403, 403, 403, 403, 201),
    "GET taxcode-detail":              (401, 403, 403, 200, 200, 200, 200),
    "PUT taxcode-detail":              (401, 403, 403, 403, 403, 403, 200),
    "PATCH taxcode-detail":            (401, 403, 403, 403, 403, 403, 200),
    "DELETE taxcode-detail":           (401, 403, 403, 403, 403, 403, 204),
    "PUT taxcode-set-rate":            (401, 403, 403, 403, 403, 403, 200),
    "GET invoice-list":                (401, 200, 200, 200, 200, 200, 200),
    "GET invoice-detail":              (401, 200, 404, 404, 404, 200, 200),
    "GET invoice-as-issued":           (401, 200, 404, 404, 404, 200, 200),
    "GET invoice-pdf":                 (401, 200, 404, 404, 404, 200, 200),
    "POST invoice-email":              (401, 403, 403, 403, 403, 202, 202),
    "GET invoice-payments":            (401, 200, 404, 404, 404, 200, 200),
    "POST invoice-payments":           (401, 403, 403, 403, 403, 201, 201),
    "PUT invoice-apply-credit":        (401, 403, 403, 403, 403, 409, 409),
    "POST invoice-refund":             (401, 403, 403, 403, 403, 403, 201),
    "GET invoice-credit-notes":        (401, 200, 404, 404, 404, 200, 200),
    "POST invoice-credit-notes":       (401, 403, 403, 403, 403, 403, 201),
    "GET creditnote-list":             (401, 200, 200, 200, 200, 200, 200),
    "GET creditnote-detail":           (401, 200, 404, 404, 404, 200, 200),
    "GET creditnote-as-issued":        (401, 200, 404, 404, 404, 200, 200),
    "GET creditnote-pdf":              (401, 200, 404, 404, 404, 200, 200),
    "POST creditnote-email":           (401, 403, 403, 403, 403, 202, 202),
    "GET payment-list":                (401, 200, 200, 200, 200, 200, 200),
    "GET payment-detail":              (401, 200, 404, 404, 404, 200, 200),
    "GET payment-pdf":                 (401, 200, 404, 404, 404, 200, 200),
    "POST payment-reverse":            (401, 403, 403, 403, 403, 403, 201),
    "GET serviceticket-share":         (401, 403, 403, 403, 403, 200, 200),
    "POST serviceticket-share":        (401, 403, 403, 403, 403, 201, 201),
    "PUT serviceticket-revoke-share":  (401, 403, 403, 403, 403, 200, 200),
    "GET shared":                      EVERYBODY,
    "POST shared-authorizations":      (201,) * 7,
    "GET customer-statement":          (401, 200, 404, 403, 403, 200, 200),
    "GET report-sales":                (401, 403, 403, 403, 403, 403, 200),
    "GET report-parts-margin":         (401, 403, 403, 403, 403, 403, 200),
    "GET report-tax":                  (401, 403, 403, 403, 403, 403, 200),
    "GET report-receivables":          (401, 403, 403, 403, 403, 403, 200),
    "GET report-deferred-work":        (401, 403, 403, 403, 403, 403, 200),
    "POST auth-token":                 EVERYBODY,
    "POST auth-token-refresh":         EVERYBODY,
    "POST auth-token-blacklist":       (204,) * 7,
    "GET auth-me":                     (401, 200, 200, 200, 200, 200, 200),
    "POST auth-password":              (401, 204, 204, 204, 204, 204, 204),
    "POST auth-password-reset":        (202,) * 7,
    "POST auth-password-reset-confirm": (400,) * 7,
    "GET api-root":                    EVERYBODY,
    "GET schema":                      EVERYBODY,
    "GET docs":                        EVERYBODY,
    "GET redoc":                       EVERYBODY,
}  # fmt: skip


ROWS = {
    **{
        name: name
        for name in ("customer", "vehicle", "mechanic", "part", "job", "invoice", "payment")
    },
    "serviceticket": "ticket",
    "cannedjob": "canned_job",
    "laborrate": "labor_rate",
    "taxcode": "tax_code",
    "creditnote": "credit_note",
}


def job_for(ticket: Any) -> Job:
    line = {
        "kind": "fee",
        "description": "Towing",
        "quantity": Decimal(1),
        "unit_price": Decimal(40),
    }
    return jobs.add_job(ticket, title="Towing", lines=[line], by=office())


class World:
    """One garage with the owner's ticket in estimate, on which the assigned mechanic is
    and a part is quoted.
    """

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self.owner, self.assigned = (
            request.getfixturevalue(name) for name in ("owner", "assigned")
        )
        customer, self.mechanic = self.owner.user.customer, self.assigned.user.mechanic
        self.customer = customer
        self.vehicle = VehicleFactory(customer=customer)
        self.part, self.other_part = PartFactory(stock=10), PartFactory(stock=10)
        self.other_mechanic = MechanicFactory()
        self.ticket = make_ticket(
            vehicle=self.vehicle, mechanics=[self.mechanic], parts=[(self.part, 2)]
        )
        self.login = UserFactory()

    def key(self, route: str) -> list[Any]:
        if route.startswith("shared"):
            return [self.token]
        name = route.split("-")[0]
        needs_key = not route.endswith("-list") and route not in (
            "mechanic-popular",
            "serviceticket-mine",
            "part-low-stock",
        )
        return [self.row(name).pk] if name in ROWS and needs_key else []

    def row(self, room: str) -> Any:
        """The row of the owner that the routes of a room are about."""
        return getattr(self, ROWS[room])

    def prepare(self, *calls: str) -> None:
        """Make what these calls need, before anybody counts the rows."""
        for call in calls:
            self.key(call.split()[1])
            self.body(call, self.assigned)

    # What only some routes need is made when it is asked for.

    @cached_property
    def job(self) -> Job:
        """Proposed, on the owner's ticket, with a line."""
        return job_for(self.ticket)

    @cached_property
    def job_line(self) -> int:
        return self.job.lines.get().pk

    @cached_property
    def sharing(self) -> tuple[ShareLink, str]:
        """A link to the owner's ticket, on which a job waits, and its token."""
        assert self.job
        return share_links.share(self.ticket, by=office())

    @property
    def token(self) -> str:
        return self.sharing[1]

    @cached_property
    def declined(self) -> Job:
        """Of an earlier ticket of the vehicle."""
        job = job_for(make_ticket(vehicle=self.vehicle))
        approvals.authorize(job.ticket, decline=[job.pk], by=office())
        return job

    @cached_property
    def canned_job(self) -> CannedJob:
        return CannedJob.objects.create(name="Oil change")

    @cached_property
    def labor_rate(self) -> LaborRate:
        return LaborRate.objects.create(name="Mechanical", hourly=Decimal("95.00"))

    @cached_property
    def tax_code(self) -> TaxCode:
        return tax_operations.add_tax_code(name="VAT", rate=Decimal(20), by=None)

    @cached_property
    def invoice(self) -> Invoice:
        """Of another ticket of the owner, paid in part."""
        ticket = make_ticket(
            "invoiced", vehicle=self.vehicle, parts=[(PartFactory(stock=9, price=Decimal(30)), 3)]
        )
        payments.pay(ticket.invoices.get(), amount=Decimal(10), by=office())
        return ticket.invoices.get()

    @cached_property
    def payment(self) -> Payment:
        return self.invoice.payments.get()

    @cached_property
    def credit_note(self) -> CreditNote:
        return credit_notes.credit(
            self.invoice,
            reason="Goodwill",
            lines=[{"line": 1, "quantity": Decimal(1)}],
            by=office(),
        )

    def body(self, call: str, client: Client) -> Any:
        staff = client.user is not None and client.user.has_perm("customers.view_customer")
        whose = {"customer": self.customer.pk} if staff else {}
        ticket = {"concern": "It squeaks", **whose}
        part = {"sku": "NEW-1", "name": "Wiper", "price": "12.50"}
        return {
            "POST customer-list": {
                "name": "New",
                "email": "new@example.com",
                "password": "a-long-enough-1",
            },
            "PUT customer-detail": {"name": "Olive"},
            "PATCH customer-detail": {"phone": "555-0199"},
            "POST customer-erase": {"current_password": PASSWORD},
            "POST vehicle-list": {"plate": "NEW 1", **whose},
            "PUT vehicle-detail": {"plate": "NEW 2", **whose},
            "PATCH vehicle-detail": {"color": "red"},
            "POST mechanic-list": {"name": "Mia"},
            "PUT mechanic-detail": {"name": "Mia"},
            "PATCH mechanic-detail": {"bio": "Fixes it."},
            "POST part-list": part,
            "PUT part-detail": part,
            "PATCH part-detail": {"bin": "A-1"},
            "PUT part-receive": {"quantity": 1},
            "PUT part-adjust": {"quantity": -1, "reason": "scrap", "note": "broken"},
            "PUT part-count": {"counted": 9},
            "POST serviceticket-list": ticket,
            "PUT serviceticket-detail": {"concern": "It squeaks more", **whose},
            "PATCH serviceticket-detail": {"service_date": "2026-12-01"},
            "PUT serviceticket-assign-mechanic": {"mechanic": self.other_mechanic.pk},
            "PUT serviceticket-remove-mechanic": {"mechanic": self.mechanic.pk},
            "PUT serviceticket-edit-mechanics": {
                "add": [self.other_mechanic.pk],
                "remove": [self.mechanic.pk],
            },
            "PUT serviceticket-add-part": {"part": self.other_part.pk},
            "PUT serviceticket-remove-part": {"part": self.part.pk},
            "POST serviceticket-transitions": {"to": "approved"},
            **self.bodies_of_jobs(call),
            **self.bodies_of_money(call),
            "POST serviceticket-share": {"days": 7},
            "POST auth-token": {"email": self.login.email, "password": PASSWORD},
            "POST auth-token-refresh": call.startswith("POST auth-token-")
            and {"refresh": self.refresh()},
            "POST auth-token-blacklist": call.startswith("POST auth-token-")
            and {"refresh": self.refresh()},
            "POST auth-password": {
                "current_password": PASSWORD,
                "new_password": "another-long-one-2",
            },
            "POST auth-password-reset": {"email": "nobody@example.com"},
            "POST auth-password-reset-confirm": {
                "uid": "MQ",
                "token": "x-y",
                "new_password": "another-long-one-2",
            },
        }.get(call)

    def bodies_of_jobs(self, call: str) -> dict[str, Any]:
        line = {"kind": "fee", "description": "Disposal", "quantity": "1", "unit_price": "8"}
        wanted: dict[str, Callable[[], Any]] = {
            "PUT serviceticket-edit-part": lambda: {"part": self.part.pk, "job": None},
            "PUT serviceticket-give-discount": lambda: {"discount_percent": "5"},
            "PUT serviceticket-add-canned-job": lambda: {"canned_job": self.canned_job.pk},
            "PUT serviceticket-add-recommendation": lambda: {"job": self.declined.pk},
            "PUT serviceticket-revoke-share": lambda: {"share": self.sharing[0].pk},
            "POST shared-authorizations": lambda: {"version": self.version},
            "POST serviceticket-authorizations": lambda: {"approve": [self.job.pk]},
            "POST job-list": lambda: {"ticket": self.ticket.pk, "title": "Brakes", "lines": [line]},
            "PUT job-detail": lambda: {"title": "Towing, twice"},
            "PATCH job-detail": lambda: {"cause": "Battery"},
            "PUT job-add-line": lambda: line,
            "PUT job-edit-line": lambda: {"line": self.job_line, "description": "Far"},
            "PUT job-remove-line": lambda: {"line": self.job_line},
            "POST cannedjob-list": lambda: {"name": "Tyres", "lines": [line]},
            "PUT cannedjob-detail": lambda: {"name": "Oil and filter"},
            "PATCH cannedjob-detail": lambda: {"concern": "Due"},
            "POST laborrate-list": lambda: {"name": "Diagnostic", "hourly": "120"},
            "PUT laborrate-detail": lambda: {"name": "Mechanic", "hourly": "99"},
            "PATCH laborrate-detail": lambda: {"hourly": "99"},
            "POST taxcode-list": lambda: {"name": "Reduced", "rate": "7"},
            "PUT taxcode-detail": lambda: {"name": "Value added"},
            "PATCH taxcode-detail": lambda: {"is_default": True},
            "PUT taxcode-set-rate": lambda: {"rate": "21", "valid_from": "2027-01-01"},
        }
        return {call: wanted[call]()} if call in wanted else {}

    def bodies_of_money(self, call: str) -> dict[str, Any]:
        money = {"amount": "1", "method": "cash"}
        wanted = {
            "POST serviceticket-deposits": money,
            "POST serviceticket-refund-deposit": money,
            "POST invoice-payments": money,
            "POST invoice-refund": money,
            "POST invoice-credit-notes": {
                "reason": "Goodwill",
                "lines": [{"line": 1, "quantity": 1}],
            },
            "POST payment-reverse": {"note": "Typed twice"},
        }
        return {call: wanted[call]} if call in wanted else {}

    @property
    def version(self) -> int:
        """The estimate's, as long as the ticket is there."""
        ticket = ServiceTicket.objects.filter(pk=self.ticket.pk).first()
        return snapshot.load_snapshot(ticket).version if ticket else 1

    def refresh(self) -> str:
        from mechanic_shop.accounts.sessions import token_pair

        return token_pair(self.login)["refresh"]


def routes(patterns: list[Any] | None = None, under: str = "") -> Iterator[str]:
    """ "METHOD name" of every route of the API, read from the URLconf."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = under + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if path in ("", "api/v1/", "api/v1/auth/"):
                yield from routes(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/v1/"):
            view = pattern.callback
            methods = getattr(view, "actions", None) or [
                m for m in ("get", "post", "put", "patch", "delete") if hasattr(view.view_class, m)
            ]
            for method in methods:
                if method != "head":
                    yield f"{method.upper()} {pattern.name}"


def test_the_matrix_names_every_route() -> None:
    assert set(MATRIX) == set(routes())


@pytest.mark.parametrize("call", MATRIX)
def test_who_may_do_what(request: pytest.FixtureRequest, call: str) -> None:
    """All actors in one world: what each did is undone before the next."""
    clients: dict[str, Client] = {actor: request.getfixturevalue(actor) for actor in ACTORS}
    world = World(request)
    method, name = call.split()
    address = reverse(name, args=world.key(name))
    for actor, expected in zip(ACTORS, MATRIX[call], strict=True):
        body = world.body(call, clients[actor])
        with undone():
            response = clients[actor].generic(method, address, **as_json(body))
            assert (actor, response.status_code) == (actor, expected), response.content[:500]
            if expected >= 400:
                assert response["Content-Type"] == "application/problem+json"
            if expected == 401:
                assert response["WWW-Authenticate"].startswith("Bearer")


@contextmanager
def undone() -> Iterator[None]:
    """What is written inside is taken back, and what was kept of it is forgotten."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forget()


def as_json(body: Any) -> dict[str, Any]:
    import orjson

    return {} if body is None else {"data": orjson.dumps(body), "content_type": "application/json"}


@pytest.mark.parametrize("call", [call for call, expected in MATRIX.items() if expected[2] == 404])
def test_what_is_anothers_looks_like_what_is_not_there(
    request: pytest.FixtureRequest, stranger: Client, call: str
) -> None:
    """Otherwise counting through the keys would tell how many tickets the shop has."""
    world = World(request)
    method, name = call.split()
    body = as_json(world.body(call, stranger))

    anothers = stranger.generic(
        method, reverse(name, args=world.key(name)), HTTP_X_REQUEST_ID="same", **body
    )
    missing = stranger.generic(
        method, reverse(name, args=[999_999]), HTTP_X_REQUEST_ID="same", **body
    )

    assert anothers.content == missing.content
    assert anothers.status_code == missing.status_code == 404


@pytest.mark.parametrize("row", ["customer", "vehicle", "serviceticket"])
def test_lists_show_a_customer_nobody_elses(
    request: pytest.FixtureRequest, stranger: Client, row: str
) -> None:
    World(request)
    results = stranger.get(reverse(f"{row}-list")).json()["results"]
    assert [found["id"] for found in results] == (
        [stranger.user.customer.pk] if row == "customer" else []
    )


def test_a_mechanic_who_is_also_a_customer_may_approve_the_own_estimate(unassigned: Client) -> None:
    customer = CustomerFactory(user=unassigned.user)
    ticket = make_ticket(customer=customer)
    assert (
        unassigned.post(f"/api/v1/tickets/{ticket.pk}/transitions/", {"to": "approved"}).status_code
        == 200
    )


def test_roles_are_permissions_that_an_owner_can_change(advisor: Client, stranger: Client) -> None:
    from django.contrib.auth.models import Group, Permission

    part = PartFactory()
    Group.objects.get(name="advisor").permissions.add(
        Permission.objects.get(codename="adjust_part")
    )
    fresh = client_of(type(advisor.user).objects.get(pk=advisor.user.pk))
    assert fresh.put(f"/api/v1/parts/{part.pk}/count/", {"counted": 3}).status_code == 200


def test_a_mechanic_taken_off_a_ticket_may_no_longer_write_on_it(
    request: pytest.FixtureRequest, assigned: Client, manager: Client
) -> None:
    world = World(request)
    assignments.remove_mechanic(world.ticket, mechanic=world.mechanic, by=manager.user)
    assert (
        assigned.patch(f"/api/v1/tickets/{world.ticket.pk}/", {"cause": "worn"}).status_code == 403
    )
