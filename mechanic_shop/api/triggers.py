"""The database's own word on the audit trail: an entry is never changed nor deleted, but for ``audit.forget``.

On SQLite a migration that alters the table rebuilds it, and the triggers go with the old one: call ``guard`` again after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

TABLE = "api_auditentry"
REFUSAL = "audit entries are append-only"
NAMES = ("an_entry_is_not_changed", "an_entry_is_not_deleted")

FUNCTION = "refuse_change_of_audit_entry"  # PostgreSQL keeps it beside the table, also when that goes

POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION {FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) = to_jsonb(OLD) || '{{"personal": null, "object_repr": ""}}' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER {NAMES[0]} BEFORE UPDATE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {FUNCTION}();
CREATE TRIGGER {NAMES[1]} BEFORE DELETE OR TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION {FUNCTION}();
"""


def sqlite(columns: list[str]) -> list[str]:
    forgets = {"personal": "NULL", "object_repr": "''"}
    allowed = " AND ".join(f"NEW.{name} IS {forgets.get(name, f'OLD.{name}')}" for name in columns)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    return [
        f"CREATE TRIGGER {NAMES[0]} BEFORE UPDATE ON {TABLE} WHEN NOT ({allowed}) {refuse}",
        f"CREATE TRIGGER {NAMES[1]} BEFORE DELETE ON {TABLE} {refuse}",
    ]


def guard(connection: Any) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL)
        else:
            columns = [column.name for column in connection.introspection.get_table_description(cursor, TABLE)]
            for statement in sqlite(columns):
                cursor.execute(statement)


def unguard(connection: Any) -> None:
    with connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {TABLE}" if connection.vendor == "postgresql" else ""))


@contextmanager
def lifted(connection: Any) -> Iterator[None]:
    """For whoever empties the whole database: inside, the triggers are not there."""
    with transaction.atomic(connection.alias):
        unguard(connection)
        yield
        guard(connection)
