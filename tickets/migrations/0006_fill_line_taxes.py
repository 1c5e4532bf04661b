"""Each taxed line of before bore one tax, of its code's name; and nobody changes the rows any more."""

from django.db import migrations

from mechanic_shop.db import triggers

INVOICE_LINES = """
INSERT INTO tickets_invoicelinetax (line_id, name, rate, number, on_top, base, amount)
SELECT id, tax_name, tax_rate, '', {false}, net, tax FROM tickets_invoiceline WHERE tax_name <> '' ORDER BY id
"""
CREDIT_NOTE_LINES = """
INSERT INTO tickets_creditnotelinetax (line_id, tax_id, base, amount)
SELECT line.id, tax.id, line.net, line.tax
FROM tickets_creditnoteline line JOIN tickets_invoicelinetax tax ON tax.line_id = line.line_id ORDER BY line.id
"""
TABLES = ("tickets_invoicelinetax", "tickets_creditnotelinetax")


def fill(apps, schema_editor):
    connection = schema_editor.connection
    with connection.cursor() as cursor:
        cursor.execute(INVOICE_LINES.format(false="false" if connection.vendor == "postgresql" else "0"))
        cursor.execute(CREDIT_NOTE_LINES)
    for table in TABLES:
        triggers.create_table_triggers(connection, table)


def empty(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table in reversed(TABLES):
            triggers.drop_table_triggers(schema_editor.connection, table)
            cursor.execute(f"DELETE FROM {table}")


class Migration(migrations.Migration):
    dependencies = [("tickets", "0005_line_taxes")]

    operations = [migrations.RunPython(fill, empty)]
