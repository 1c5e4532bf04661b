"""Columns of money hold three decimals, for every currency."""

import django.core.validators
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mechanics', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='mechanic',
            name='hourly_cost',
            field=models.DecimalField(blank=True, decimal_places=3, help_text='what an hour costs the shop', max_digits=13, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
    ]
