"""Of what was authorized, what is not the amount of a job or part was shop supplies."""

from collections import Counter
from decimal import Decimal

from django.db import migrations, models

AUTHORIZED = ("approved", "done")


def fill(apps, schema_editor):
    tickets, jobs, parts = (apps.get_model("tickets", name).objects for name in ("ServiceTicket", "Job", "TicketPart"))
    amounts = Counter()
    for units in (jobs.all(), parts.filter(job=None)):
        rows = units.filter(status__in=AUTHORIZED, approved_amount__isnull=False)
        for ticket, amount in rows.values_list("ticket_id", "approved_amount").iterator():
            amounts[ticket] += amount
    for ticket, total in tickets.filter(authorized_total__isnull=False).values_list("pk", "authorized_total").iterator():
        if total > amounts[ticket]:
            tickets.filter(pk=ticket).update(authorized_supplies=total - amounts[ticket])


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0016_trade_ins'),
    ]

    operations = [
        migrations.AddField(
            model_name='serviceticket',
            name='authorized_supplies',
            field=models.DecimalField(db_default=Decimal('0'), decimal_places=2, default=Decimal('0'), editable=False, help_text='shop supplies in what the customer authorized, with tax', max_digits=24),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
