"""Is the shop alive, ready, and how is it doing?"""

from concurrent.futures import Future
from contextlib import suppress
from secrets import compare_digest
from threading import Lock, Thread
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from drf_spectacular.utils import extend_schema
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.views import APIView

from mechanic_shop.http.renderers import JSONRenderer
from mechanic_shop.http.views import ShopView

from . import metrics

if TYPE_CHECKING:
    from rest_framework.renderers import BaseRenderer

WITHIN = 2.0  # seconds that the database has to answer: who asks us waits no longer either
asking = Lock()
asked: "Future[str]" = Future()
asked.set_result("down")
migrated = False


def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when the shop can work; 503 when the database or a configured Redis does not
    answer, or migrations are missing.

    The body says which, and nothing more: anybody may ask.
    """
    states = {"database": database_state(), "cache": cache_state()}
    return JsonResponse(states, status=200 if set(states.values()) == {"ok"} else 503)


def database_state() -> str:
    """Asked in a thread of its own: a database that hangs must not take this request,
    and the next, with it.

    Who comes while one asks already waits for the same answer.
    """
    global asked
    with asking:
        if asked.done():
            asked = Future()
            Thread(target=ask_database, args=(asked,), daemon=True).start()
        answer = asked
    try:
        return answer.result(WITHIN)
    except TimeoutError:
        return "down"


def ask_database(answer: "Future[str]") -> None:
    global migrated
    state = "down"
    try:
        executor = None if migrated else MigrationExecutor(connection)
        if executor is None:  # migrations do not go away while we run
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM django_migrations")
        else:
            migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        state = "ok" if migrated else "migrations missing"
    except Error:
        metrics.database_failures.inc()
    finally:
        with suppress(Error):
            connection.close()
        answer.set_result(state)


def cache_state() -> str:
    """Without a Redis the cache is in this process, and always there."""
    cache.set("ready", 1, 10)
    return "ok" if cache.get("ready") == 1 else "down"


# --- metrics --------------------------------------------------------------------------


class ScrapeAuthentication(BaseAuthentication):
    """``Authorization: Bearer <METRICS_TOKEN>``: whoever collects the metrics needs no
    account, and may do nothing else.
    """

    def authenticate(self, request: Request) -> Any:
        scheme, _, token = get_authorization_header(request).partition(b" ")
        expected = settings.METRICS_TOKEN.encode()
        if expected and scheme.lower() == b"bearer" and compare_digest(token.strip(), expected):
            return SimpleNamespace(
                pk="metrics", is_authenticated=True, is_staff=True, is_shop_staff=True
            ), None
        return None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="metrics"'


class Plain(BaseContentNegotiation):
    """Prometheus asks for its own media types; it takes plain text, and a refusal is
    JSON.
    """

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: Any = None
    ) -> "tuple[BaseRenderer, str]":
        return renderers[0], renderers[0].media_type


@extend_schema(exclude=True)
class MetricsView(ShopView, APIView):
    """The shop's metrics, for staff and for whoever has the scrape token."""

    authentication_classes = [ScrapeAuthentication, *APIView.authentication_classes]
    permission_classes = [IsAdminUser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = Plain

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(
            metrics.exposition(), content_type="text/plain; version=0.0.4; charset=utf-8"
        )
