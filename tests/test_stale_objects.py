"""Every operation locks first and works on what the row says then, whatever object it
was handed.
"""

import ast
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from inspect import isfunction
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from customers import operations as customers
from customers import vehicle_operations as vehicles
from customers.models import Customer
from inventory import allocations, tax_operations
from inventory import operations as stock
from inventory.models import Part
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts import password_changes, sessions
from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.models import AuditEntry
from mechanic_shop.errors import DomainError, NotAllowed
from mechanics import operations as mechanics
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.billing import credit_notes, invoices, payments, reversals
from tickets.billing import credits as customer_credits
from tickets.desk import requests
from tickets.models import CannedJob, Job, Payment, ServiceTicket
from tickets.work import (
    assignments,
    canned_jobs,
    job_lines,
    jobs,
    part_edits,
    parts,
    recommendations,
    tickets,
)

from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)

pytestmark = pytest.mark.django_db
FEE = {"kind": "fee", "description": "Disposal", "quantity": Decimal(1), "unit_price": Decimal(5)}
CASH = {"amount": Decimal(5), "method": "cash"}


class World:
    """A ticket, its job and its money, each read before somebody else changes the row."""

    def __init__(self, status: str = "estimate") -> None:
        self.other = CustomerFactory(name="Another customer")
        self.part = PartFactory(stock=10)
        self.ticket = make_ticket(vehicle=VehicleFactory())
        self.job = jobs.add_job(self.ticket, title="Brakes", lines=[FEE], by=office())
        self.line = self.job.lines.get()
        parts.add_part(self.ticket, part=self.part, job=self.job, by=office())
        for to in {"estimate": [], "approved": ["approved"]}.get(status, ["approved", "done"]):
            if to == "done":
                jobs.finish_job(self.job, by=office())
                requests.request_transition(self.ticket, to="completed", by=office())
            else:
                requests.request_transition(self.ticket, to=to, by=office())
        if status == "invoiced":
            self.invoice = invoices.issue_invoice(self.ticket, by=office())
            self.payment = payments.pay(self.invoice, **CASH, by=office())
        self.ticket = ServiceTicket.objects.select_related("customer").get(pk=self.ticket.pk)
        self.job = Job.objects.select_related("ticket__customer").get(pk=self.job.pk)

    def changes(self) -> None:
        """What somebody else commits once the objects were read."""
        ServiceTicket.objects.filter(pk=self.ticket.pk).update(
            concern="It is the rear axle", customer=self.other, discount_percent=10
        )
        Job.objects.filter(pk=self.job.pk).update(cause="Rust")


def deposit_first(world: World) -> None:
    payments.deposit(
        world.ticket, amount=Decimal(50), method="cash", keep_as_credit=True, by=office()
    )


def credit_first(world: World) -> None:
    before = make_ticket("invoiced", customer=world.ticket.customer)
    payments.pay(
        before.invoices.get(), amount=Decimal(500), method="cash", keep_as_credit=True, by=office()
    )


def cancel_first(world: World) -> None:
    jobs.cancel_job(world.job, by=office())


def mechanic_first(world: World) -> None:
    world.mechanic = MechanicFactory()
    assignments.assign_mechanic(world.ticket, mechanic=world.mechanic, by=office())


def share_first(world: World) -> None:
    world.link, world.token = share_links.share(world.ticket, by=office())


def canned_first(world: World) -> None:
    world.canned = canned_jobs.write_canned_job(CannedJob(), name="Oil", lines=[FEE], by=office())


def declined_first(world: World) -> None:
    before = make_ticket(customer=world.ticket.customer, vehicle=world.ticket.vehicle)
    world.declined = jobs.add_job(before, title="Later", lines=[FEE], by=office())
    approvals.authorize(before, decline=[world.declined.pk], by=office())


