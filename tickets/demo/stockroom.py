"""What the demo garage keeps on its shelves, and what happens to it beside the tickets."""

import itertools
import math
from collections import Counter
from decimal import Decimal

from inventory import operations as stock
from inventory.models import ZERO, Part
from mechanic_shop.accounts.models import User

from ..models import TicketPart
from . import catalog
from .calendar import DAY, SEED, Life
from .catalog import Dice
from .money import in_currency

# Big or dear: ordered when a car needs one, never kept. No job of the catalog needs the
# last two.
SPECIAL = {
    "RAD-001",
    "ALT-120A-001",
    "CLU-KIT-001",
    "TIM-KIT-001",
    "TIM-KIT-002",
    "AC-CND-001",
    "STR-14KW-002",
    "FUL-PMP-001",
    "BRK-DRM-R-001",
}
# what comes is for waiting cars only
SCARCE = {
    "WIP-BLD-001",
    "FLT-CAB-002",
    "BAT-H7-AGM",
    "IGN-COL-001",
    "EVP-PRG-001",
    "TIR-TPMS-001",
}
MISHAPS = {
    "litre": ("Can tipped over.", "Drum rinsed out, the rest was dirty."),
    "kilogram": ("Container left open, spoiled.",),
    "metre": ("End piece kinked.", "Cut too short."),
}
BROKEN = (
    "Broken while fitting.",
    "Dropped from the shelf.",
    "Wrong part in the box, not worth sending back.",
    "Damaged in delivery, supplier credited it.",
)


class Shelf:
    """What happens to the stock beside the tickets."""

    def __init__(self, manager: User, scale: int) -> None:
        self.manager, self.scale, self.dice = manager, scale, Dice(f"{SEED}: shelf")

    def open(self) -> None:
        """Put 150 kinds of parts on the shelf."""
        for kind in catalog.PARTS:
            special = kind.sku in SPECIAL
            part = Part.objects.create(
                sku=kind.sku,
                name=kind.name,
                unit=kind.unit,
                bin=kind.bin,
                price=in_currency(kind.price),
                cost=in_currency(kind.cost),
                reorder_point=ZERO if special else kind.reorder_point,
                reorder_quantity=ZERO if special else kind.reorder_quantity,
            )
            if not special:
                self.receive(part, Decimal(kind.typical_stock * self.scale), part.cost, "OPENING")

    def receive(self, part: Part, quantity: Decimal, cost: Decimal, reference: str) -> None:
        stock.receive(part, quantity=quantity, unit_cost=cost, reference=reference, by=self.manager)

    def truck(self) -> Life:
        """Once a week comes what cars wait for, and some of what is low: the supplier
        does not have everything.
        """
        for number in itertools.count(4100):
            wanted: Counter[Part] = Counter()
            for part in Part.objects.low_stock().exclude(sku__in=SCARCE).order_by("pk"):
                wanted[part] += part.reorder_quantity * self.scale if self.dice.chance(0.4) else 0
            for line in TicketPart.objects.backordered().select_related("part"):
                wanted[line.part] += math.ceil(line.backordered)
            for part in sorted(+wanted, key=lambda part: part.pk):
                cost = in_currency(part.cost * self.dice.decimal("0.97", "1.04"))
                self.receive(part, Decimal(wanted[part]), cost, f"DN-{number:06}")
            yield 6 * DAY

    def stock_takes(self) -> Life:
        """Every four weeks another aisle is counted; mostly it is right."""
        for aisle in itertools.cycle("ABCDEFG"):
            yield 24 * DAY
            for part in Part.objects.filter(bin__startswith=aisle, on_hand__gt=0).order_by("pk"):
                off = self.dice.weighted([(0, 90), (-1, 6), (1, 4)])
                counted = max(
                    part.allocated,
                    part.on_hand + (off if part.is_counted else off * Decimal("0.25")),
                )
                stock.count(
                    part, counted=counted, note=f"Stock-take of aisle {aisle}", by=self.manager
                )

    def mishaps(self) -> Life:
        """Now and then something breaks, or turns up again."""
        while True:
            yield self.dice.between(2 * DAY, 7 * DAY)
            part = self.dice.pick(
                [part for part in Part.objects.order_by("pk") if part.available >= 4]
            )
            if self.dice.chance(0.15):
                stock.adjust(
                    part,
                    quantity=Decimal(1),
                    reason="adjustment",
                    note="Found behind the shelf.",
                    by=self.manager,
                )
            else:
                note = self.dice.pick(MISHAPS.get(part.unit, BROKEN))
                stock.adjust(part, quantity=Decimal(-1), reason="scrap", note=note, by=self.manager)
