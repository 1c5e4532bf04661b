"""A payment keeps what its receipt says. SQLite makes the table anew, and the triggers go with the old one."""

from django.db import migrations, models

from mechanic_shop.api import triggers

TABLE = "tickets_payment"


def guard(apps, schema_editor):
    triggers.guard_table(schema_editor.connection, TABLE)


def unguard(apps, schema_editor):
    triggers.unguard_table(schema_editor.connection, TABLE)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0007_order_of_lines_and_mechanics")]

    operations = [
        migrations.RunPython(unguard, guard),
        migrations.AddField(
            model_name="payment",
            name="document",
            field=models.JSONField(default=dict, help_text="what the receipt says, but for its number"),
            preserve_default=False,
        ),
        migrations.RunPython(guard, unguard),
    ]