Call = Callable[[World], Any]
# operation: (status of the ticket, what comes before, the call with what was read)
ON_TICKETS: dict[str, tuple[str, Call | None, Call]] = {
    "add_canned_job": ("estimate", canned_first, lambda w: canned_jobs.add_canned_job(w.ticket, canned_job=w.canned, by=office())),
    "add_job": ("estimate", None, lambda w: jobs.add_job(w.ticket, title="More", by=office())),
    "add_line": ("estimate", None, lambda w: job_lines.add_line(w.job, **FEE, by=office())),
    "add_part": ("estimate", None, lambda w: parts.add_part(w.ticket, part=PartFactory(), by=office())),
    "apply_credit": ("invoiced", credit_first, lambda w: customer_credits.apply_credit(w.invoice, by=office())),
    "add_recommendation": ("estimate", declined_first, lambda w: recommendations.add_recommendation(w.ticket, job=w.declined, by=office())),
    "assign_mechanic": ("estimate", None, lambda w: assignments.assign_mechanic(w.ticket, mechanic=MechanicFactory(), by=office())),
    "authorize": ("estimate", None, lambda w: approvals.authorize(w.ticket, approve=[w.job.pk], by=office())),
    "cancel_job": ("approved", None, lambda w: jobs.cancel_job(w.job, by=office())),
    "credit": ("invoiced", None, lambda w: credit_notes.credit(w.invoice, reason="Goodwill", by=office())),
    "delete": ("estimate", None, lambda w: tickets.delete(w.ticket, by=office())),
    "delete_job": ("estimate", None, lambda w: jobs.delete_job(w.job, by=office())),
    "deposit": ("estimate", None, lambda w: payments.deposit(w.ticket, **CASH, by=office())),
    "edit_line": ("estimate", None, lambda w: job_lines.edit_line(w.job, line=w.line.pk, quantity=Decimal(2), by=office())),
    "edit_mechanics": ("estimate", None, lambda w: assignments.edit_mechanics(w.ticket, add=[MechanicFactory()], by=office())),
    "edit_part": ("estimate", None, lambda w: part_edits.edit_part(w.ticket, part=w.part, unit_price=Decimal(1), by=office())),
    "finish_job": ("approved", None, lambda w: jobs.finish_job(w.job, by=office())),
    "give_discount": ("estimate", None, lambda w: tickets.give_discount(w.ticket, discount_amount=Decimal(1), by=office())),
    "issue_invoice": ("completed", None, lambda w: invoices.issue_invoice(w.ticket, by=office())),
    "request_transition": ("estimate", None, lambda w: requests.request_transition(w.ticket, to="approved", by=office())),
    "pay": ("invoiced", None, lambda w: payments.pay(w.invoice, amount=Decimal(1), by=office())),
    "refund": ("invoiced", None, lambda w: payments.refund(w.invoice, amount=Decimal(1), by=office())),
    "refund_deposit": ("estimate", deposit_first, lambda w: payments.refund_deposit(w.ticket, **CASH, by=office())),
    "remove_line": ("estimate", None, lambda w: job_lines.remove_line(w.job, line=w.line.pk, by=office())),
    "remove_mechanic": ("estimate", mechanic_first, lambda w: assignments.remove_mechanic(w.ticket, mechanic=w.mechanic, by=office())),
    "remove_part": ("estimate", None, lambda w: parts.remove_part(w.ticket, part=w.part, by=office())),
    "reopen_job": ("estimate", cancel_first, lambda w: jobs.reopen_job(w.job, by=office())),
    "reverse": ("invoiced", None, lambda w: reversals.reverse(w.payment, note="Bounced", by=office())),
    "revoke_share": ("estimate", share_first, lambda w: share_links.revoke_share(w.ticket, share=w.link.pk, by=office())),
    "share": ("estimate", None, lambda w: share_links.share(w.ticket, by=office())),
    "update": ("estimate", None, lambda w: tickets.update(w.ticket, cause="Found", by=office())),
    "update_job": ("estimate", None, lambda w: jobs.update_job(w.job, correction="Done", by=office())),
}  # fmt: skip
# They are handed no row of a ticket that was read before.
OTHERS = {"open_ticket", "shared", "authorize_shared", "write_canned_job"}


