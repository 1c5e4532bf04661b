"""Prices and costs of one unit have four decimals. SQLite makes the table anew, and the triggers go with the old one."""

import django.core.validators
from decimal import Decimal
from django.db import migrations, models

from mechanic_shop.db import triggers

first, last = triggers.around_a_rebuild("tickets_invoiceline")


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0013_credit_of_customers'),
    ]

    operations = [
        first,
        migrations.AlterField(
            model_name='cannedjobline',
            name='unit_price',
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=14, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='invoiceline',
            name='unit_cost',
            field=models.DecimalField(decimal_places=4, default=Decimal('0'), max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='invoiceline',
            name='unit_price',
            field=models.DecimalField(decimal_places=4, max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='unit_cost',
            field=models.DecimalField(blank=True, decimal_places=4, default=Decimal('0'), help_text='what sublet work costs the shop', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='unit_price',
            field=models.DecimalField(decimal_places=4, help_text='of an hour, for labour', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='ticketpart',
            name='unit_cost',
            field=models.DecimalField(decimal_places=4, default=Decimal('0'), max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='ticketpart',
            name='unit_price',
            field=models.DecimalField(decimal_places=4, max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        last,
    ]
