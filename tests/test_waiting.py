"""Which request is next where many wait for a thread, and where those wait that hash a
password.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mechanic_shop.server.fair_queue import FEW, FairQueue
from mechanic_shop.server.password_lane import WAITING, Admission, PasswordLane


def taken(queue: FairQueue[str], number: int) -> list[str | None]:
    return [queue.get() for _ in range(number)]


# --- fair turns -----------------------------------------------------------------------


def test_few_requests_are_served_in_the_order_of_their_arrival() -> None:
    queue: FairQueue[str] = FairQueue()
    sent = [f"{number}" for number in range(FEW)]
    for item in sent:
        queue.put(item, "one")
    assert taken(queue, FEW) == sent


def test_a_thousand_requests_of_one_address_delay_another_by_one() -> None:
    queue: FairQueue[str] = FairQueue()
    for number in range(1000):
        queue.put(f"flood {number}", "one")
    queue.put("first", "two")
    queue.put("second", "two")
    queue.put("only", "three")
    # from before there were many
    assert taken(queue, FEW) == [f"flood {number}" for number in range(FEW)]
    assert taken(queue, 6) == ["flood 16", "first", "only", "flood 17", "second", "flood 18"]
    assert queue.qsize() == 1003 - FEW - 6
    assert taken(queue, queue.qsize()) == [f"flood {number}" for number in range(19, 1000)]
    assert (queue.lines, list(queue.order)) == ({}, [])


def test_threads_that_put_and_get_at_once_lose_nothing_and_end() -> None:
    queue: FairQueue[str] = FairQueue()

    def work() -> list[str]:
        return list(iter(queue.get, None))

    with ThreadPoolExecutor(8) as pool:
        workers = [pool.submit(work) for _ in range(4)]
        putting = [
            pool.submit(lambda name=name: [queue.put(f"{name}{n}", name) for n in range(500)])
            for name in "abcd"
        ]
        for done in putting:
            done.result(10)
        for _ in workers:
            queue.end_one()
        found = [item for worker in workers for item in worker.result(10)]
    assert sorted(found) == sorted(f"{name}{n}" for name in "abcd" for n in range(500))


# --- the lane of those that hash ------------------------------------------------------


def test_a_few_wait_and_the_rest_is_refused() -> None:
    lane: PasswordLane[int] = PasswordLane(2)
    admitted = [lane.enter(number) for number in range(20)]
    assert admitted == [Admission.NOW] * 2 + [Admission.LATER] * 2 * WAITING + [Admission.NEVER] * (
        18 - 2 * WAITING
    )
    # the first that waited is next
    assert [lane.leave() for _ in range(2 * WAITING)] == list(range(2, 2 + 2 * WAITING))
    assert [lane.leave() for _ in range(2)] == [None, None]
    assert [lane.enter(number) for number in range(3)] == [Admission.NOW] * 2 + [Admission.LATER]


@pytest.mark.parametrize(
    ("method", "path", "headers", "hashes"),
    [
        ("POST", "/api/v1/auth/token/", {}, True),
        ("POST", "/admin/login/", {}, True),
        ("GET", "/admin/login/", {}, False),
        ("POST", "/api/v1/customers/", {}, True),
        ("POST", "/api/v1/customers/", {"authorization": "Bearer x"}, False),
        ("POST", "/api/v1/customers/", {"authorization": "Basic YTpi"}, True),
        ("POST", "/api/v1/tickets/", {}, False),
    ],
)
def test_the_lane_is_for_what_hashes(
    method: str, path: str, headers: dict[str, Any], hashes: bool
) -> None:
    assert PasswordLane(1).is_for(method, path, headers) is hashes


def test_the_addresses_of_the_lane_are_those_of_the_shop() -> None:
    """Each is one of the doors that ``tests/test_hashing.py`` finds shut while another
    thread hashes.
    """
    lane = PasswordLane[int](1)
    api = {
        f"/api/v1/{path}/"
        for path in ("auth/token", "auth/password", "auth/password/reset/confirm", "session/login")
    }
    assert lane.paths == api | {"/admin/login/", "/admin/password_change/"}
    assert lane.sign_up == "/api/v1/customers/"