# They call another operation, or write nothing.
NOT_ATOMIC = {"assign_mechanic", "remove_mechanic", "shared"}


def atomic_functions() -> set[str]:
    """Every function of tickets that is a transaction of its own."""
    root = Path(apps.get_app_config("tickets").path)
    return {
        node.name
        for path in root.glob("*/*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(each) == "atomic" for each in node.decorator_list)
    }


def test_every_operation_is_here() -> None:
    assert {*ON_TICKETS, *OTHERS} == atomic_functions() | NOT_ATOMIC


@pytest.mark.parametrize("name", ON_TICKETS)
def test_an_operation_on_a_ticket_uses_what_the_row_says_now(name: str) -> None:
    status, first, call = ON_TICKETS[name]
    world = World(status)
    if first:
        first(world)
        world.ticket.refresh_from_db()
        world.job.refresh_from_db()
    ticket = {"invoice": "pay refund credit apply_credit", "payment": "reverse"}
    of = next((each for each, names in ticket.items() if name in names.split()), "")
    seen = getattr(world, of).ticket if of else world.ticket
    if "job" in call.__code__.co_names and "ticket" not in call.__code__.co_names:
        seen = world.job.ticket
    key = seen.pk
    world.changes()

    call(world)

    assert (seen.concern, seen.customer_id) == ("It is the rear axle", world.other.pk)
    rows = ServiceTicket.objects.filter(pk=key).values_list("concern", "customer_id")
    assert list(rows) == ([] if name == "delete" else [("It is the rear axle", world.other.pk)])
    assert list(Job.objects.filter(pk=world.job.pk).values_list("cause", flat=True)) in (
        ["Rust"],
        [],
    )


def test_money_belongs_to_the_customer_of_the_moment() -> None:
    world = World()
    world.changes()
    payments.deposit(world.ticket, **CASH, by=office())
    assert Payment.objects.get().customer == world.other


def test_a_price_is_that_of_the_moment() -> None:
    world, part = World(), PartFactory(price=Decimal(10))
    stale = Part.objects.get(pk=part.pk)
    Part.objects.filter(pk=part.pk).update(price=Decimal(12))
    parts.add_part(world.ticket, part=stale, by=office())
    assert world.ticket.lines.get(part=part).unit_price == Decimal(12)


def test_a_part_that_was_put_off_is_what_its_line_says_at_the_moment() -> None:
    car, part = VehicleFactory(), PartFactory()
    before = make_ticket(vehicle=car, parts=[(part, 1)])
    approvals.authorize(before, decline_parts=[part.pk], by=office())
    stale, later = before.lines.get(), make_ticket(vehicle=car)
    type(stale).objects.filter(pk=stale.pk).update(quantity=3)
    recommendations.add_recommendation(later, part_line=stale, by=office())
    assert later.lines.get().quantity == 3
    type(stale).objects.filter(pk=stale.pk).update(status="approved")
    with pytest.raises(DomainError, match="was approved"):
        recommendations.add_recommendation(make_ticket(vehicle=car), part_line=stale, by=office())


# --- every other app ------------------------------------------------------------------


def walk_in() -> Any:
    return CustomerFactory(login=True)


def login() -> Any:
    return UserFactory()


def counted_part() -> Any:
    """Of which two are promised to a ticket."""
    part = PartFactory(stock=10)
    allocations.allocate(part, Decimal(2))
    return Part.objects.get(pk=part.pk)


def waiting_part() -> Any:
    """For which a ticket waits, and which has come behind its back."""
    part = PartFactory()
    ticket = make_ticket("approved")
    parts.add_part(ticket, part=part, backorder=True, quantity=Decimal(2), by=office())
    Part.objects.filter(pk=part.pk).update(on_hand=Decimal(2))
    return Part.objects.get(pk=part.pk)


def tax_code() -> Any:
    return tax_operations.add_tax_code(name="VAT", rate=Decimal(1), by=None)


ADDRESS, RENAMED, EMAIL = (
    {"address": "2 New Street"},
    {"name": "Other pads", "sku": "OTHER-1"},
    {"email": "moved@example.com"},
)
TWO = Decimal(2)
# operation: (what makes the row, what somebody else changes of it once it was read, the
# call with what was read)
ELSEWHERE: dict[str, tuple[Callable[[], Any], dict[str, Any], Callable[[Any], Any]]] = {
    "accounts.deactivate": (login, EMAIL, lambda u: accounts.deactivate(u, by=office())),
    "accounts.end_sessions": (login, EMAIL, lambda u: sessions.end_sessions(u, by=office())),
    "accounts.erase_login": (login, {"is_staff": True}, lambda u: accounts.erase_login(u, by=office())),
    "accounts.set_email": (login, {"is_active": False}, lambda u: accounts.set_email(u, "new@example.com", by=office())),
    "customers.delete": (CustomerFactory, ADDRESS, lambda c: customers.delete(c, by=office())),
    "customers.delete_vehicle": (VehicleFactory, {"color": "red"}, lambda v: vehicles.delete_vehicle(v, by=office())),
    "customers.erase": (walk_in, {"tax_exempt": True}, lambda c: customers.erase(c, by=office())),
    "customers.update": (walk_in, ADDRESS, lambda c: customers.update(c, phone="555-0100", by=office())),
    "customers.update_vehicle": (VehicleFactory, {"color": "red"}, lambda v: vehicles.update_vehicle(v, year=2001, by=office())),
    "inventory.adjust": (PartFactory, RENAMED, lambda p: stock.adjust(p, quantity=TWO, reason="adjustment", note="", by=None)),
    "inventory.count": (PartFactory, RENAMED, lambda p: stock.count(p, counted=Decimal(3), by=office())),
    "inventory.delete": (PartFactory, RENAMED, lambda p: stock.delete(p, by=office())),
    "inventory.receive": (PartFactory, RENAMED, lambda p: stock.receive(p, quantity=TWO, by=office())),
    "inventory.set_rate": (tax_code, {"number": "DE 1"}, lambda c: tax_operations.set_rate(c, rate=TWO, by=None)),
    "mechanics.delete": (MechanicFactory, {"bio": "Welds"}, lambda m: mechanics.delete(m, by=office())),
}  # fmt: skip
# A ticket's operations call them with a part whose row they hold. Each is one statement
# on the shelf, whose WHERE clause is the lock, or reads the shelf anew: (what makes the
# part, the call, what is on hand and allocated then).
OF_THE_SHELF: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], tuple[int, int]]] = {
    "inventory.allocate": (counted_part, lambda p: allocations.allocate(p, TWO), (11, 5)),
    "inventory.allocate_up_to": (
        counted_part,
        lambda p: allocations.allocate_up_to(p, Decimal(50)),
        (11, 11),
    ),
    "inventory.release": (counted_part, lambda p: allocations.release(p, TWO), (11, 1)),
    "inventory.issue": (
        counted_part,
        lambda p: allocations.issue(p, TWO, reference="T-1", by=None),
        (9, 1),
    ),
    "inventory.return_to_stock": (
        counted_part,
        lambda p: allocations.return_to_stock(p, TWO, reference="T-1", by=None),
        (13, 3),
    ),
    "inventory.fill_backorders": (waiting_part, allocations.fill_backorders, (3, 3)),
}
# Compare-and-set on what was read: whoever proved a password or a mail proved it for
# that very log-in.
COMPARED: dict[str, Callable[[Any], Any]] = {
    "accounts.reset_password": lambda u: password_changes.reset_password(u, "hash"),
    "accounts.set_password": lambda u: password_changes.set_password(u, "hash", by=u),
    "accounts.store_password": lambda u: password_changes.store_password(u, "hash"),
}
NO_ROW = {
    *(
        "accounts.create_login",
        "accounts.log_in",
        "accounts.log_out",
        "accounts.login_for_walk_in",
        "accounts.mail_reset",
    ),
    *("accounts.request_reset", "accounts.rotate", "customers.register", "inventory.add_tax_code"),
}
"""They are handed no row that was read before."""
NO_WRITE = {
    *(
        "accounts.change_password",
        "accounts.check_change",
        "accounts.check_current_password",
        "accounts.check_refresh",
        "accounts.check_reset",
    ),
    *(
        "accounts.count_attempt",
        "accounts.customers",
        "accounts.email_is_taken",
        "accounts.give_attempt_back",
        "accounts.pair",
    ),
    *("accounts.lock_login", "accounts.pseudonyms", "accounts.token_pair"),
    *(
        "inventory.combined_rate",
        "inventory.ensure_available",
    ),
}
"""They write no row, or leave that to another operation."""

