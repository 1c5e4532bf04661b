"""SQL text, handed to the driver past Django's cursor, which rewrites every placeholder
at each call. What tests count, and what wraps Django's cursor, still sees each statement.
"""

import re
from itertools import count
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections


class CompiledSQL:
    """SQL for the driver; ``%s`` is where a value goes."""

    def __init__(self, sql: str) -> None:
        self.sql, numbers = sql, count(1)
        place = (lambda: "?") if connection.vendor == "sqlite" else (lambda: f"${next(numbers)}")
        self.native = re.sub("%%|%s", lambda found: "%" if found[0] == "%%" else place(), sql)

    @property
    def weight(self) -> int:
        return 300 + 3 * len(self.sql)

    def execute(self, params: Any) -> tuple[list[Any], int]:
        """The rows that came back, and how many were changed."""
        # the thread's own: ``connection`` would look up each attribute again
        database = connections[DEFAULT_DB_ALIAS]
        if database.queries_logged or database.execute_wrappers:
            with database.cursor() as cursor:
                cursor.execute(self.sql, params)
                return cursor.fetchall() if cursor.description else [], cursor.rowcount
        database.close_if_health_check_failed()
        database.ensure_connection()
        database.validate_no_broken_transaction()
        with database.wrap_database_errors:  # also around fetching: SQLite finds its rows only then
            if database.vendor == "sqlite":
                found = database.connection.execute(self.native, params)
            else:
                found = raw_cursor(database.connection).execute(self.native, params)
            return found.fetchall() if found.description else [], found.rowcount


def raw_cursor(of: Any) -> Any:
    from psycopg import RawCursor  # not needed where the database is SQLite

    return RawCursor(of)
