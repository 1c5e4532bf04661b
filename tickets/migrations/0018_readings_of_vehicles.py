"""A vehicle without a reading gets the highest that its tickets know; a reading that a ticket has gets that ticket's date.

What somebody typed at the vehicle stays: a ticket may hold a digit too many. Cancelled tickets do not count.
"""

from django.db import migrations
from django.db.models import Case, Exists, F, OuterRef, Subquery, When
from django.db.models.functions import Coalesce


def read(apps, schema_editor):
    tickets = apps.get_model("tickets", "ServiceTicket").objects.annotate(
        reading=Coalesce("odometer_out", "odometer_in"),
        read_at=Case(When(odometer_out=None, then=F("opened_at")), default=Coalesce("completed_at", "opened_at")),
    )
    known = tickets.exclude(status="cancelled").filter(vehicle=OuterRef("pk"), reading__isnull=False)
    highest = known.order_by("-reading")
    newest = known.filter(reading=OuterRef("odometer")).order_by("-opened_at", "-pk")
    vehicles = apps.get_model("customers", "Vehicle").objects
    vehicles.filter(Exists(known), odometer=None).update(odometer=Subquery(highest.values("reading")[:1]))
    vehicles.filter(Exists(newest), odometer_at=None).update(odometer_at=Subquery(newest.values("read_at")[:1]))


class Migration(migrations.Migration):
    dependencies = [("tickets", "0017_authorized_supplies"), ("customers", "0006_odometer_at")]

    operations = [migrations.RunPython(read, migrations.RunPython.noop)]