LOCKED_BEFORE = {"customers.take_reading"}
"""They are handed a row that their caller has locked and read."""


OPERATIONS = (
    "operations",
    "allocations",
    "password_changes",
    "sessions",
    "tax_operations",
    "vehicle_operations",
)


def operations_elsewhere() -> set[str]:
    """Every public function of every app's operations, but for those of tickets."""
    found = set()
    for app in apps.get_app_configs():
        for name in OPERATIONS:
            module_name = f"{app.name}.{name}"
            if app.label == "tickets" or find_spec(module_name) is None:
                continue
            found |= {
                f"{app.label}.{name}"
                for name, each in vars(import_module(module_name)).items()
                if isfunction(each) and each.__module__ == module_name and not name.startswith("_")
            }
    return found


def test_every_operation_of_every_app_is_here() -> None:
    lists = [set(ELSEWHERE), set(OF_THE_SHELF), set(COMPARED), NO_ROW, NO_WRITE, LOCKED_BEFORE]
    assert set().union(*lists) == operations_elsewhere()
    assert sum(map(len, lists)) == len(operations_elsewhere())


@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_operation_uses_what_the_row_says_now(name: str) -> None:
    factory, change, call = ELSEWHERE[name]
    stale = factory()
    model, key, name_then = type(stale), stale.pk, str(stale)
    model._base_manager.filter(pk=key).update(**change)
    last = AuditEntry.objects.order_by("pk").values_list("pk", flat=True).last() or 0
    office()

    with CaptureQueriesContext(connection) as ran:
        call(stale)

    for column, value in change.items():
        assert getattr(stale, column) == value
        assert list(model._base_manager.filter(pk=key).values_list(column, flat=True)) in (
            [],
            [value],
        )
    now, told = (
        model._base_manager.filter(pk=key).first() or stale,
        AuditEntry.objects.get_for_object(model(pk=key)).filter(pk__gt=last),
    )
    assert str(now) == name_then or name_then not in {entry.object_repr for entry in told}
    if connection.features.has_select_for_update:  # the lock is what it begins with
        begins = [query["sql"] for query in ran.captured_queries if "SAVEPOINT" not in query["sql"]]
        asked = [
            sql
            for sql in begins
            if "office@example.com" not in sql and '"customers_customer"."user_id" =' not in sql
        ]
        assert "FOR UPDATE" in asked[0], asked[0]


