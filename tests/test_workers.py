"""The production server as it is run, on the database of the tests: two workers where a
Redis is shared, else one process of threads.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from inventory.integrity_checks import find_discrepancies
from mechanic_shop.accounts.sessions import token_pair

from .factories import PartFactory, UserFactory, make_ticket
from .hosts import serving

pytestmark = pytest.mark.django_db(transaction=True)


def test_forty_parallel_requests_for_ten_parts() -> None:
    token = token_pair(UserFactory(role="advisor"))["access"]
    part = PartFactory(stock=10)
    tickets = [make_ticket("approved") for _ in range(40)]

    with serving() as shop, ThreadPoolExecutor(40) as pool:
        answers = pool.map(
            lambda ticket: shop.ask(
                "PUT", f"tickets/{ticket.pk}/add-part/", {"part": part.pk}, token
            ),
            tickets,
        )
        found = Counter(answer.status for answer in answers)

    assert found == {200: 10, 409: 30}
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (10, 10)
    assert find_discrepancies() == []
