"""Credit can be reversed. SQLite makes the table of payments anew, and the triggers go with the old one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mechanic_shop.api import triggers

TABLE = "tickets_payment"


def guard(apps, schema_editor):
    triggers.guard_table(schema_editor.connection, TABLE)


def unguard(apps, schema_editor):
    triggers.unguard_table(schema_editor.connection, TABLE)


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0005_phones_as_typed'),
        ('tickets', '0014_prices_with_four_decimals'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(unguard, guard),
        migrations.RemoveConstraint(
            model_name='payment',
            name='a_reversal_reverses_something',
        ),
        migrations.AddField(
            model_name='payment',
            name='credited_to',
            field=models.ForeignKey(help_text='of credit that is taken: the row that counts it elsewhere', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='taken_from', to='tickets.payment'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('kind', 'credit'), models.Q(('kind', 'reversal'), ('reverses', None), _connector='XOR'), _connector='OR'), name='a_reversal_reverses_something'),
        ),
        migrations.AddConstraint(
            model_name='payment',
            constraint=models.CheckConstraint(condition=models.Q(('credited_to', None), models.Q(('effect__lt', 0), ('kind', 'credit')), _connector='OR'), name='only_credit_is_credited_to'),
        ),
        migrations.RunPython(guard, unguard),
    ]