@pytest.mark.parametrize("name", OF_THE_SHELF)
def test_what_is_done_to_the_shelf_uses_what_is_on_it_now(name: str) -> None:
    make, call, (on_hand, allocated) = OF_THE_SHELF[name]
    stale = make()
    Part.objects.filter(pk=stale.pk).update(
        **RENAMED, on_hand=F("on_hand") + 1, allocated=F("allocated") + 1
    )

    call(stale)

    now = Part.objects.get(pk=stale.pk)
    assert (now.name, now.sku) == tuple(RENAMED.values())
    assert (now.on_hand, now.allocated) == (on_hand, allocated)
    assert {movement.on_hand_after for movement in now.movements.exclude(reason="receipt")} <= {
        on_hand
    }


@pytest.mark.parametrize(
    "change", [{"password": "another"}, {"session_epoch": 7}, EMAIL, {"is_active": False}]
)
@pytest.mark.parametrize("name", COMPARED)
def test_a_password_is_set_for_the_log_in_that_was_proven(
    name: str, change: dict[str, Any]
) -> None:
    stale = UserFactory()
    User.objects.filter(pk=stale.pk).update(**change)
    kept = User.objects.values().get(pk=stale.pk)
    with suppress(DomainError):  # or it says so
        assert COMPARED[name](stale) is False
    assert User.objects.values().get(pk=stale.pk) == kept


