"""What a price follows: discounts, shop supplies and the rules of rounding."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from .arithmetic import HUNDRED, ZERO
from .taxes import Tax

GROUP, LINE = "group", "line"  # where tax is rounded: once for each rate, or at every line


@dataclass(frozen=True, slots=True)
class Discount:
    """So many percent off, or an amount; more than there is takes off all."""

    percent: Decimal = ZERO
    amount: Decimal = ZERO

    def of(self, gross: Decimal) -> Decimal:
        """Not rounded: a line rounds once, after it."""
        return max(ZERO, min(gross, self.amount or gross * self.percent / HUNDRED))


NOTHING_OFF = Discount()


@dataclass(frozen=True, slots=True)
class Supplies:
    """Rags, cleaner, disposal: percent of what uses them, or a flat sum when anything
    does; at most ``cap``. No discount touches it.
    """

    percent: Decimal = ZERO
    flat: Decimal = ZERO
    cap: Decimal | None = None
    tax: Tax | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    places: int = 2
    rounding: str = GROUP
    inclusive: bool = False  # do prices contain their tax?
    supplies: Supplies | None = None

    def round(self, amount: Decimal) -> Decimal:
        return amount.quantize(Decimal(1).scaleb(-self.places), ROUND_HALF_UP) + ZERO  # never −0


DEFAULT_RULES = Rules()
