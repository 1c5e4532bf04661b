"""What a ticket charges for: its parts, and the lines of its jobs."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Round

from inventory.models import ZERO, Part
from inventory.quantities import quantity_field
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import amount_field, signed_amount_field
from mechanic_shop.db.audit import Kind
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.prices import price_field
from mechanics.models import Mechanic

from .canned_jobs import LaborRate
from .jobs import Job
from .priced import LineKind, PricedLine, approved_amount, one_discount, positive, tax_code_of_line
from .statuses import AUTHORIZED, STOCK_HOLDING_STATUSES, JobStatus, Status
from .ticket import ServiceTicket, ticket_number


class TicketPartQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Of all tickets for staff, else of the user's own."""
        if user.has_perm("tickets.view_serviceticket"):
            return self
        return self.filter(ticket__customer__user=user) if user.is_authenticated else self.none()

    def recommended(self) -> Self:
        """Outside jobs, declined or deferred, of a part that is still sold and on no
        later ticket of the vehicle.

        Cancelled tickets and cancelled jobs do not count, except where no earlier
        ticket recommends the part.
        """
        others = TicketPart.objects.filter(
            part=OuterRef("part"), ticket__vehicle=OuterRef("ticket__vehicle")
        )
        earlier = others.filter(ticket__lt=OuterRef("ticket")).refused_and_not_taken_up()
        again = Q(ticket__status=Status.CANCELLED) & Exists(earlier)
        return self.refused_and_not_taken_up().filter(~again, part__is_active=True)

    def refused_and_not_taken_up(self) -> Self:
        """Outside jobs, declined or deferred, and on no later ticket that stands."""
        later = TicketPart.objects.filter(
            part=OuterRef("part"),
            ticket__vehicle=OuterRef("ticket__vehicle"),
            ticket__gt=OuterRef("ticket"),
        )
        taken = later.exclude(ticket__status=Status.CANCELLED).exclude(
            job__status=JobStatus.CANCELLED
        )
        refused = (JobStatus.DECLINED, JobStatus.DEFERRED)
        return self.filter(~Exists(taken), job=None, status__in=refused)

    def authorized(self) -> Self:
        """Lines that stock is for: the customer approved them, with their job or by
        themselves.
        """
        loose = Q(job=None, status=JobStatus.APPROVED)
        return self.filter(loose | Q(job__status__in=AUTHORIZED))

    def backordered(self) -> Self:
        """Lines that wait for stock, oldest ticket first."""
        waiting = self.authorized().filter(
            ticket__status__in=STOCK_HOLDING_STATUSES,
            quantity__gt=Round(F("allocated") + F("issued"), precision=3),
        )
        return waiting.order_by("ticket__opened_at", "ticket_id", "pk")

    def mark_filled(self, tickets: Iterable[int]) -> None:
        """Give each of these tickets a new version: stock came for its lines."""
        for pk in tickets:
            ServiceTicket.objects.filter(pk=pk).increment_version()

    def holding(self) -> Self:
        """Lines to which stock is allocated, oldest ticket first."""
        return (
            self.filter(allocated__gt=0)
            .select_related("ticket")
            .order_by("ticket__opened_at", "ticket_id")
        )


