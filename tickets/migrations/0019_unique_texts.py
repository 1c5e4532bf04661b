"""Names of labor rates and canned jobs are unique whatever their case and Unicode form, by a key beside them."""

from django.db import migrations, models

from mechanic_shop.db.unique_texts import fill

KEY = models.CharField(default="", editable=False, max_length=200)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0018_readings_of_vehicles")]

    operations = [
        migrations.RemoveConstraint("laborrate", "one_labor_rate_per_name"),
        migrations.RemoveConstraint("cannedjob", "one_canned_job_per_name"),
        migrations.AddField("laborrate", "unique_key", KEY, preserve_default=False),
        migrations.AddField("cannedjob", "unique_key", KEY, preserve_default=False),
        fill("tickets", LaborRate="name", CannedJob="name"),
        migrations.AddConstraint(
            "laborrate",
            models.UniqueConstraint(
                fields=("unique_key",),
                name="one_labor_rate_per_name",
                violation_error_code="name_taken",
                violation_error_message="Another rate has this name.",
            ),
        ),
        migrations.AddConstraint(
            "cannedjob",
            models.UniqueConstraint(
                fields=("unique_key",),
                name="one_canned_job_per_name",
                violation_error_code="name_taken",
                violation_error_message="Another canned job has this name.",
            ),
        ),
    ]
