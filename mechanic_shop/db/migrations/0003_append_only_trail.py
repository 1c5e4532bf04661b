from django.db import migrations

from .. import triggers


def guard(apps, schema_editor):
    triggers.create_triggers(schema_editor.connection)


def unguard(apps, schema_editor):
    triggers.drop_triggers(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("api", "0002_audit_trail")]

    operations = [migrations.RunPython(guard, unguard)]
