"""The database's own word on tables that are append-only: their rows are never changed
nor deleted.

The audit trail lets one change through, that of ``audit_trail.redact`` (``guard``); documents
and payments let none (``guard_table``). On SQLite a migration that alters such a table
rebuilds it, and the triggers go with the old one: guard it again after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

if TYPE_CHECKING:
    from django.apps.registry import Apps

TABLE = "api_auditentry"
REFUSAL = "audit entries are append-only"
NAMES = ("an_entry_is_not_changed", "an_entry_is_not_deleted")

FUNCTION = (
    "refuse_change_of_audit_entry"  # PostgreSQL keeps it beside the table, also when that goes
)

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


def create_triggers(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL)
        else:
            columns = [
                column.name
                for column in connection.introspection.get_table_description(cursor, TABLE)
            ]
            for statement in sqlite(columns):
                cursor.execute(statement)


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for name in NAMES:
            cursor.execute(
                f"DROP TRIGGER IF EXISTS {name}"
                + (f" ON {TABLE}" if connection.vendor == "postgresql" else "")
            )


# --- tables that let no change through ------------------------------------------------

REFUSE_ALL = "refuse_change_of_what_is_append_only"
FUNCTIONS = (FUNCTION, REFUSE_ALL)
POSTGRESQL_ALL = f"""
CREATE OR REPLACE FUNCTION {REFUSE_ALL}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
"""


def guarded_tables() -> list[str]:
    return [
        model._meta.db_table for model in apps.get_models() if getattr(model, "is_guarded", False)
    ]


def create_table_triggers(connection: BaseDatabaseWrapper, table: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_ALL)
            events = "BEFORE UPDATE OR DELETE OR TRUNCATE"
            cursor.execute(
                f"CREATE TRIGGER {table}_is_append_only {events} ON {table} FOR EACH "
                f"STATEMENT EXECUTE FUNCTION {REFUSE_ALL}()"
            )
            return
        for name, event in (("changed", "UPDATE"), ("deleted", "DELETE")):
            refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            cursor.execute(
                f"CREATE TRIGGER {table}_is_not_{name} BEFORE {event} ON {table} {refuse}"
            )


def drop_table_triggers(connection: BaseDatabaseWrapper, table: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_is_append_only ON {table}")
            return
        for name in ("changed", "deleted"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_is_not_{name}")


def around_a_rebuild(*tables: str) -> tuple[RunPython, RunPython]:
    """The first and the last operation of a migration that alters such tables: SQLite
    rebuilds a table, and drops its triggers with the old one.
    """

    def off(apps: "Apps", schema_editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            drop_table_triggers(schema_editor.connection, table)

    def on(apps: "Apps", schema_editor: BaseDatabaseSchemaEditor) -> None:
        for table in tables:
            create_table_triggers(schema_editor.connection, table)

    return RunPython(off, on), RunPython(on, off)


@contextmanager
def triggers_disabled(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """For whoever empties the whole database: inside, the triggers are not there."""
    with transaction.atomic(connection.alias):
        drop_triggers(connection)
        for table in guarded_tables():
            drop_table_triggers(connection, table)
        yield
        create_triggers(connection)
        for table in guarded_tables():
            create_table_triggers(connection, table)
