"""The actors, as clients with real tokens, and a shop without limits unless a test asks
for them.
"""

import gc
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started, setting_changed
from django.db import close_old_connections, connection, connections
from django.dispatch import receiver
from django.test import override_settings
from rest_framework.test import APIClient, ForceAuthClientHandler

from mechanic_shop.accounts.sessions import token_pair
from mechanic_shop.fastpath.direct_dispatch import DirectDispatch, added
from mechanic_shop.fastpath.query_cache import page_query_cache, query_cache
from mechanic_shop.http import caching
from mechanic_shop.urls import router

from .databases import another  # noqa: F401 - a fixture
from .factories import CustomerFactory, MechanicFactory, UserFactory


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file: in memory the connections of several threads share one cache,
    and lock each other out at once.
    """
    database = connections["default"].settings_dict
    if "sqlite" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """PostgreSQL makes new files for each table that it truncates, which takes seconds;
    what a test has left in a few tables is deleted in a moment.
    """
    if connection.vendor != "postgresql":
        return
    truncate = connection.ops.sql_flush

    def empty(style: Any, tables: list[str], *, reset_sequences: bool = False, **how: Any) -> Any:
        if reset_sequences:  # a test that wants keys from 1 says so
            return truncate(style, tables, reset_sequences=True, **how)
        return emptying(tables)

    connection.ops.sql_flush = empty  # type: ignore[method-assign]


def emptying(tables: list[str]) -> list[str]:
    """SQL that empties the tables that hold something. Foreign keys are looked at when
    the transaction ends.
    """
    rows = " UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {t})" for t in tables)
    with connection.cursor() as cursor:
        cursor.execute(rows)
        return [f"DELETE FROM {table}" for (table,) in cursor.fetchall()]


def pytest_configure(config: pytest.Config) -> None:
    """Each of pytest's processes has a Redis database of its own: they would empty one
    under each other.
    """
    worker = getattr(config, "workerinput", {}).get("workerid", "gw0")
    place = django_settings.CACHES["default"].get("LOCATION", "")
    if place.startswith("redis"):
        address, _, number = place.rpartition("/")
        django_settings.CACHES["default"]["LOCATION"] = (
            f"{address}/{int(number) + int(worker.removeprefix('gw'))}"
        )


def pytest_collection_finish() -> None:
    """Keep the collected tests and the imported modules out of garbage collection:
    walking them took a fifth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With FAST_PATH=off, tests of the fast path itself have nothing to look at."""
    if django_settings.FAST_PATH:
        return
    deselected = [item for item in items if item.get_closest_marker("fast_path")]
    config.hook.pytest_deselected(items=deselected)
    items[:] = [item for item in items if item not in set(deselected)]


def forget() -> None:
    """An empty cache, and nothing kept in this process either."""
    cache.clear()
    caching.pages.kept.clear()
    caching.generations.clear()


@pytest.fixture(scope="session", autouse=True)
def _a_quick_and_patient_shop() -> Any:
    """Cheap password hashes, plain static files, no rate limits."""
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES=django_settings.STORAGES
        | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
        WHITENOISE_AUTOREFRESH=True,  # nothing was collected
        WHITENOISE_USE_FINDERS=True,
        THROTTLE_RATES=dict.fromkeys(django_settings.THROTTLE_RATES, "off"),
    ):
        yield


@pytest.fixture(autouse=True)
def _an_empty_cache() -> Any:
    forget()
    yield
    cache.clear()


@receiver(setting_changed)
def forget_statements(**_: Any) -> None:
    """Statements and headers are kept as other settings made them."""
    query_cache.clear()
    page_query_cache.clear()
    added.cache_clear()


# What several hosts share is a Redis; .ci/run has a round of tests with one.
collect_ignore = [] if django_settings.REDIS_URL else ["test_two_hosts.py"]
express = DirectDispatch(None, "/api/v1/", router.urls)


class Handler(ForceAuthClientHandler):
    """Answers as the production server does: what the express way does not take goes
    Django's.
    """

    def __call__(self, environ: dict[str, Any]) -> Any:
        if not django_settings.FAST_PATH:
            return super().__call__(environ)
        # as Django's own client does: the test's transaction needs its connection
        request_started.disconnect(close_old_connections)
        try:
            response = express.answer(environ)
        finally:
            request_started.connect(close_old_connections)
        if response is None:
            return super().__call__(environ)
        response.wsgi_request = WSGIRequest(environ)
        return response


class Client(APIClient):
    """An API client that knows who it is."""

    user: Any = None

    def __init__(self, **defaults: Any) -> None:
        super().__init__(**defaults)
        self.handler = Handler(self.handler.enforce_csrf_checks)

    def as_user(self, user: Any) -> "Client":
        self.user = user
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {token_pair(user)['access']}")
        return self


def client_of(user: Any) -> Client:
    return Client().as_user(user)


@pytest.fixture
def anonymous() -> Client:
    return Client()


@pytest.fixture
def owner(db: Any) -> Client:
    """A customer; ``owner.user.customer`` is the record."""
    return client_of(CustomerFactory(login=True, name="Olive Owner").user)


@pytest.fixture
def stranger(db: Any) -> Client:
    """Another customer."""
    return client_of(CustomerFactory(login=True, name="Steve Stranger").user)


@pytest.fixture
def assigned(db: Any) -> Client:
    """A mechanic, to be put on the ticket of the test; ``assigned.user.mechanic`` is
    the record.
    """
    return client_of(MechanicFactory(login=True, name="Asha Assigned").user)


@pytest.fixture
def unassigned(db: Any) -> Client:
    """A mechanic who is on no ticket."""
    return client_of(MechanicFactory(login=True, name="Uma Unassigned").user)


@pytest.fixture
def advisor(db: Any) -> Client:
    """The front desk."""
    return client_of(UserFactory(role="advisor", is_staff=True))


@pytest.fixture
def manager(db: Any) -> Client:
    return client_of(UserFactory(role="manager", is_staff=True))
