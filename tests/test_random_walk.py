"""Whatever people do, in whatever order, through whatever door: the books of stock and
money balance afterwards.

``make test`` walks a little way; ``make walk`` walks 2,000 steps from several seeds. A
seed repeats its walk: WALK_SEEDS="7 8".
"""

import os

import pytest

from inventory.integrity_checks import find_discrepancies as stock_findings
from tickets.billing.integrity_checks import find_discrepancies as money_findings

from .walk import Walk

SEEDS = [int(seed) for seed in os.environ.get("WALK_SEEDS", "1 2 3 4 5").split()]
EACH = 50  # steps between two looks at the books: a walk that fails fails near its cause


def walk(seed: int, steps: int) -> Walk:
    found = Walk(seed)
    for done in range(1, steps + 1):
        found.go()
        if done % EACH == 0 or done == steps:
            wrong = [*money_findings(), *stock_findings()]
            assert wrong == [], "\n".join(
                [f"seed {seed}, after {done} steps:", *wrong, *found.told[-EACH:]]
            )
    return found


@pytest.mark.django_db
def test_the_books_balance_after_a_short_walk() -> None:
    walk(seed=0, steps=200)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("seed", SEEDS)
def test_the_books_balance_after_2000_steps(seed: int) -> None:
    found = walk(seed, steps=2000)
    never = sorted(
        name for name, codes in found.statuses.items() if not any(code < 400 for code in codes)
    )
    assert never == [], "these steps were refused each time, so the walk shows nothing about them"
