"""What is to be done on a ticket, what the customer said to it, and the templates that jobs are made from."""

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from inventory.models import ZERO, Part, quantity_field
from inventory.taxes import TaxCode
from mechanic_shop.currency import amount_field, signed_amount_field, sum_field
from mechanic_shop.db.audit import Kind
from mechanic_shop.db.models import AppendOnlyModel, ShopModel, ShopQuerySet, UniqueTextModel, unique_text
from mechanic_shop.errors import DomainError
from mechanic_shop.prices import price_field
from mechanics.models import Mechanic

from ..pricing import engine, shop_rules
from .tickets import JobStatus, PricedLine, ServiceTicket, Status, approved_amount, one_discount, ticket_number

ENDED = (JobStatus.DECLINED, JobStatus.DEFERRED, JobStatus.CANCELLED)


class LineKind(models.TextChoices):
    """What a line of a job charges for; parts have lines of their own, since stock is behind them."""

    LABOR = "labor"
    SUBLET = "sublet"
    FEE = "fee"
    TRADE_IN = "trade_in", "Trade-in"  # what the shop takes in: its price is what it gives for one


class Channel(models.TextChoices):
    """How the customer said it."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    EMAIL = "email"
    PORTAL = "portal"


def words_in(column: str, term: str) -> Q:
    """Every word of the term is in this column."""
    found = Q()
    for word in term.split():
        found &= Q(**{f"{column}__icontains": word})
    return found


def tax_code(none: str = "the shop's default tax code") -> Any:
    return models.ForeignKey(TaxCode, models.PROTECT, null=True, blank=True, related_name="+", help_text=f"none: {none}")


def tax_code_of_line() -> Any:
    return tax_code("the shop's default tax code; for a trade-in, no tax")


def positive(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{name}__gt": 0}), name=f"%(class)s_has_a_{name}")


# --- what labour costs -----------------------------------------------------------------------------


class LaborRateQuerySet(ShopQuerySet):
    def visible_to(self, user: Any) -> Self:
        return self if user.has_perm("tickets.view_laborrate") else self.none()

    def search(self, term: str) -> Self:
        """Finds rates by name."""
        return self.filter(words_in("name", term))


class LaborRate(UniqueTextModel, ShopModel):
    """What an hour of a kind of work costs the customer."""

    name = models.CharField(max_length=60)
    hourly = amount_field(help_text="what an hour costs the customer")
    tax_code = tax_code()
    is_default = models.BooleanField(default=False, help_text="for labour that names no rate")
    is_active = models.BooleanField(default=True, help_text="can be used; switch off instead of deleting")

    unaudited = frozenset({"unique_key"})

    objects = LaborRateQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            unique_text("one_labor_rate_per_name", "name_taken", "Another rate has this name."),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_labor_rate",
                violation_error_code="default_taken",
                violation_error_message="Another rate is the default: take that from it first.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="a_labor_rate_has_a_name", violation_error_message="A rate has a name."),
            models.CheckConstraint(
                condition=Q(hourly__gte=0), name="an_hour_costs_zero_or_more", violation_error_message="An hour costs zero or more."
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hourly})"


# --- jobs ------------------------------------------------------------------------------------------


class JobQuerySet(ShopQuerySet):
    def visible_to(self, user: Any) -> Self:
        """Of all tickets for staff, else of the user's own."""
        if user.has_perm("tickets.view_serviceticket"):
            return self
        return self.filter(ticket__customer__user=user) if user.is_authenticated else self.none()

    def search(self, term: str) -> Self:
        """Finds jobs by title, or by ticket number."""
        if number := re.fullmatch(r"T-([0-9]{6,18})", term.strip(), re.IGNORECASE | re.ASCII):
            return self.filter(ticket=int(number[1]))
        return self.filter(words_in("title", term))

    def recommended(self) -> Self:
        """Declined or deferred, and on no later ticket since; what a cancelled ticket or job took up is open again."""
        taken = Job.objects.filter(continues=OuterRef("pk")).exclude(ticket__status=Status.CANCELLED).exclude(status=JobStatus.CANCELLED)
        return self.filter(~Exists(taken), status__in=(JobStatus.DECLINED, JobStatus.DEFERRED))


