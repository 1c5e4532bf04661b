"""When a vehicle's odometer was read; tickets.0018 fills it from the tickets that know."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("customers", "0005_phones_as_typed")]

    operations = [
        migrations.AddField(
            "vehicle",
            "odometer_at",
            models.DateTimeField(editable=False, help_text="when it was read; null: not known", null=True),
        ),
        migrations.AlterField(
            "vehicle",
            "odometer",
            models.PositiveIntegerField(blank=True, help_text="the highest reading known, in the shop's unit of distance", null=True),
        ),
    ]
