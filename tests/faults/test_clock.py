"""The clock of the server jumps by two days, forward or back, while it runs
(libfaketime; time that only goes on, goes on).
"""

import os
from glob import glob
from pathlib import Path

import pytest

from ..factories import PASSWORD
from .house import BOSS, Load, Sent, Shop

LIMIT = 5


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    """What the server's clock is ahead, as libfaketime reads it."""
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    return clock


@pytest.fixture
def environment(clock: Path) -> dict[str, str]:
    [library, *_] = glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    fake = {
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return fake | {"THROTTLE_LOGIN": f"{LIMIT}/hour"}


def jump(clock: Path, to: str) -> None:
    new = clock.with_suffix(".new")
    new.write_text(f"{to}\n")
    os.replace(new, clock)  # never seen half written


@pytest.mark.parametrize("days", ["+2d", "-2d"])
def test_a_clock_that_jumps(shop: Shop, clock: Path, days: str) -> None:
    load, part = Load(shop), shop.seeded["part"]
    refresh = shop.call(
        "POST", "auth/token/", {"email": BOSS, "password": PASSWORD}, Authorization=""
    )[2]["refresh"]
    first = Sent("PUT", f"tickets/{shop.seeded['tickets'][0]}/add-part/", {"part": part})
    load.write(first)
    assert first.status == 200
    shop.call("GET", "parts/")
    assert [shop.log_in("wrong", "somebody@example.com") for _ in range(LIMIT + 2)][-1] == 429

    jump(clock, days)

    # A token from the day before yesterday is over; one from the day after tomorrow is
    # good only where it was seen before. Whoever logs in goes on.
    assert shop.call("GET", "tickets/")[0] in ([401] if days == "+2d" else [200, 401])
    assert shop.call("POST", "auth/token/refresh/", {"refresh": refresh}, Authorization="")[0] == (
        200 if days == "+2d" else 401
    )
    assert shop.log_in() == 200
    # Of a new period of the clock all is allowed, and no more than that.
    assert [shop.log_in("wrong", "somebody@example.com") for _ in range(LIMIT + 2)] == [
        401
    ] * LIMIT + [429] * 2
    # What was seen is renewed by a write, wherever the clock stands.
    for price in ("21.00", "22.00"):
        assert shop.call("PATCH", f"parts/{part}/", {"price": price})[0] == 200
        assert {shop.call("GET", "parts/")[2]["results"][0]["price"] for _ in range(10)} == {price}
    # Keys hold for 24 hours: set back, they hold on; two days later the request is a
    # new one.
    status, headers, ticket = shop.call(
        first.method, first.path, first.body, Idempotency_Key=first.key
    )
    assert (status, headers.get("idempotent-replayed")) == (200, None if days == "+2d" else "true")
    assert ticket["parts"][0]["quantity"] == ("2.000" if days == "+2d" else "1.000")

    jump(clock, "+0")  # and somebody sets it right

    assert shop.log_in() == 200
    assert shop.call("PATCH", f"parts/{part}/", {"price": "23.00"})[0] == 200
    assert {shop.call("GET", "parts/")[2]["results"][0]["price"] for _ in range(10)} == {"23.00"}
    assert (
        shop.call(first.method, first.path, first.body, Idempotency_Key=first.key)[1][
            "idempotent-replayed"
        ]
        == "true"
    )
    assert shop.inside("found")["findings"] == []
