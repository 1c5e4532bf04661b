"""Tax codes: what is charged on what is sold, and since when."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q

from mechanic_shop.accounts.models import User
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.db.unique_text import UniqueTextModel, has_a_name, one_default, unique_text


def registration_number() -> models.CharField:
    return models.CharField(
        "registration number",
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text="under which the shop pays this tax; printed with it on documents",
    )


@dataclass(frozen=True, slots=True)
class PartOnDay:
    """One of the named taxes that a code consists of."""

    name: str
    rate: Decimal
    number: str
    on_top: bool


@dataclass(frozen=True, slots=True)
class TaxOnDay:
    """What a code takes on one day; without ``parts`` it is one tax of the code's own
    name.
    """

    name: str
    rate: Decimal
    number: str
    parts: tuple[PartOnDay, ...] = ()


class TaxCodeQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self if user.has_perm("inventory.view_taxcode") else self.none()

    def search(self, term: str) -> Self:
        """Finds tax codes by name."""
        return self.filter(name__icontains=term)


class TaxCode(UniqueTextModel, ShopModel):
    """A kind of tax, such as "VAT" or "Reduced VAT", whose rate changes by law now and
    then.

    What bears no code of its own bears the default one; where no code is the default,
    nothing is taxed by itself. What is never taxed bears a code of 0 percent.
    """

    name = models.CharField(max_length=40)
    number = registration_number()
    is_default = models.BooleanField(
        default=False, help_text="for whatever bears no code of its own"
    )

    unaudited = frozenset({"unique_key"})

    objects: ClassVar = TaxCodeQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            unique_text("one_tax_code_per_name", "name_taken", "Another tax code has this name."),
            one_default("one_default_tax_code", "tax code"),
            has_a_name("a_tax_code_has_a_name", "tax code"),
        ]

    def __str__(self) -> str:
        return self.name


class TaxRateQuerySet(ShopQuerySet):
    def on(self, day: date) -> dict[int | None, TaxOnDay]:
        """What each code takes on this day; at None what the default takes. One query."""
        code = ("code_id", "code__name", "code__number", "code__is_default")
        part = ("parts__name", "parts__rate", "parts__number", "parts__on_top")
        rows = self.filter(valid_from__lte=day).order_by("valid_from", "pk", "parts__position")
        found: dict[int | None, TaxOnDay] = {}
        parts: dict[int, tuple[PartOnDay, ...]] = {}
        for key, rate, code_id, name, number, is_default, *facts in rows.values_list(
            "pk", "rate", *code, *part
        ):
            parts[key] = (*parts.get(key, ()), PartOnDay(*facts)) if facts[0] else ()
            found[code_id] = TaxOnDay(name, rate, number, parts[key])
            if is_default:
                found[None] = found[code_id]
        return found


class TaxRate(ShopModel):
    """What a code takes from a day on, in percent.

    Where the code consists of several named taxes, they are its ``parts`` and ``rate``
    is what they come to together, rounded to 3 decimals: for people to read, never to
    compute with.
    """

    code = models.ForeignKey(TaxCode, models.CASCADE, related_name="rates", db_index=False)
    rate = models.DecimalField(max_digits=6, decimal_places=3, help_text="percent")
    valid_from = models.DateField()

    unaudited = frozenset({"code"})

    objects: ClassVar = TaxRateQuerySet.as_manager()

    class Meta:
        ordering = ("code", "valid_from")
        constraints = [
            models.UniqueConstraint(
                fields=["code", "valid_from"], name="one_rate_per_code_and_day"
            ),
            models.CheckConstraint(
                condition=Q(rate__gte=0) & Q(rate__lte=100), name="a_tax_takes_0_to_100_percent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rate.normalize():f} % from {self.valid_from}"

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return TaxCode, self.code_id, None


MOST_PARTS = 6


class TaxPart(ShopModel):
    """One of the named taxes that a code consists of: GST and QST, or state, county and
    city tax.
    """

    tax_rate = models.ForeignKey(TaxRate, models.CASCADE, related_name="parts", db_index=False)
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=40)
    rate = models.DecimalField(max_digits=6, decimal_places=3, help_text="percent")
    number = registration_number()
    on_top = models.BooleanField(
        default=False,
        help_text="applies on the amount with the taxes before it, not on the amount alone",
    )

    unaudited = frozenset({"tax_rate", "position"})

    class Meta:
        ordering = ("tax_rate", "position")
        constraints = [
            models.UniqueConstraint(
                fields=["tax_rate", "position"], name="one_part_per_place_of_a_rate"
            ),
            models.CheckConstraint(
                condition=Q(rate__gte=0) & Q(rate__lte=100),
                name="a_part_of_a_tax_takes_0_to_100_percent",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="a_part_of_a_tax_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.rate.normalize():f} %"

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return TaxCode, self.tax_rate.code_id, None
