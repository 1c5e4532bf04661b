"""Receipts of before say what they would have said today; those of an invoice are headed as the invoice is.

And every document keeps the region whose numbers and dates it was printed with.
"""

import zoneinfo
from datetime import timezone

from django.conf import settings
from django.db import migrations

from mechanic_shop.db import triggers

US_LETTER = {"US", "CA", "MX", "PH", "CL", "CO"}
TABLES = ("tickets_payment", "tickets_invoice", "tickets_creditnote")
REGION = {
    "postgresql": "UPDATE {table} SET document = document || jsonb_build_object('region', %s::text)",
    "sqlite": "UPDATE {table} SET document = json_set(document, '$.region', %s)",
}


def fill(apps, schema_editor):
    connection = schema_editor.connection
    for table in TABLES:
        triggers.drop_table_triggers(connection, table)
    for table in TABLES[1:]:
        with connection.cursor() as cursor:
            cursor.execute(REGION[connection.vendor].format(table=table), [settings.SHOP_REGION])
    fill_payments(apps.get_model("tickets", "Payment").objects)
    for table in TABLES:
        triggers.create_table_triggers(connection, table)


def fill_payments(payments):
    last = 0
    rows = payments.select_related("customer", "ticket__vehicle", "invoice").order_by("pk")
    while some := list(rows.filter(pk__gt=last)[:1000]):
        for payment in some:
            payments.filter(pk=payment.pk).update(document=document_of(payment))
        last = some[-1].pk


def document_of(payment):
    invoice, number = payment.invoice, f"T-{payment.ticket_id:06d}"
    zone = zoneinfo.ZoneInfo(settings.TIME_ZONE)
    return {
        "kind": "receipt",
        "issued_on": payment.received_at.astimezone(zone).date().isoformat(),
        **heading(payment),
        "time_zone": settings.TIME_ZONE,
        "ticket": {"id": payment.ticket_id, "number": number},
        "invoice": invoice and {"id": invoice.pk, "number": invoice.number},
        "payment": {
            "kind": payment.kind,
            "method": payment.method,
            "reference": payment.reference,
            "amount": f"{payment.amount:.{settings.SHOP_CURRENCY_PLACES}f}",
            "received_at": payment.received_at.astimezone(timezone.utc).isoformat(),
        },
    }


def heading(payment):
    """Who and what. An erased customer's rows are empty already, and nothing is copied back to them."""
    today = heading_of_today(payment.customer, payment.ticket)
    if payment.invoice and not payment.customer.erased_at:
        return today | {name: value for name, value in payment.invoice.document.items() if name in today}
    return today


def heading_of_today(customer, ticket):
    vehicle = ticket.vehicle
    return {
        "paper": "letter" if settings.SHOP_REGION in US_LETTER else "a4",
        "region": settings.SHOP_REGION,
        "shop": {name: getattr(settings, f"SHOP_{name.upper()}") for name in ("name", "address", "phone", "email", "tax_id")},
        "customer": {
            **{name: getattr(customer, name) or "" for name in ("name", "address", "phone", "email")},
            "id": customer.pk,
            "tax_exempt": customer.tax_exempt,
            "tax_certificate": customer.tax_certificate,
        },
        "vehicle": vehicle
        and {
            **{name: getattr(vehicle, name) for name in ("plate", "vin", "make", "model", "year")},
            "id": vehicle.pk,
            "odometer_in": ticket.odometer_in,
            "odometer_out": ticket.odometer_out,
        },
        "currency": settings.SHOP_CURRENCY,
    }


class Migration(migrations.Migration):
    dependencies = [("tickets", "0008_documents_of_payments")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