def locks_a_login(ran: CaptureQueriesContext) -> bool:
    """Where rows can be locked: a role that is given in this moment waits, and so does
    what asks for it.
    """
    locked = [query["sql"] for query in ran.captured_queries if "FOR UPDATE" in query["sql"]]
    return not connection.features.has_select_for_update or any(
        'FROM "accounts_user"' in sql for sql in locked
    )


@pytest.mark.parametrize("done", ["delete", "erase"])
def test_whoever_works_here_by_now_keeps_the_log_in(done: str) -> None:
    stale = Customer.objects.select_related("user").get(pk=CustomerFactory(login=True).pk)
    assert not stale.user.is_shop_staff
    user = stale.user_id
    User.objects.filter(pk=user).update(is_staff=True)
    with CaptureQueriesContext(connection) as ran:
        getattr(customers, done)(stale, by=office())
    assert locks_a_login(ran)
    assert User.objects.get(pk=user).is_active


def test_what_a_log_in_opens_by_now_is_asked_before_its_e_mail_changes() -> None:
    stale = Customer.objects.select_related("user").get(pk=CustomerFactory(login=True).pk)
    assert not stale.user.is_shop_staff
    User.objects.filter(pk=stale.user_id).update(is_staff=True)
    with CaptureQueriesContext(connection) as ran, pytest.raises(NotAllowed):
        customers.update(stale, email="mine@example.com", by=UserFactory(role="advisor"))
    assert locks_a_login(ran)


def test_a_part_that_is_counted_by_now_takes_no_half() -> None:
    part = PartFactory(unit="litre")
    Part.objects.filter(pk=part.pk).update(unit="each")
    with pytest.raises(Exception, match="whole"):
        stock.receive(part, quantity=Decimal("0.5"), by=office())


@pytest.mark.parametrize(
    ("make", "delete"),
    [
        (CustomerFactory, customers.delete),
        (CustomerFactory, customers.erase),
        (VehicleFactory, vehicles.delete_vehicle),
        (PartFactory, stock.delete),
        (MechanicFactory, mechanics.delete),
        (lambda: tax_operations.add_tax_code(name="VAT", rate=Decimal(1), by=None), lambda code, by: tax_operations.set_rate(code, rate=Decimal(2), by=by)),
        (make_ticket, lambda ticket, by: share_links.share(ticket, by=by)),
    ],
)  # fmt: skip
def test_a_row_that_was_deleted_is_not_found(make: Any, delete: Any) -> None:
    row = make()
    if hasattr(row, "rates"):
        row.rates.all().delete()
    if isinstance(row, ServiceTicket):
        row.history.all()._raw_delete("default")
    type(row)._base_manager.filter(pk=row.pk)._raw_delete("default")
    with pytest.raises(row_locks.RowGone):
        delete(row, by=office())
