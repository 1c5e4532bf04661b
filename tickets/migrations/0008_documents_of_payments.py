"""A payment keeps what its receipt says. SQLite makes the table anew, and the triggers go with the old one."""

from django.db import migrations, models

from mechanic_shop.db import triggers

first, last = triggers.around_a_rebuild("tickets_payment")


class Migration(migrations.Migration):
    dependencies = [("tickets", "0007_order_of_lines_and_mechanics")]

    operations = [
        first,
        migrations.AddField(
            model_name="payment",
            name="document",
            field=models.JSONField(default=dict, help_text="what the receipt says, but for its number"),
            preserve_default=False,
        ),
        last,
    ]
