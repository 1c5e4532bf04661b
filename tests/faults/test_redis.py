"""Redis is cut off, hangs or is slow: log-in stays limited, the shop goes on, and no
page from before comes back with it.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from .house import Load, Redis, Shop, SlowRoad, until

LIMIT = 5
PROCESSES = 2
Fault = tuple[Callable[[], None], Callable[[], None]]


@pytest.fixture
def road(redis: Redis) -> Iterator[SlowRoad]:
    road = SlowRoad(redis.port)
    yield road
    road.close()


@pytest.fixture
def environment(road: SlowRoad) -> dict[str, str]:
    return {"REDIS_URL": f"redis://127.0.0.1:{road.port}/0", "THROTTLE_LOGIN": f"{LIMIT}/hour"}


@pytest.fixture(params=["cut off", "hanging", "slow", "late"])
def fault(request: pytest.FixtureRequest, redis: Redis, road: SlowRoad) -> Fault:
    """How it breaks, and how it is mended."""

    def delay(seconds: float) -> Callable[[], None]:
        return lambda: setattr(road, "delay", seconds)

    faults: dict[str, Fault] = {
        "cut off": (redis.stop, redis.start),
        "hanging": (
            lambda: redis.process.send_signal(signal.SIGSTOP),
            lambda: redis.process.send_signal(signal.SIGCONT),
        ),
        "slow": (delay(0.1), delay(0)),  # within the time that the shop waits for it
        "late": (delay(1), delay(0)),  # beyond it
    }
    return faults[request.param]


def price(shop: Shop) -> str:
    [part] = shop.call("GET", "parts/")[2]["results"]
    return part["price"]


def set_price(shop: Shop, to: str) -> None:
    assert shop.call("PATCH", f"parts/{shop.seeded['part']}/", {"price": to})[0] == 200


def test_a_redis_that_fails_costs_time_and_nothing_else(
    production: Shop, fault: Fault, request: pytest.FixtureRequest
) -> None:
    fails, returns = fault
    assert {price(production) for _ in range(20)} == {"19.99"}  # every worker has the page now

    with Load(production).running() as load:
        fails()
        load.go_on()
        set_price(production, "21.00")
        assert {price(production) for _ in range(20)} == {"21.00"}

        guesses = Counter(
            production.log_in("wrong", "somebody@example.com") for _ in range(LIMIT * PROCESSES + 5)
        )
        assert guesses.keys() == {401, 429}
        assert guesses[401] <= LIMIT * PROCESSES  # each process counts for itself, at the worst

        set_price(production, "22.00")
        returns()
        assert {price(production) for _ in range(60)} == {"22.00"}
        until(lambda: production.ask("GET", "/readyz/")[0] == 200)
        assert {price(production) for _ in range(60)} == {"22.00"}
        set_price(production, "23.00")
        assert {price(production) for _ in range(20)} == {"23.00"}

    assert load.statuses().keys() <= {200, 201}
    assert set(load.reads) == {200}
    load.prove(f"Redis {request.node.callspec.params['fault']}")


def test_a_worker_that_heard_nothing_of_the_fault_gives_out_no_old_page(
    production: Shop, redis: Redis
) -> None:
    """Only the worker that wrote found Redis hanging; the other is asked first when it
    is back.
    """
    assert {price(production) for _ in range(20)} == {"19.99"}
    redis.process.send_signal(signal.SIGSTOP)
    set_price(production, "21.00")
    redis.process.send_signal(signal.SIGCONT)
    time.sleep(3)  # nobody asks for anything
    assert {price(production) for _ in range(60)} == {"21.00"}


def test_a_redis_that_lost_everything_is_as_good_as_before(production: Shop, redis: Redis) -> None:
    for new in ("21.00", "22.00"):
        price(production)
        redis.stop()
        redis.start()
        set_price(production, new)
        assert {price(production) for _ in range(20)} == {new}
