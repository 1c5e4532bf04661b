"""Every operation locks first and works on what the row says then, whatever object it was handed."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from customers import operations as customers
from inventory import operations as stock
from inventory.models import Part
from mechanic_shop.api import row_locks
from mechanics import operations as mechanics
from tickets import operations
from tickets.models import CannedJob, Job, Payment, ServiceTicket

from .factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
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
        self.job = operations.add_job(self.ticket, title="Brakes", lines=[FEE], by=office())
        self.line = self.job.lines.get()
        operations.add_part(self.ticket, part=self.part, job=self.job, by=office())
        for to in {"estimate": [], "approved": ["approved"]}.get(status, ["approved", "done"]):
            if to == "done":
                operations.finish_job(self.job, by=office())
                operations.move(self.ticket, to="completed", by=office())
            else:
                operations.move(self.ticket, to=to, by=office())
        if status == "invoiced":
            self.invoice = operations.issue_invoice(self.ticket, by=office())
            self.payment = operations.pay(self.invoice, **CASH, by=office())
        self.ticket = ServiceTicket.objects.select_related("customer").get(pk=self.ticket.pk)
        self.job = Job.objects.select_related("ticket__customer").get(pk=self.job.pk)

    def changes(self) -> None:
        """What somebody else commits once the objects were read."""
        ServiceTicket.objects.filter(pk=self.ticket.pk).update(concern="It is the rear axle", customer=self.other, discount_percent=10)
        Job.objects.filter(pk=self.job.pk).update(cause="Rust")


def deposit_first(world: World) -> None:
    operations.deposit(world.ticket, amount=Decimal(50), method="cash", keep_as_credit=True, by=office())


def credit_first(world: World) -> None:
    before = make_ticket("invoiced", customer=world.ticket.customer)
    operations.pay(before.invoices.get(), amount=Decimal(500), method="cash", keep_as_credit=True, by=office())


def cancel_first(world: World) -> None:
    operations.cancel_job(world.job, by=office())


def mechanic_first(world: World) -> None:
    world.mechanic = MechanicFactory()
    operations.assign_mechanic(world.ticket, mechanic=world.mechanic, by=office())


def share_first(world: World) -> None:
    world.link, world.token = operations.share(world.ticket, by=office())


def canned_first(world: World) -> None:
    world.canned = operations.write_canned_job(CannedJob(), name="Oil", lines=[FEE], by=office())


def declined_first(world: World) -> None:
    before = make_ticket(customer=world.ticket.customer, vehicle=world.ticket.vehicle)
    world.declined = operations.add_job(before, title="Later", lines=[FEE], by=office())
    operations.authorize(before, decline=[world.declined.pk], by=office())


Call = Callable[[World], Any]
# operation: (status of the ticket, what comes before, the call with what was read)
ON_TICKETS: dict[str, tuple[str, Call | None, Call]] = {
    "add_canned_job": ("estimate", canned_first, lambda w: operations.add_canned_job(w.ticket, canned_job=w.canned, by=office())),
    "add_job": ("estimate", None, lambda w: operations.add_job(w.ticket, title="More", by=office())),
    "add_line": ("estimate", None, lambda w: operations.add_line(w.job, **FEE, by=office())),
    "add_part": ("estimate", None, lambda w: operations.add_part(w.ticket, part=PartFactory(), by=office())),
    "apply_credit": ("invoiced", credit_first, lambda w: operations.apply_credit(w.invoice, by=office())),
    "add_recommendation": ("estimate", declined_first, lambda w: operations.add_recommendation(w.ticket, job=w.declined, by=office())),
    "assign_mechanic": ("estimate", None, lambda w: operations.assign_mechanic(w.ticket, mechanic=MechanicFactory(), by=office())),
    "authorize": ("estimate", None, lambda w: operations.authorize(w.ticket, approve=[w.job.pk], by=office())),
    "cancel_job": ("approved", None, lambda w: operations.cancel_job(w.job, by=office())),
    "credit": ("invoiced", None, lambda w: operations.credit(w.invoice, reason="Goodwill", by=office())),
    "delete": ("estimate", None, lambda w: operations.delete(w.ticket, by=office())),
    "delete_job": ("estimate", None, lambda w: operations.delete_job(w.job, by=office())),
    "deposit": ("estimate", None, lambda w: operations.deposit(w.ticket, **CASH, by=office())),
    "edit_line": ("estimate", None, lambda w: operations.edit_line(w.job, line=w.line.pk, quantity=Decimal(2), by=office())),
    "edit_mechanics": ("estimate", None, lambda w: operations.edit_mechanics(w.ticket, add=[MechanicFactory()], by=office())),
    "edit_part": ("estimate", None, lambda w: operations.edit_part(w.ticket, part=w.part, unit_price=Decimal(1), by=office())),
    "finish_job": ("approved", None, lambda w: operations.finish_job(w.job, by=office())),
    "give_discount": ("estimate", None, lambda w: operations.give_discount(w.ticket, discount_amount=Decimal(1), by=office())),
    "issue_invoice": ("completed", None, lambda w: operations.issue_invoice(w.ticket, by=office())),
    "move": ("estimate", None, lambda w: operations.move(w.ticket, to="approved", by=office())),
    "pay": ("invoiced", None, lambda w: operations.pay(w.invoice, amount=Decimal(1), by=office())),
    "refund": ("invoiced", None, lambda w: operations.refund(w.invoice, amount=Decimal(1), by=office())),
    "refund_deposit": ("estimate", deposit_first, lambda w: operations.refund_deposit(w.ticket, **CASH, by=office())),
    "remove_line": ("estimate", None, lambda w: operations.remove_line(w.job, line=w.line.pk, by=office())),
    "remove_mechanic": ("estimate", mechanic_first, lambda w: operations.remove_mechanic(w.ticket, mechanic=w.mechanic, by=office())),
    "remove_part": ("estimate", None, lambda w: operations.remove_part(w.ticket, part=w.part, by=office())),
    "reopen_job": ("estimate", cancel_first, lambda w: operations.reopen_job(w.job, by=office())),
    "reverse": ("invoiced", None, lambda w: operations.reverse(w.payment, note="Bounced", by=office())),
    "revoke_share": ("estimate", share_first, lambda w: operations.revoke_share(w.ticket, share=w.link.pk, by=office())),
    "share": ("estimate", None, lambda w: operations.share(w.ticket, by=office())),
    "update": ("estimate", None, lambda w: operations.update(w.ticket, cause="Found", by=office())),
    "update_job": ("estimate", None, lambda w: operations.update_job(w.job, correction="Done", by=office())),
}  # fmt: skip
# They are handed no row of a ticket that was read before.
OTHERS = {"open_ticket", "shared", "authorize_shared", "write_canned_job"}


def test_every_operation_is_here() -> None:
    assert {*ON_TICKETS, *OTHERS} == set(operations.__all__)


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
    assert list(Job.objects.filter(pk=world.job.pk).values_list("cause", flat=True)) in (["Rust"], [])


def test_money_belongs_to_the_customer_of_the_moment() -> None:
    world = World()
    world.changes()
    operations.deposit(world.ticket, **CASH, by=office())
    assert Payment.objects.get().customer == world.other


def test_a_price_is_that_of_the_moment() -> None:
    world, part = World(), PartFactory(price=Decimal(10))
    stale = Part.objects.get(pk=part.pk)
    Part.objects.filter(pk=part.pk).update(price=Decimal(12))
    operations.add_part(world.ticket, part=stale, by=office())
    assert world.ticket.lines.get(part=part).unit_price == Decimal(12)


ELSEWHERE: dict[str, tuple[Callable[[], Any], dict[str, Any], Callable[[Any], Any]]] = {
    "customers.update": (CustomerFactory, {"address": "2 New Street"}, lambda c: customers.update(c, phone="555-0100", by=office())),
    "inventory.receive": (PartFactory, {"name": "Other pads"}, lambda p: stock.receive(p, quantity=Decimal(1), by=office())),
    "inventory.adjust": (PartFactory, {"name": "Other pads"}, lambda p: stock.adjust(p, quantity=Decimal(1), reason="adjustment", note="", by=None)),
    "inventory.count": (PartFactory, {"name": "Other pads"}, lambda p: stock.count(p, counted=Decimal(3), by=office())),
}  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_an_operation_uses_what_the_row_says_now(name: str) -> None:
    factory, change, call = ELSEWHERE[name]
    stale = factory()
    type(stale).objects.filter(pk=stale.pk).update(**change)
    call(stale)
    for column, value in change.items():
        assert getattr(stale, column) == value
        assert getattr(type(stale).objects.get(pk=stale.pk), column) == value


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
        (VehicleFactory, customers.delete_vehicle),
        (PartFactory, stock.delete),
        (MechanicFactory, mechanics.delete),
        (lambda: stock.add_tax_code(name="VAT", rate=Decimal(1), by=None), lambda code, by: stock.set_rate(code, rate=Decimal(2), by=by)),
        (make_ticket, lambda ticket, by: operations.share(ticket, by=by)),
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
