"""Phones are found by every number of the text and by the text itself; a VIN that says "none" is none."""

from django.db import migrations, models

from ..phones import phone_key
from mechanic_shop.inputs import clean_vin


def index(apps, schema_editor):
    customers = apps.get_model("customers", "Customer").objects
    for customer in customers.exclude(phone="").only("pk", "phone").iterator():
        customers.filter(pk=customer.pk).update(phone_digits=phone_key(customer.phone))
    vehicles = apps.get_model("customers", "Vehicle").objects
    for vehicle in vehicles.exclude(vin="").only("pk", "vin").iterator():
        if not clean_vin(vehicle.vin):
            vehicles.filter(pk=vehicle.pk).update(vin="", vin_valid=False)


class Migration(migrations.Migration):
    dependencies = [("customers", "0004_tax_exemption")]

    operations = [
        migrations.AlterField(
            "customer",
            "phone_digits",
            models.CharField(blank=True, db_index=True, editable=False, max_length=120),
        ),
        migrations.RunPython(index, migrations.RunPython.noop),
    ]
