"""Operations are all or nothing, by a savepoint or together with the request that they
are part of.
"""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from mechanic_shop.db.transactions import as_a_whole, atomic

from .factories import CustomerFactory

pytestmark = pytest.mark.django_db


class Refused(Exception):
    pass


@atomic
def write_and_fail() -> None:
    CustomerFactory()
    raise Refused


def test_after_a_refused_operation_the_transaction_around_it_goes_on() -> None:
    with transaction.atomic():
        kept = CustomerFactory()
        with pytest.raises(Refused):
            write_and_fail()

    assert list(Customer.objects.all()) == [kept]


def test_what_is_undone_as_a_whole_has_no_savepoints_and_leaves_nothing() -> None:
    def request() -> None:
        with transaction.atomic(), as_a_whole():
            CustomerFactory()
            write_and_fail()

    with CaptureQueriesContext(connection) as captured, pytest.raises(Refused):
        request()

    # the test's own transaction wants it
    assert len([query for query in captured if query["sql"].startswith("SAVEPOINT")]) == 1
    assert not Customer.objects.exists()


def test_operations_have_their_savepoints_again_after_it() -> None:
    with pytest.raises(Refused), transaction.atomic(), as_a_whole():
        write_and_fail()

    test_after_a_refused_operation_the_transaction_around_it_goes_on()
