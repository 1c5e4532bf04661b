"""A chart of days as numbers for a drawing; the template draws it, so that no script
and no other host is asked.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

WIDTH, HEIGHT = 720, 160
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 12, 24  # room for the scale and the days
STEPS = (1, 2, 5, 10)


def bars(days: Sequence[tuple[date, Decimal]], show: Any) -> dict[str, Any]:
    """Bars from a line at nothing, up for what was sold and down for what was taken
    back; ``show`` writes an amount.
    """
    low, high, step = scale([amount for _, amount in days])
    tall = (HEIGHT - TOP - BOTTOM) / (high - low)
    wide = (WIDTH - LEFT - RIGHT) / len(days)

    def y(amount: float) -> float:
        return TOP + (high - amount) * tall

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "right": WIDTH - RIGHT,
        "lines": [
            {
                "y": at(y(low + place * step)),
                "text_y": at(y(low + place * step) + 4),
                "label": f"{low + place * step:,}",
            }
            for place in range((high - low) // step + 1)
        ],
        "zero": at(y(0)),
        "bars": [
            {
                "x": at(LEFT + place * wide + wide * 0.15),
                "width": at(wide * 0.7),
                "y": at(min(y(0), y(float(amount)))),
                "height": at(max(1.0, abs(float(amount)) * tall)) if amount else "0",
                "back": amount < 0,
                "day": day,
                "amount": show(amount),
            }
            for place, (day, amount) in enumerate(days)
        ],
        "days": [
            {"x": at(LEFT + (place + 0.5) * wide), "y": str(HEIGHT - 6), "day": days[place][0]}
            for place in range(len(days) - 1, -1, -7)
        ],
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
