"""Is the shop alive, and ready?"""

from concurrent.futures import Future
from contextlib import suppress
from threading import Lock, Thread

from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

WITHIN = 2.0  # seconds that the database has to answer: who asks us waits no longer either
asking = Lock()
asked: "Future[str]" = Future()
asked.set_result("down")
migrated = False


def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when the shop can work; 503 when the database or a configured Redis does not answer, or migrations are missing.

    The body says which, and nothing more: anybody may ask.
    """
    found = {"database": database_state(), "cache": cache_state()}
    return JsonResponse(found, status=200 if set(found.values()) == {"ok"} else 503)


def database_state() -> str:
    """Asked in a thread of its own: a database that hangs must not take this request, and the next, with it.

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
        pass  # told by the state
    finally:
        with suppress(Error):
            connection.close()
        answer.set_result(state)


def cache_state() -> str:
    """Without a Redis the cache is in this process, and always there."""
    cache.set("ready", 1, 10)
    return "ok" if cache.get("ready") == 1 else "down"
