"""A vehicle's odometer is the highest reading that the shop knows, with the date of the newest ticket that has it."""

from django.db import migrations
from django.db.models import Case, F, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce


def read(apps, schema_editor):
    tickets = apps.get_model("tickets", "ServiceTicket").objects.annotate(
        reading=Coalesce("odometer_out", "odometer_in"),
        read_at=Case(When(odometer_out=None, then=F("opened_at")), default=Coalesce("completed_at", "opened_at")),
    )
    of_vehicle = tickets.filter(vehicle=OuterRef("pk"), reading__isnull=False)
    highest = of_vehicle.order_by("-reading", "-opened_at", "-pk")
    vehicles = apps.get_model("customers", "Vehicle").objects.annotate(highest=Subquery(highest.values("reading")[:1]))
    known = vehicles.filter(highest__isnull=False).filter(Q(odometer=None) | Q(odometer__lte=F("highest")))
    known.update(odometer=Subquery(highest.values("reading")[:1]), odometer_at=Subquery(highest.values("read_at")[:1]))


class Migration(migrations.Migration):
    dependencies = [("tickets", "0017_authorized_supplies"), ("customers", "0006_odometer_at")]

    operations = [migrations.RunPython(read, migrations.RunPython.noop)]
