"""A chart of days as numbers for a drawing; the template draws it, so that no script
and no other host is asked.
"""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

WIDTH, HEIGHT = 720, 160
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 12, 24  # room for the scale and the days
FRAME = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT}
STEPS = (1, 2, 5, 10)


def bars(days: Sequence[tuple[date, Decimal]], show: Callable[[Decimal], str]) -> dict[str, Any]:
    """Bars from a line at nothing, up for what was sold and down for what was taken
    back; ``show`` writes an amount.
    """
    low, high, step = scale([amount for _, amount in days])
    tall = (HEIGHT - TOP - BOTTOM) / (high - low)
    wide = (WIDTH - LEFT - RIGHT) / len(days)

    def y(amount: float) -> float:
        return TOP + (high - amount) * tall

    return {
        **FRAME,
        "lines": [
            {"y": at(y(amount)), "text_y": at(y(amount) + 4), "label": f"{amount:,}"}
            for amount in range(low, high + 1, step)
        ],
        "zero": at(y(0)),
        "bars": [
            bar(LEFT + index * wide, wide, y(0), y(float(amount)))
            | {"back": amount < 0, "day": day, "amount": show(amount)}
            for index, (day, amount) in enumerate(days)
        ],
        "days": [
            {"x": at(LEFT + (index + 0.5) * wide), "y": str(HEIGHT - 6), "day": days[index][0]}
            for index in range(len(days) - 1, -1, -7)
        ],
    }


def bar(left: float, wide: float, zero: float, end: float) -> dict[str, str]:
    """A bar from the line at nothing to ``end``: at least as high as can be seen."""
    return {
        "x": at(left + wide * 0.15),
        "width": at(wide * 0.7),
        "y": at(min(zero, end)),
        "height": at(max(1.0, abs(zero - end))) if end != zero else "0",
    }


def scale(amounts: Sequence[Decimal]) -> tuple[int, int, int]:
    """From where to where, in which steps: about four round ones."""
    most, least = max(0.0, *map(float, amounts)), min(0.0, *map(float, amounts))
    rough = max(1.0, (most - least) / 4)
    power = 10 ** (len(str(int(rough))) - 1)
    step = next(each * power for each in STEPS if each * power >= rough)
    low, high = (
        -int(-least // step + (-least % step > 0)) * step,
        int(most // step + (most % step > 0)) * step,
    )
    return low, max(high, low + step), step


def at(place: float) -> str:
    """A place in the drawing, written the same in every locale."""
    return f"{place:.1f}"
