"""Parts, and the ledger of their stock."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import GreaterThanOrEqual
from django.utils import timezone

from mechanic_shop.accounts.models import User
from mechanic_shop.db.models import (
    AppendOnlyModel,
    AppendOnlyQuerySet,
    ShopModel,
    ShopQuerySet,
    exact,
)
from mechanic_shop.db.unique_text import UniqueTextModel, has_a_name, unique_text
from mechanic_shop.errors import InvalidInput
from mechanic_shop.fastpath.compiled_queries import CompiledQuery
from mechanic_shop.http.search import every_word
from mechanic_shop.prices import price_field

from . import demand
from .quantities import COUNTED, Reason, Unit, quantity_field
from .taxes import TaxCode

ZERO = Decimal(0)


class PartQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """All for those who may see parts, nothing for others."""
        return self if user.has_perm("inventory.view_part") else self.none()

    def search(self, term: str) -> Self:
        """Finds parts by SKU, name, description, barcode and bin."""
        return self.filter(every_word(term, "sku", "name", "description", "barcode", "bin"))

    def low_stock(self) -> Self:
        """Active parts of which no more than the reorder point is available."""
        return self.filter(
            is_active=True,
            reorder_point__gt=0,
            on_hand__lte=exact(F("allocated") + F("reorder_point")),
        )

    def adjust_counts(
        self, part_id: int, *, on_hand: Decimal = ZERO, allocated: Decimal = ZERO
    ) -> bool:
        """Change the counts of a part by these amounts; False, and nothing changed,
        where the shelf does not allow it.

        The only statement that ever changes them. Its WHERE clause is the lock, also
        where ``select_for_update`` does nothing; on PostgreSQL it holds the row until
        the transaction ends.
        """
        return bool(counts_update.execute_update(part_id, on_hand, allocated, timezone.now()))


@CompiledQuery
def counts_update(part_id: int, on_hand: Decimal, allocated: Decimal, now: datetime) -> Any:
    new_on_hand, new_allocated = exact(F("on_hand") + on_hand), exact(F("allocated") + allocated)
    fits = Part.objects.filter(
        GreaterThanOrEqual(new_on_hand, new_allocated),
        GreaterThanOrEqual(new_allocated, ZERO),
        pk=part_id,
    )
    return fits.changing(on_hand=new_on_hand, allocated=new_allocated, updated_at=now)


class Part(UniqueTextModel, ShopModel):
    """Something that the shop keeps and fits. ``available`` = ``on_hand`` −
    ``allocated``.
    """

    # Plain characters, which every scanner and keyboard has.
    sku = models.CharField(
        "SKU",
        max_length=60,
        validators=[RegexValidator(r"\A[ -~]*\Z", "Use plain letters, digits and signs.")],
    )
    name = models.CharField(max_length=160)
    description = models.TextField(max_length=2000, blank=True)
    unit = models.CharField(max_length=10, choices=Unit.choices, default=Unit.EACH)
    price = price_field(help_text="what a customer pays for a unit")
    cost = price_field(default=ZERO, help_text="what a unit costs the shop")
    on_hand = quantity_field(editable=False)
    allocated = quantity_field(editable=False, help_text="promised to open tickets")
    reorder_point = quantity_field(
        blank=True,
        validators=[MinValueValidator(ZERO)],
        help_text="order when no more than this is available",
    )
    reorder_quantity = quantity_field(blank=True, validators=[MinValueValidator(ZERO)])
    bin = models.CharField(max_length=30, blank=True, help_text="where it lies")
    barcode = models.CharField(max_length=60, blank=True, db_index=True)
    tax_code = models.ForeignKey(
        TaxCode,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="parts",
        db_index=False,
        help_text="none: the shop's default tax code",
    )
    is_active = models.BooleanField(
        default=True, help_text="can be put on tickets; switch off instead of deleting"
    )

    unique_text = "sku"
    unaudited = frozenset({"unique_key", "on_hand", "allocated"})  # the ledger tells of the counts

    objects: ClassVar = PartQuerySet.as_manager()

    class Meta:
        ordering = ("sku", "pk")
        permissions = [
            ("view_cost", "Can see what parts cost"),
            ("receive_part", "Can receive parts"),
            ("adjust_part", "Can adjust and count stock"),
        ]
        constraints = [
            unique_text("one_part_per_sku", "sku_taken", "Another part has this SKU."),
            models.CheckConstraint(
                condition=~Q(sku=""),
                name="a_part_has_a_sku",
                violation_error_message="A part has a SKU.",
            ),
            has_a_name("a_part_has_a_name", "part"),
            models.CheckConstraint(condition=Q(on_hand__gte=0), name="on_hand_is_never_below_zero"),
            models.CheckConstraint(
                condition=Q(allocated__gte=0) & Q(allocated__lte=F("on_hand")),
                name="allocated_is_between_zero_and_on_hand",
            ),
            models.CheckConstraint(
                condition=Q(price__gte=0),
                name="a_price_is_zero_or_more",
                violation_error_message="A price is zero or more.",
            ),
            models.CheckConstraint(
                condition=Q(cost__gte=0),
                name="a_cost_is_zero_or_more",
                violation_error_message="A cost is zero or more.",
            ),
            models.CheckConstraint(
                condition=Q(reorder_point__gte=0) & Q(reorder_quantity__gte=0),
                name="reorder_figures_are_zero_or_more",
                violation_error_message="Reorder point and quantity are zero or more.",
            ),
        ]
        indexes = [
            models.Index(fields=[field, "id"], name=f"parts_by_{name}")
            for field, name in {
                "sku": "sku",
                "name": "name",
                "price": "price",
                "on_hand": "stock",
                "bin": "bin",
                "created_at": "age",
                "updated_at": "change",
            }.items()
        ]

    def __str__(self) -> str:
        return f"{self.sku} {self.name}"

    @property
    def available(self) -> Decimal:
        return self.on_hand - self.allocated

    @property
    def is_counted(self) -> bool:
        """Does it come in whole units only?"""
        return self.unit in COUNTED

    def quantities(self) -> list[Decimal]:
        """Every quantity of it that the shop holds or has promised."""
        return [
            self.on_hand,
            self.allocated,
            *demand.lines_of(self).values_list("quantity", flat=True),
        ]

    def check_quantity(self, quantity: Decimal, field: str = "quantity") -> Decimal:
        """The quantity, if it can be one of this part. Raises InvalidInput for a piece
        of what is counted.
        """
        if self.is_counted and quantity != quantity.to_integral_value():
            raise InvalidInput(
                field, "not_whole", f"{self.sku} is counted by the {self.unit}: use a whole number."
            )
        return quantity


class StockMovementQuerySet(AppendOnlyQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        return self if user.has_perm("inventory.view_stockmovement") else self.none()


class StockMovement(AppendOnlyModel):
    """One change of what is on the shelf; append-only. The sum of a part's movements is
    its ``on_hand``.
    """

    part = models.ForeignKey(Part, models.PROTECT, related_name="movements")
    quantity = quantity_field(default=None, help_text="signed: what came is positive")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    on_hand_after = quantity_field(default=None)
    reference = models.CharField(max_length=60, blank=True, help_text="ticket number or document")
    unit_cost = price_field(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True, editable=False)

    objects: ClassVar = StockMovementQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=~Q(quantity=0) | Q(reason=Reason.STOCKTAKE),
                name="a_movement_moves_something_or_counts",
            ),
            models.CheckConstraint(
                condition=Q(on_hand_after__gte=0), name="no_movement_leaves_less_than_nothing"
            ),
        ]
        indexes = [models.Index(fields=["part", "-id"], name="movements_of_a_part")]

    def __str__(self) -> str:
        return f"{self.quantity:+f} {self.part.sku} ({self.reason})"
