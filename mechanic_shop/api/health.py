"""Is the shop alive, and ready?"""

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

migrated = False


def alive(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> JsonResponse:
    """200 when the shop can work; 503 when the database does not answer or migrations are missing.

    A Redis that is down is told, but the shop goes on without it.
    """
    database, redis = database_state(), cache_state()
    return JsonResponse({"database": database, "cache": redis}, status=200 if database == "ok" else 503)


def database_state() -> str:
    global migrated
    try:
        if migrated:  # migrations do not go away while we run
            connection.ensure_connection()
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return "ok"
        executor = MigrationExecutor(connection)
        migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        return "ok" if migrated else "migrations missing"
    except DatabaseError:
        return "down"


def cache_state() -> str:
    cache.set("ready", 1, 10)
    return "ok" if cache.get("ready") == 1 else "down"
