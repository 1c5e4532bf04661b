from django.db import migrations

from mechanic_shop.db import triggers

TABLES = [f"tickets_{name}" for name in ("authorization", "invoice", "invoiceline", "creditnote", "creditnoteline", "payment")]


def guard(apps, schema_editor):
    for table in TABLES:
        triggers.create_table_triggers(schema_editor.connection, table)


def unguard(apps, schema_editor):
    for table in TABLES:
        triggers.drop_table_triggers(schema_editor.connection, table)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0002_jobs_and_money")]

    operations = [migrations.RunPython(guard, unguard)]
