"""Indexes of trigrams for the searches. Only PostgreSQL has them, so they stand here and not in the models, which are the same on both databases.

``icontains`` compares upper(column), ``contains`` the column itself. Customers and vehicles are written rarely and
searched often, so an entry goes into its place at once (fastupdate), not onto a list that every search would have to read.
"""

from django.core.management.base import CommandError
from django.db import DatabaseError, migrations

INDEXES = {
    'customers_by_text': ('customers_customer', ['upper(name)', 'upper(email)', 'upper(address)', 'phone_digits']),
    'vehicles_by_text': ('customers_vehicle', ['upper(make)', 'upper(model)', 'upper(color)', 'plate', 'vin']),
}


def add(apps, schema_editor):
    if schema_editor.connection.vendor != 'postgresql':
        return
    try:
        schema_editor.execute('CREATE EXTENSION IF NOT EXISTS pg_trgm')
    except DatabaseError as error:
        raise CommandError(
            'The searches need PostgreSQL\'s extension pg_trgm, and it could not be added: '
            f'{str(error).splitlines()[0]}. Let a superuser run CREATE EXTENSION pg_trgm in this database, or make the shop\'s user the database\'s owner.'
        ) from error
    for name, (table, columns) in INDEXES.items():
        pieces = ', '.join(f'{column} gin_trgm_ops' for column in columns)
        schema_editor.execute(f'CREATE INDEX {name} ON {table} USING gin ({pieces}) WITH (fastupdate = off)')


def remove(apps, schema_editor):
    if schema_editor.connection.vendor == 'postgresql':
        for name in INDEXES:  # the extension may be somebody else's too
            schema_editor.execute(f'DROP INDEX IF EXISTS {name}')


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0002_erasure'),
    ]

    operations = [migrations.RunPython(add, remove)]