class TicketPart(PricedLine, ShopModel):
    """A part in a job, or on the ticket itself, once, at the price and cost of the day
    it was added.

    ``allocated`` and ``issued`` change only while the part's row is locked.
    """

    ticket = models.ForeignKey(ServiceTicket, models.CASCADE, related_name="lines", db_index=False)
    part = models.ForeignKey(Part, models.PROTECT, related_name="ticket_lines")
    job = models.ForeignKey(
        "Job",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="parts",
        help_text="none: it is on the ticket itself",
    )
    quantity = quantity_field(default=Decimal(1))
    unit_price = price_field()
    unit_cost = price_field(default=ZERO)
    line_total = amount_field(
        default=ZERO,
        editable=False,
        help_text=(
            "quantity × unit_price − discount, rounded half up to the currency's smallest "
            "unit, once"
        ),
    )
    allocated = quantity_field(editable=False)
    issued = quantity_field(editable=False)
    status = models.CharField(
        max_length=10,
        choices=JobStatus.choices,
        default=JobStatus.PROPOSED,
        db_default=JobStatus.PROPOSED,
        editable=False,
        help_text="of a part outside jobs: what the customer said to it",
    )
    approved_amount = approved_amount()

    # stock has its ledger
    unaudited: ClassVar[frozenset[str]] = frozenset(
        {"ticket", "part", "line_total", "allocated", "issued", "status", "approved_amount"}
    )
    entry_kind = Kind.PART

    objects: ClassVar = TicketPartQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["ticket", "part", "job"], name="a_part_is_once_in_a_job"
            ),
            # NULLs are distinct to the one above, and SQLite knows no other way.
            models.UniqueConstraint(
                fields=["ticket", "part"],
                condition=Q(job=None),
                name="a_part_is_once_on_the_ticket_itself",
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="a_line_has_a_quantity"),
            models.CheckConstraint(
                condition=Q(allocated__gte=0) & Q(issued__gte=0),
                name="a_line_holds_nothing_or_more",
            ),
            one_discount(),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.part}"

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.ticket_id, self.part_id

    def audit_label(self) -> str:
        return ticket_number(self.ticket_id)

    @property
    def backordered(self) -> Decimal:
        """What is neither held nor fitted yet."""
        return max(ZERO, self.quantity - self.allocated - self.issued)

    @property
    def is_authorized(self) -> bool:
        """Did the customer approve it, with its job or by itself? Stock is held for it
        then.
        """
        status: str = self.status if self.job is None else self.job.status
        return status in AUTHORIZED


class JobLine(PricedLine, ShopModel):
    """Labor by the hour, work that was given away (sublet), a fee, or a trade-in; at
    the price of the day it was written.
    """

    job = models.ForeignKey(Job, models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=10, choices=LineKind.choices)
    description = models.CharField(max_length=500)
    quantity = quantity_field(default=Decimal(1), help_text="hours, for labor")
    unit_price = price_field(
        help_text="of an hour, for labor; what the shop gives for one, for a trade-in"
    )
    unit_cost = price_field(default=ZERO, blank=True, help_text="what sublet work costs the shop")
    rate = models.ForeignKey(LaborRate, models.PROTECT, null=True, blank=True, related_name="+")
    mechanic = models.ForeignKey(
        Mechanic, models.PROTECT, null=True, blank=True, related_name="job_lines"
    )
    tax_code = tax_code_of_line()
    line_total = signed_amount_field(
        default=ZERO,
        editable=False,
        help_text=(
            "quantity × unit_price − discount, rounded half up, once; less than 0 for a trade-in"
        ),
    )

    unaudited: ClassVar[frozenset[str]] = frozenset({"job", "line_total"})
    entry_kind = Kind.JOB

    class Meta:
        ordering = ("pk",)
        constraints = [
            positive("quantity"),
            one_discount(),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0, unit_cost__gte=0),
                name="a_job_line_costs_zero_or_more",
            ),
            models.CheckConstraint(
                condition=Q(kind=LineKind.LABOR) | Q(rate=None, mechanic=None),
                name="only_labor_has_a_rate_and_a_mechanic",
                violation_error_message="Only labor has a rate and a mechanic.",
            ),
            models.CheckConstraint(
                condition=~Q(kind=LineKind.TRADE_IN) | Q(discount_percent=0, discount_amount=0),
                name="a_trade_in_has_no_discount",
                violation_error_message="A trade-in has no discount: give less or more for it.",
            ),
        ]

    def __str__(self) -> str:
        return self.description

    @property
    def is_trade_in(self) -> bool:
        return self.kind == LineKind.TRADE_IN

    @property
    def charged_price(self) -> Decimal:
        return -self.unit_price if self.is_trade_in else self.unit_price

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.job.ticket_id, self.job_id

    def audit_label(self) -> str:
        return ticket_number(self.job.ticket_id)
