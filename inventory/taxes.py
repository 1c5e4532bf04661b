"""Tax codes: what is charged on what is sold, and since when."""

from datetime import date
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from mechanic_shop.api.models import ShopModel, ShopQuerySet


class TaxCodeQuerySet(ShopQuerySet):
    def visible_to(self, user: object) -> Self:
        return self if user.has_perm("inventory.view_taxcode") else self.none()  # type: ignore[attr-defined]

    def search(self, term: str) -> Self:
        """Finds tax codes by name."""
        return self.filter(name__icontains=term)


class TaxCode(ShopModel):
    """A kind of tax, such as "VAT" or "Reduced VAT", whose rate changes by law now and then.

    What bears no code of its own bears the default one; where no code is the default, nothing is taxed by itself.
    What is never taxed bears a code of 0 percent.
    """

    name = models.CharField(max_length=40)
    is_default = models.BooleanField(default=False, help_text="for whatever bears no code of its own")

    objects = TaxCodeQuerySet.as_manager()

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="one_tax_code_per_name",
                violation_error_code="name_taken",
                violation_error_message="Another tax code has this name.",
            ),
            models.UniqueConstraint(
                fields=["is_default"],
                condition=Q(is_default=True),
                name="one_default_tax_code",
                violation_error_code="default_taken",
                violation_error_message="Another tax code is the default: take that from it first.",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="a_tax_code_has_a_name", violation_error_message="A tax code has a name."),
        ]

    def __str__(self) -> str:
        return self.name


class TaxRateQuerySet(ShopQuerySet):
    def on(self, day: date) -> dict[int | None, tuple[str, Decimal]]:
        """{code: (name, percent)} as they hold on this day; at None the default's. One query."""
        found: dict[int | None, tuple[str, Decimal]] = {}
        rows = self.filter(valid_from__lte=day).order_by("valid_from").values_list("code_id", "code__name", "rate", "code__is_default")
        for code, name, rate, is_default in rows:
            found[code] = name, rate
            if is_default:
                found[None] = name, rate
        return found


class TaxRate(ShopModel):
    """What a code takes from a day on, in percent."""

    code = models.ForeignKey(TaxCode, models.CASCADE, related_name="rates", db_index=False)
    rate = models.DecimalField(max_digits=6, decimal_places=3, help_text="percent")
    valid_from = models.DateField()

    untold = frozenset({"code"})

    objects = TaxRateQuerySet.as_manager()

    class Meta:
        ordering = ("code", "valid_from")
        constraints = [
            models.UniqueConstraint(fields=["code", "valid_from"], name="one_rate_per_code_and_day"),
            models.CheckConstraint(condition=Q(rate__gte=0) & Q(rate__lte=100), name="a_tax_takes_0_to_100_percent"),
        ]

    def __str__(self) -> str:
        return f"{self.rate.normalize():f} % from {self.valid_from}"

    def told_of(self) -> tuple[type[models.Model], int, int | None]:
        return TaxCode, self.code_id, None
