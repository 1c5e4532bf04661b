"""A service ticket: what a customer asked for."""

import re
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, ClassVar, Self

from django.apps import apps
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Prefetch, Q, QuerySet
from django.utils import timezone

from customers.models import Customer, Vehicle, matches_customer
from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import sum_field
from mechanic_shop.db.audit import Kind
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.http.search import keys
from mechanics.models import Mechanic

from .priced import Discounted, one_discount
from .statuses import EDITABLE_STATUSES, HoldReason, JobStatus, Status


def ticket_number(key: int) -> str:
    """T-000123: the key, as it stands on paper."""
    return f"T-{key:06d}"


class ServiceTicketQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for staff who may see tickets, else the user's own as a customer."""
        if user.has_perm("tickets.view_serviceticket"):
            return self
        return self.filter(customer__user=user) if user.is_authenticated else self.none()

    def mine(self, user: User | AnonymousUser) -> Self:
        """A customer's own, a mechanic's assigned."""
        return self.filter(
            Q(customer__user=user)
            | Q(pk__in=assignments().filter(mechanic__user=user).values("ticket"))
        )

    def open(self) -> Self:
        """On which work is not finished."""
        return self.filter(status__in=EDITABLE_STATUSES)

    def undecided(self) -> Self:
        """Open ones with a job to which the customer has said nothing yet."""
        return self.open().filter(
            pk__in=self.model._default_manager.filter(jobs__status=JobStatus.PROPOSED)
            .order_by()
            .values("pk")
        )

    def unfinished(self) -> Self:
        """Neither closed nor cancelled: the shop still has to do with the customer."""
        return self.filter(closed_at=None)

    def increment_version(self) -> int:
        """Say that these tickets changed, without writing anything else."""
        return self.touch(version=F("version") + 1)

    def with_details(self) -> Self:
        """With all that the API shows of a ticket: the same number of queries for one
        and for a hundred.
        """
        return self.select_related("customer", "vehicle").prefetch_related(
            Prefetch("assignments", assignments().select_related("mechanic").order_by("pk")),
            Prefetch("lines", part_lines().select_related("part", "job").order_by("pk")),
        )

    def search(self, term: str) -> Self:
        """Finds tickets by number, plate, VIN, customer name and phone digits."""
        if number := re.fullmatch(r"T-([0-9]{6,18})", term.strip(), re.IGNORECASE | re.ASCII):
            return self.filter(pk=int(number[1]))  # as it stands on paper: nothing else is meant
        found = Q(customer__in=keys(Customer.objects.filter(matches_customer(term)))) | Q(
            vehicle__in=keys(Vehicle.objects.search_plates(term))
        )
        if number := re.fullmatch(
            r"(?:T-?)?0*([0-9]{1,18})", term.strip(), re.IGNORECASE | re.ASCII
        ):
            found |= Q(pk=int(number[1]))
        return self.filter(found)


class ServiceTicket(Discounted, ShopModel):
    """What a customer asked for, who works on it and what goes into it."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="tickets", db_index=False)
    vehicle = models.ForeignKey(
        Vehicle, models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    concern = models.TextField(max_length=5000, help_text="what the customer says")
    cause = models.TextField(max_length=5000, blank=True, help_text="what was found")
    correction = models.TextField(max_length=5000, blank=True, help_text="what was done")
    service_date = models.DateField(null=True, blank=True)
    promised_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(
        max_length=20, choices=Status.choices, default=Status.ESTIMATE, editable=False
    )
    on_hold = models.BooleanField(default=False)
    hold_reason = models.CharField(max_length=20, choices=HoldReason.choices, blank=True)
    odometer_in = models.PositiveIntegerField(null=True, blank=True)
    odometer_out = models.PositiveIntegerField(null=True, blank=True)
    opened_at = models.DateTimeField(default=timezone.now, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    authorized_total = sum_field(
        editable=False,
        null=True,
        blank=True,
        help_text="what the customer authorized, with tax; none: no amount was named",
    )
    authorized_supplies = sum_field(
        editable=False,
        default=ZERO,
        db_default=ZERO,
        help_text="shop supplies in what the customer authorized, with tax",
    )
    mechanics = models.ManyToManyField(Mechanic, through="TicketMechanic", related_name="tickets")
    parts = models.ManyToManyField(Part, through="TicketPart", related_name="tickets")

    unaudited: ClassVar[frozenset[str]] = frozenset(
        {"version", "opened_at", "authorized_total", "authorized_supplies"}
    )
    subjects: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {Kind.MECHANIC: Mechanic, Kind.PART: Part, Kind.JOB: "tickets.Job"}
    )

    objects: ClassVar = ServiceTicketQuerySet.as_manager()

    class Meta:
        ordering = ("-opened_at", "-pk")
        permissions = [
            ("assign_mechanic", "Can assign and remove mechanics"),
            ("work_on_assigned", "Can work on tickets that he or she is assigned to"),
            ("move_serviceticket", "Can make every move of the workflow"),
            ("view_reports", "Can read the reports on sales and money owed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(on_hold=False, hold_reason="") | Q(on_hold=True) & ~Q(hold_reason=""),
                name="a_hold_has_a_reason_and_a_reason_a_hold",
                violation_error_code="hold_reason",
                violation_error_message=(
                    "A ticket on hold needs a hold_reason (parts, customer, sublet or "
                    "other), one that is not on hold has none."
                ),
            ),
            models.CheckConstraint(
                condition=Q(odometer_in__isnull=True)
                | Q(odometer_out__isnull=True)
                | Q(odometer_out__gte=F("odometer_in")),
                name="an_odometer_does_not_run_backwards",
                violation_error_message="odometer_out cannot be less than odometer_in.",
            ),
            models.CheckConstraint(
                condition=~Q(concern=""),
                name="a_ticket_has_a_concern",
                violation_error_message="Say what the customer asks for.",
            ),
            one_discount(),
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="tickets_newest_first"),
            models.Index(fields=["status", "-opened_at", "-id"], name="tickets_by_status"),
            models.Index(fields=["customer", "-opened_at", "-id"], name="tickets_by_customer"),
            models.Index(fields=["updated_at", "id"], name="tickets_by_change"),
            models.Index(fields=["service_date", "id"], name="tickets_by_service_date"),
            models.Index(fields=["promised_at", "id"], name="tickets_by_promise"),
            models.Index(
                fields=["hold_reason", "-opened_at", "-id"],
                condition=Q(on_hold=True),
                name="tickets_on_hold",
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        return ticket_number(self.pk)

    @property
    def owner_id(self) -> int | None:
        return self.customer.user_id

    @property
    def parts_total(self) -> Decimal:
        """What the parts cost the customer: the sum of the rounded lines."""
        return sum((line.line_total for line in self.lines.all()), ZERO)


def assignments() -> QuerySet[Any]:
    """Rows of ``TicketMechanic``, which points to tickets and is defined after them."""
    return apps.get_model("tickets.TicketMechanic")._default_manager.all()


def part_lines() -> QuerySet[Any]:
    """Rows of ``TicketPart``, which points to tickets and is defined after them."""
    return apps.get_model("tickets.TicketPart")._default_manager.all()
