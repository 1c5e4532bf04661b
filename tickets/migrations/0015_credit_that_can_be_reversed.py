"""Credit can be reversed. SQLite rebuilds the table of payments."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from mechanic_shop.db import triggers

first, last = triggers.around_a_rebuild("tickets_payment")


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0005_phones_as_typed'),
        ('tickets', '0014_prices_with_four_decimals'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        first,
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
        last,
    ]