class Job(ShopModel):
    """One thing that is done, or could be, on a ticket: its labour, parts, sublet work, fees and trade-ins under one heading.

    ``authorized_total`` is what the customer said yes to: the sum of its lines, before the ticket's discount and tax.
    """

    ticket = models.ForeignKey(ServiceTicket, models.CASCADE, related_name="jobs", db_index=False)
    position = models.PositiveIntegerField(default=0, help_text="its place on the ticket; jobs of one place stand as they were made")
    title = models.CharField(max_length=200)
    concern = models.TextField(max_length=5000, blank=True, help_text="what the customer says")
    cause = models.TextField(max_length=5000, blank=True, help_text="what was found")
    correction = models.TextField(max_length=5000, blank=True, help_text="what was done")
    status = models.CharField(max_length=10, choices=JobStatus.choices, default=JobStatus.PROPOSED, editable=False)
    authorized_total = sum_field(null=True, blank=True, editable=False)
    approved_amount = approved_amount()
    continues = models.ForeignKey("self", models.PROTECT, null=True, blank=True, editable=False, related_name="continued_by")

    unaudited = frozenset({"ticket", "continues", "approved_amount"})
    entry_kind = Kind.JOB

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("ticket", "position", "pk")
        constraints = [models.CheckConstraint(condition=~Q(title=""), name="a_job_has_a_title", violation_error_message="Say what is to be done.")]
        indexes = [
            models.Index(fields=["ticket", "position", "id"], name="jobs_of_a_ticket"),
            models.Index(fields=["status", "id"], name="jobs_by_status"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def owner_id(self) -> int | None:
        return self.ticket.owner_id

    @property
    def number(self) -> str:
        """The ticket's."""
        return ticket_number(self.ticket_id)

    @property
    def total(self) -> Decimal:
        """What its lines come to, before the ticket's discount and tax."""
        return shop_rules.rounding().round(engine.add(line.line_total for line in (*self.lines.all(), *self.parts.all())))

    def refuse_ended(self) -> None:
        """Raises DomainError ``job_ended`` for a job to which nothing is added any more."""
        if self.status in ENDED:
            raise DomainError(
                "job_ended", f'The job "{self.title}" is {self.status}: add a new job to {self.number}.', job=self.pk, job_status=self.status
            )

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.ticket_id, self.pk

    def told_as(self) -> str:
        return ticket_number(self.ticket_id)


class JobLine(PricedLine, ShopModel):
    """Labour by the hour, work that was given away (sublet), a fee, or a trade-in; at the price of the day it was written."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=10, choices=LineKind.choices)
    description = models.CharField(max_length=500)
    quantity = quantity_field(default=Decimal(1), help_text="hours, for labour")
    unit_price = price_field(help_text="of an hour, for labour; what the shop gives for one, for a trade-in")
    unit_cost = price_field(default=ZERO, blank=True, help_text="what sublet work costs the shop")
    rate = models.ForeignKey(LaborRate, models.PROTECT, null=True, blank=True, related_name="+")
    mechanic = models.ForeignKey(Mechanic, models.PROTECT, null=True, blank=True, related_name="job_lines")
    tax_code = tax_code_of_line()
    line_total = signed_amount_field(
        default=ZERO, editable=False, help_text="quantity × unit_price − discount, rounded half up, once; less than 0 for a trade-in"
    )

    unaudited = frozenset({"job", "line_total"})
    entry_kind = Kind.JOB

    class Meta:
        ordering = ("pk",)
        constraints = [
            positive("quantity"),
            one_discount(),
            models.CheckConstraint(condition=Q(unit_price__gte=0, unit_cost__gte=0), name="a_job_line_costs_zero_or_more"),
            models.CheckConstraint(
                condition=Q(kind=LineKind.LABOR) | Q(rate=None, mechanic=None),
                name="only_labor_has_a_rate_and_a_mechanic",
                violation_error_message="Only labour has a rate and a mechanic.",
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

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.job.ticket_id, self.job_id

    def told_as(self) -> str:
        return ticket_number(self.job.ticket_id)


ServiceTicket.subjects = MappingProxyType({**ServiceTicket.subjects, Kind.JOB: Job})


# --- the customer's word ---------------------------------------------------------------------------


class ShareLink(ShopModel):
    """A way to one ticket for whoever has the link: no account, one ticket, for some days. Only the hash of its token is kept."""

    ticket = models.ForeignKey(ServiceTicket, models.CASCADE, related_name="shares")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, editable=False, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    unaudited = frozenset({"ticket", "token_hash", "created_by"})

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"until {self.expires_at:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        return self.revoked_at is None and self.expires_at > timezone.now()

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.ticket_id, None

    def told_as(self) -> str:
        return ticket_number(self.ticket_id)


class Authorization(AppendOnlyModel):
    """What a customer decided, when and how they said it, and what each job was to cost then; append-only.

    ``decisions`` is a list of {job, title, decision, lines: [{description, quantity, unit_price, amount}], net, tax, total}.
    """

    is_guarded = True

    ticket = models.ForeignKey(ServiceTicket, models.PROTECT, related_name="authorizations", db_index=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="who wrote it down")
    share = models.ForeignKey(ShareLink, models.PROTECT, null=True, related_name="+", help_text="the link that it came by")
    at = models.DateTimeField(default=timezone.now)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    note = models.CharField(max_length=500, blank=True)
    decisions = models.JSONField()
    approved_total = sum_field(help_text="of all that was approved at once, with tax")

    class Meta:
        ordering = ("pk",)
        indexes = [models.Index(fields=["ticket", "id"], name="authorizations_of_a_ticket")]

    def __str__(self) -> str:
        return f"{self.get_channel_display()}, {self.at:%Y-%m-%d}"


# --- canned jobs -----------------------------------------------------------------------------------


class CannedJobQuerySet(ShopQuerySet):
    def visible_to(self, user: Any) -> Self:
        return self if user.has_perm("tickets.view_cannedjob") else self.none()

    def search(self, term: str) -> Self:
        """Finds canned jobs by name."""
        return self.filter(words_in("name", term))


class CannedJob(UniqueTextModel, ShopModel):
    """A job that is done again and again, with its labour and parts, to be put on a ticket in one step at the prices of that day."""

    name = models.CharField(max_length=200, help_text="becomes the job's title")
    concern = models.TextField(max_length=5000, blank=True)
    cause = models.TextField(max_length=5000, blank=True)
    correction = models.TextField(max_length=5000, blank=True)
    is_active = models.BooleanField(default=True, help_text="can be put on tickets; switch off instead of deleting")

    unaudited = frozenset({"unique_key"})

    objects = CannedJobQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            unique_text("one_canned_job_per_name", "name_taken", "Another canned job has this name."),
            models.CheckConstraint(condition=~Q(name=""), name="a_canned_job_has_a_name", violation_error_message="A canned job has a name."),
        ]

    def __str__(self) -> str:
        return self.name


class CannedJobLine(ShopModel):
    """A line of the jobs to come. Labour without a price costs what its rate does on the day."""

    canned_job = models.ForeignKey(CannedJob, models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=10, choices=LineKind.choices)
    description = models.CharField(max_length=500)
    quantity = quantity_field(default=Decimal(1), help_text="hours, for labour")
    unit_price = price_field(null=True, blank=True)
    rate = models.ForeignKey(LaborRate, models.PROTECT, null=True, blank=True, related_name="+")
    tax_code = tax_code_of_line()

    unaudited = frozenset({"canned_job"})

    class Meta:
        ordering = ("pk",)
        constraints = [
            positive("quantity"),
            models.CheckConstraint(
                condition=Q(kind=LineKind.LABOR) | Q(rate=None, unit_price__isnull=False),
                name="a_canned_line_has_a_price_or_is_labor",
                violation_error_message="Only labour has a rate; everything else needs a unit_price.",
            ),
        ]

    def __str__(self) -> str:
        return self.description

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        return CannedJob, self.canned_job_id, None


class CannedJobPart(ShopModel):
    canned_job = models.ForeignKey(CannedJob, models.CASCADE, related_name="parts", db_index=False)
    part = models.ForeignKey(Part, models.PROTECT, related_name="+")
    quantity = quantity_field(default=Decimal(1))

    unaudited = frozenset({"canned_job"})

    class Meta:
        ordering = ("pk",)
        constraints = [positive("quantity"), models.UniqueConstraint(fields=["canned_job", "part"], name="a_part_is_once_in_a_canned_job")]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.part}"

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        return CannedJob, self.canned_job_id, None
