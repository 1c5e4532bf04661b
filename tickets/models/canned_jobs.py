"""What a shop does again and again, and what an hour of it costs."""

from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from inventory.models import Part
from inventory.quantities import quantity_field
from mechanic_shop.accounts.models import User
from mechanic_shop.currency import amount_field
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.db.unique_text import UniqueTextModel, has_a_name, one_default, unique_text
from mechanic_shop.http.search import every_word
from mechanic_shop.prices import price_field

from .priced import LineKind, positive, tax_code, tax_code_of_line


class LaborRateQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self if user.has_perm("tickets.view_laborrate") else self.none()

    def search(self, term: str) -> Self:
        """Finds rates by name."""
        return self.filter(every_word(term, "name"))


class LaborRate(UniqueTextModel, ShopModel):
    """What an hour of a kind of work costs the customer."""

    name = models.CharField(max_length=60)
    hourly = amount_field(help_text="what an hour costs the customer")
    tax_code = tax_code()
    is_default = models.BooleanField(default=False, help_text="for labor that names no rate")
    is_active = models.BooleanField(
        default=True, help_text="can be used; switch off instead of deleting"
    )

    unaudited: ClassVar[frozenset[str]] = frozenset({"unique_key"})

    objects: ClassVar = LaborRateQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            unique_text("one_labor_rate_per_name", "name_taken", "Another rate has this name."),
            one_default("one_default_labor_rate", "rate"),
            has_a_name("a_labor_rate_has_a_name", "rate"),
            models.CheckConstraint(
                condition=Q(hourly__gte=0),
                name="an_hour_costs_zero_or_more",
                violation_error_message="An hour costs zero or more.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.hourly})"


class CannedJobQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self if user.has_perm("tickets.view_cannedjob") else self.none()

    def search(self, term: str) -> Self:
        """Finds canned jobs by name."""
        return self.filter(every_word(term, "name"))


class CannedJob(UniqueTextModel, ShopModel):
    """A job that is done again and again, with its labor and parts, to be put on a
    ticket in one step at the prices of that day.
    """

    name = models.CharField(max_length=200, help_text="becomes the job's title")
    concern = models.TextField(max_length=5000, blank=True)
    cause = models.TextField(max_length=5000, blank=True)
    correction = models.TextField(max_length=5000, blank=True)
    is_active = models.BooleanField(
        default=True, help_text="can be put on tickets; switch off instead of deleting"
    )

    unaudited: ClassVar[frozenset[str]] = frozenset({"unique_key"})

    objects: ClassVar = CannedJobQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            unique_text(
                "one_canned_job_per_name", "name_taken", "Another canned job has this name."
            ),
            has_a_name("a_canned_job_has_a_name", "canned job"),
        ]

    def __str__(self) -> str:
        return self.name


class CannedJobLine(ShopModel):
    """A line of the jobs to come. Labor without a price costs what its rate does on the
    day.
    """

    canned_job = models.ForeignKey(CannedJob, models.CASCADE, related_name="lines")
    kind = models.CharField(max_length=10, choices=LineKind.choices)
    description = models.CharField(max_length=500)
    quantity = quantity_field(default=Decimal(1), help_text="hours, for labor")
    unit_price = price_field(null=True, blank=True)
    rate = models.ForeignKey(LaborRate, models.PROTECT, null=True, blank=True, related_name="+")
    tax_code = tax_code_of_line()

    unaudited: ClassVar[frozenset[str]] = frozenset({"canned_job"})

    class Meta:
        ordering = ("pk",)
        constraints = [
            positive("quantity"),
            models.CheckConstraint(
                condition=Q(kind=LineKind.LABOR) | Q(rate=None, unit_price__isnull=False),
                name="a_canned_line_has_a_price_or_is_labor",
                violation_error_message=(
                    "Only labor has a rate; everything else needs a unit_price."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.description

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return CannedJob, self.canned_job_id, None


class CannedJobPart(ShopModel):
    canned_job = models.ForeignKey(CannedJob, models.CASCADE, related_name="parts", db_index=False)
    part = models.ForeignKey(Part, models.PROTECT, related_name="+")
    quantity = quantity_field(default=Decimal(1))

    unaudited: ClassVar[frozenset[str]] = frozenset({"canned_job"})

    class Meta:
        ordering = ("pk",)
        constraints = [
            positive("quantity"),
            models.UniqueConstraint(
                fields=["canned_job", "part"], name="a_part_is_once_in_a_canned_job"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.part}"

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return CannedJob, self.canned_job_id, None
