"""Parts outside jobs of a ticket that left the estimate were approved with it; amounts were not kept, so none is compared."""

from django.db import migrations


def approve(apps, schema_editor):
    parts = apps.get_model("tickets", "TicketPart").objects.filter(job=None)
    parts.exclude(ticket__status="estimate").update(status="approved")


class Migration(migrations.Migration):
    dependencies = [("tickets", "0011_authorized_amounts")]

    operations = [migrations.RunPython(approve, migrations.RunPython.noop)]
