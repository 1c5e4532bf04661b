"""Races over customers, tickets, vehicles and money. In a round the requests of a race
start in the same moment.

A race makes its rows, names its requests, and says what is wrong with their answers and
with the rows that they leave: whatever could not come from one request after the other.
``make races`` plays 200 rounds of each (docs/decisions/0008-row-locks.md).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from inventory import tax_operations
from inventory.taxes import TaxCode
from mechanic_shop.db.models import AuditEntry
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.billing import estimates
from tickets.models import CannedJob, Job, JobLine, Payment, ServiceTicket
from tickets.work import canned_jobs, jobs

from .factories import (
    CustomerFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)

FEE = {"kind": "fee", "description": "Disposal", "quantity": Decimal(1), "unit_price": Decimal(100)}


@dataclass(frozen=True)
class Call:
    """A request; ``who`` sends it: manager (API), desk (admin, with a session), owner
    or visitor.
    """

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    who: str = "manager"


@dataclass
class Round:
    calls: list[Call]
    find_fault: Callable[[list[int]], str]
    """What is wrong with these status codes, and with the rows; empty where nothing is."""
    owner: Any = None
    """The user of the calls of ``who="owner"``."""


Race = Callable[[], Round]
RACES: dict[str, Race] = {}


def race(make: Race) -> Race:
    RACES[make.__name__] = make
    return make


def patch(row: Any, **body: Any) -> Call:
    routes = {"serviceticket": "tickets", "laborrate": "labor-rates", "cannedjob": "canned-jobs"}
    name = row._meta.model_name
    return Call("PATCH", f"/api/v1/{routes.get(name, f'{name}s')}/{row.pk}/", body)


def put(path: str, **body: Any) -> Call:
    return Call("PUT", f"/api/v1/{path}", body)


def post(path: str, **body: Any) -> Call:
    return Call("POST", f"/api/v1/{path}", body)


def press(row: Any, button: str, **answers: Any) -> Call:
    """A button of the admin."""
    meta = row._meta
    return Call(
        "POST",
        reverse(f"admin:{meta.app_label}_{meta.model_name}_{button}", args=[row.pk]),
        answers,
        "desk",
    )


def unless(found: list[int], *allowed: tuple[int, ...]) -> str:
    return "" if tuple(found) in allowed else f"answered {found}"


def entry(row: Any, name: str) -> int:
    """The last entry of the audit trail that says that this field of the row changed: 0
    where none does.
    """
    kind = ContentType.objects.get_for_model(row)
    rows = AuditEntry.objects.filter(content_type=kind, object_id=row.pk, changes__has_key=name)
    return rows.order_by("-pk").values_list("pk", flat=True).first() or 0


def ticket_of(customer: Any, **details: Any) -> ServiceTicket:
    return make_ticket(customer=customer, **details)


# --- the customer of a ticket changes -------------------------------------------------


@race
def a_ticket_gets_a_car_and_another_customer() -> Round:
    one, two = CustomerFactory(), CustomerFactory()
    ticket, car = ticket_of(one), VehicleFactory(customer=one)

    def find_fault(found: list[int]) -> str:
        ticket.refresh_from_db()
        foreign = ticket.vehicle is not None and ticket.vehicle.customer_id != ticket.customer_id
        return "the car of another customer" if foreign else unless(sorted(found), (200, 400))

    return Round([patch(ticket, vehicle=car.pk), patch(ticket, customer=two.pk)], find_fault)


def while_moved(ticket: ServiceTicket, call: Call, *allowed: tuple[int, int]) -> Round:
    """Something is done to a ticket while it goes to another customer."""

    def find_fault(found: list[int]) -> str:
        ticket.refresh_from_db()
        paid = set(Payment.objects.filter(ticket=ticket).values_list("customer_id", flat=True))
        return (
            "a payment of another customer"
            if paid - {ticket.customer_id}
            else unless(found, *allowed)
        )

    return Round([patch(ticket, customer=CustomerFactory().pk), call], find_fault)


@race
def a_ticket_gets_a_part_and_another_customer() -> Round:
    ticket = make_ticket()
    return while_moved(
        ticket, put(f"tickets/{ticket.pk}/add-part/", part=PartFactory().pk), (200, 200)
    )


@race
def a_ticket_gets_a_deposit_and_another_customer() -> Round:
    ticket = make_ticket()
    call = post(f"tickets/{ticket.pk}/deposits/", amount="5.00", method="cash")
    return while_moved(ticket, call, (200, 201), (409, 201))


@race
def a_ticket_gets_a_deposit_in_the_admin_and_another_customer() -> Round:
    ticket = make_ticket()
    return while_moved(
        ticket,
        press(ticket, "take_deposit", amount="5.00", method="cash", note="", reference=""),
        (200, 302),
        (409, 302),
    )


@race
def a_job_gets_a_line_and_its_ticket_another_customer() -> Round:
    job = jobs.add_job(make_ticket(), title="Brakes", by=office())
    call = put(f"jobs/{job.pk}/add-line/", kind="fee", description="Disposal", unit_price="5.00")
    return while_moved(job.ticket, call, (200, 200))


def exempt_round(call: Callable[[Job], Call], done: int) -> Round:
    """A ticket is approved while it goes to a customer who pays no tax: they approve
    the price without it.
    """
    if not TaxCode.objects.filter(is_default=True).exists():
        tax_operations.add_tax_code(
            name="Tax", rate=Decimal(10), valid_from=date(2020, 1, 1), is_default=True, by=office()
        )
    job = jobs.add_job(make_ticket(), title="Brakes", lines=[FEE], by=office())
    exempt = CustomerFactory(tax_exempt=True, tax_certificate="x")

    def find_fault(found: list[int]) -> str:
        total = job.ticket.authorizations.values_list("approved_total", flat=True).first()
        wanted = Decimal(100) if found[0] == 200 else Decimal(110)
        return unless(found, (200, done), (409, done)) or (
            "" if total == wanted else f"approved {total}, not {wanted}"
        )

    return Round([patch(job.ticket, customer=exempt.pk), call(job)], find_fault)


@race
def a_ticket_is_approved_and_gets_another_customer() -> Round:
    return exempt_round(
        lambda job: post(f"tickets/{job.ticket_id}/authorizations/", approve=[job.pk]), 201
    )


@race
def a_ticket_is_approved_in_the_admin_and_gets_another_customer() -> Round:
    def call(job: Job) -> Call:
        return press(
            job.ticket, "authorize", channel="in_person", note="", **{f"job_{job.pk}": "approve"}
        )

    return exempt_round(call, 302)


@race
def a_ticket_is_approved_by_a_link_and_gets_another_customer() -> Round:
    job = jobs.add_job(make_ticket(), title="Brakes", lines=[FEE], by=office())
    _, token = share_links.share(job.ticket, by=office())
    seen = estimates.estimate(ServiceTicket.objects.get(pk=job.ticket_id))["version"]
    call = Call(
        "POST",
        f"/api/v1/shared/{token}/authorizations/",
        {"approve": [job.pk], "version": seen},
        "visitor",
    )
    # The link ends with the customer who got it; and who decided keeps the ticket.
    return Round(
        [patch(job.ticket, customer=CustomerFactory().pk), call],
        lambda found: unless(found, (200, 404), (409, 201)),
    )


@race
def a_customer_writes_on_a_ticket_that_goes_to_another() -> Round:
    owner = CustomerFactory(login=True)
    ticket = ticket_of(owner)
    call = Call("PATCH", f"/api/v1/tickets/{ticket.pk}/", {"concern": "And the brakes"}, "owner")

    def find_fault(found: list[int]) -> str:
        late = found[1] == 200 and entry(ticket, "concern") > entry(ticket, "customer")
        return "written by the former owner" if late else unless(found, (200, 200), (200, 404))

    return Round([patch(ticket, customer=CustomerFactory().pk), call], find_fault, owner.user)


# --- a vehicle changes hands ----------------------------------------------------------


@race
def a_car_is_painted_and_sold() -> Round:
    car, two = VehicleFactory(), CustomerFactory()

    def find_fault(found: list[int]) -> str:
        car.refresh_from_db()
        lost = (car.customer_id, car.color) != (two.pk, "red")
        return "a change is lost" if lost else unless(found, (200, 200))

    return Round([patch(car, customer=two.pk), patch(car, color="red")], find_fault)


@race
def two_tickets_tell_the_reading_of_a_car_that_is_painted() -> Round:
    car = VehicleFactory(odometer=50_000)
    tickets = [make_ticket(vehicle=car) for _ in range(2)]
    calls = [
        patch(ticket, odometer_in=reading)
        for ticket, reading in zip(tickets, (61_000, 62_000), strict=True)
    ]

    def find_fault(found: list[int]) -> str:
        car.refresh_from_db()
        lost = (car.odometer, car.color) != (62_000, "red")
        return (
            "a reading or a color is lost"
            if lost
            else unless(found, (200, 200, 200), (409, 200, 200))
        )

    return Round([*calls, patch(car, color="red")], find_fault)


@race
def a_ticket_is_opened_for_a_car_that_is_sold() -> Round:
    """Nobody names the customer, so it is the owner of the moment."""
    car, two = VehicleFactory(), CustomerFactory()
    owners = {car.customer_id, two.pk}

    def find_fault(found: list[int]) -> str:
        stranger = set(car.tickets.values_list("customer_id", flat=True)) - owners
        return "a ticket of a stranger" if stranger else unless(found, (200, 201))

    return Round(
        [patch(car, customer=two.pk), post("tickets/", vehicle=car.pk, concern="Brakes")],
        find_fault,
    )


@race
def a_car_is_sold_and_its_buyer_brings_it() -> Round:
    """The ticket locks the buyer, then the car to tell it a reading; the sale locks the
    car, then the buyer.
    """
    car, two = VehicleFactory(), CustomerFactory()

    def find_fault(found: list[int]) -> str:
        return unless(found, (200, 201), (200, 400))

    return Round(
        [
            patch(car, customer=two.pk),
            post("tickets/", customer=two.pk, vehicle=car.pk, concern="Brakes", odometer_in=9),
        ],
        find_fault,
    )


@race
def a_recommendation_is_taken_up_on_a_ticket_that_gets_another_car() -> Round:
    car = VehicleFactory()
    declined = jobs.add_job(make_ticket(vehicle=car), title="Rear brakes", lines=[FEE], by=office())
    approvals.authorize(declined.ticket, decline=[declined.pk], by=office())
    ticket, other = make_ticket(vehicle=car), VehicleFactory(customer=car.customer)

    def find_fault(found: list[int]) -> str:
        late = found[1] == 302 and entry(ticket, "title") > entry(ticket, "vehicle")
        return "a job of another car" if late else unless(found, (200, 302), (200, 200))

    return Round(
        [patch(ticket, vehicle=other.pk), press(ticket, "add_recommendation", job=declined.pk)],
        find_fault,
    )


@race
def a_customer_is_erased_whose_car_is_written() -> Round:
    car = VehicleFactory()
    calls = [
        post(f"customers/{car.customer_id}/erase/"),
        patch(car, customer=car.customer_id, color="red"),
    ]
    return Round(calls, lambda found: unless(found, (204, 200), (204, 409)))


# --- others that read two rows --------------------------------------------------------


@race
def a_log_in_gets_two_e_mails() -> Round:
    customer = CustomerFactory(login=True)
    user, one, two = (
        customer.user,
        f"one-{customer.pk}@example.com",
        f"two-{customer.pk}@example.com",
    )
    page = reverse("admin:accounts_user_change", args=[user.pk])
    form = {"email": two, "initial-email": user.email, "is_active": "on", "initial-is_active": "on"}
    calls = [patch(customer, email=one), Call("POST", page, form, "desk")]

    def find_fault(found: list[int]) -> str:
        user.refresh_from_db()
        customer.refresh_from_db()
        return "two e-mails" if user.email != customer.email else unless(found, (200, 302))

    return Round(calls, find_fault)


@race
def a_canned_job_is_used_and_rewritten() -> Round:
    fee = FEE | {"description": "old"}
    canned = canned_jobs.write_canned_job(
        CannedJob(), name=f"old {CannedJob.objects.count()}", lines=[fee], by=office()
    )
    ticket = make_ticket()
    new = {"kind": "fee", "description": "new", "unit_price": "1.00"}

    def find_fault(found: list[int]) -> str:
        title = Job.objects.get(ticket=ticket).title.split()[0]
        torn = [title] != list(
            JobLine.objects.filter(job__ticket=ticket).values_list("description", flat=True)
        )
        return "the name of one, the lines of the other" if torn else unless(found, (200, 200))

    calls = [
        patch(canned, name=f"new {canned.pk}", lines=[new]),
        put(f"tickets/{ticket.pk}/add-canned-job/", canned_job=canned.pk),
    ]
    return Round(calls, find_fault)


def manager() -> Any:
    return UserFactory(role="manager", is_staff=True)
