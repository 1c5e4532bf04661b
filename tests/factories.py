"""Rows for tests; tickets come in every state, reached through the operations."""

from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from customers.models import Customer, Vehicle
from inventory.models import Part, StockMovement
from inventory.quantities import Reason
from mechanics.models import Mechanic
from tickets.billing import payments
from tickets.desk import requests
from tickets.models import ServiceTicket, Status
from tickets.work import assignments, jobs, tickets
from tickets.work import parts as work_parts

PASSWORD = "Wrench-and-socket-9"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"user{n}@example.com")
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def role(self, create: bool, role: str | None, **kwargs: Any) -> None:
        if role:
            self.groups.add(Group.objects.get(name=role))


class CustomerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Customer

    class Params:
        login = factory.Trait(
            user=factory.SubFactory(UserFactory, email=factory.SelfAttribute("..email"))
        )

    name = factory.Sequence(lambda n: f"Customer {n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.com")
    phone = "555-0171"


class VehicleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Vehicle

    customer = factory.SubFactory(CustomerFactory)
    plate = factory.Sequence(lambda n: f"TST{n:04d}")
    make, model, year = "Honda", "Accord", 2003


class MechanicFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Mechanic

    class Params:
        login = factory.Trait(user=factory.SubFactory(UserFactory, role="mechanic"))

    name = factory.Sequence(lambda n: f"Mechanic {n:03d}")
    email = factory.Sequence(lambda n: f"mechanic{n}@example.com")
    hourly_cost = Decimal("41.50")


class PartFactory(factory.django.DjangoModelFactory):
    """A part; ``stock=10`` receives ten, so that the books balance."""

    class Meta:
        model = Part
        skip_postgeneration_save = True

    sku = factory.Sequence(lambda n: f"PART-{n:04d}")
    name = factory.Sequence(lambda n: f"Part {n}")
    price, cost = Decimal("19.99"), Decimal("8.50")

    @factory.post_generation
    def stock(self, create: bool, quantity: Any, **kwargs: Any) -> None:
        if quantity:  # what a delivery leaves, without the way there: half the tests begin with it
            self.on_hand = Decimal(str(quantity))
            Part.objects.filter(pk=self.pk).update(on_hand=self.on_hand)
            StockMovement.objects.create(
                part=self, quantity=self.on_hand, reason=Reason.RECEIPT, on_hand_after=self.on_hand
            )


PATHS = {
    Status.ESTIMATE: [],
    Status.APPROVED: [Status.APPROVED],
    Status.IN_PROGRESS: [Status.APPROVED, Status.IN_PROGRESS],
    Status.COMPLETED: [Status.APPROVED, Status.COMPLETED],
    Status.INVOICED: [Status.APPROVED, Status.COMPLETED, Status.INVOICED],
    Status.CLOSED: [Status.APPROVED, Status.COMPLETED, Status.INVOICED, Status.CLOSED],
    Status.CANCELLED: [Status.CANCELLED],
}


def make_ticket(
    status: str = Status.ESTIMATE, *, parts: Any = (), mechanics: Any = (), **details: Any
) -> ServiceTicket:
    """A ticket that walked to ``status`` by the workflow's moves; ``parts`` are (part,
    quantity) pairs put on the estimate.
    """
    root = office()
    details.setdefault("customer", None)
    customer = details.pop("customer") or (
        details["vehicle"].customer if details.get("vehicle") else CustomerFactory()
    )
    ticket = tickets.open_ticket(
        customer=customer, **{"concern": "Brakes squeal"} | details, by=root
    )
    for mechanic in mechanics:
        assignments.assign_mechanic(ticket, mechanic=mechanic, by=root)
    for part, quantity in parts:
        work_parts.add_part(ticket, part=part, quantity=Decimal(str(quantity)), by=root)
    bare = Status(status) in (Status.COMPLETED, Status.INVOICED, Status.CLOSED) and not parts
    if bare:  # an invoice is of something
        fee = {
            "kind": "fee",
            "description": "Inspection",
            "quantity": Decimal(1),
            "unit_price": Decimal(25),
        }
        job = jobs.add_job(ticket, title="Inspection", lines=[fee], by=root)
    for to in PATHS[Status(status)]:
        if bare and to == Status.COMPLETED:
            jobs.finish_job(job, by=root)
        if to == Status.CLOSED and (due := ticket.invoices.get().account.balance):
            payments.pay(ticket.invoices.get(), amount=due, by=root)
        else:
            requests.request_transition(ticket, to=to, by=root)
    return ServiceTicket.objects.get(pk=ticket.pk)


def office() -> Any:
    """Somebody who may make every move."""
    found = get_user_model().objects.filter(email="office@example.com").first()
    return found or UserFactory(email="office@example.com", role="manager")
