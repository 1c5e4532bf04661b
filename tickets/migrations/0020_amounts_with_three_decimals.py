"""Columns of money hold three decimals, for every currency. SQLite makes the tables anew, and the triggers go with the old ones."""

import django.core.validators
from decimal import Decimal
from django.db import migrations, models

from mechanic_shop.db import triggers

first, last = triggers.around_a_rebuild(
    "tickets_authorization",
    "tickets_invoice",
    "tickets_creditnote",
    "tickets_invoiceline",
    "tickets_creditnoteline",
    "tickets_invoicelinetax",
    "tickets_creditnotelinetax",
    "tickets_payment",
)


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0019_unique_texts'),
    ]

    operations = [
        first,
        migrations.AlterField(
            model_name='authorization',
            name='approved_total',
            field=models.DecimalField(decimal_places=3, help_text='of all that was approved at once, with tax', max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnote',
            name='subtotal',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnote',
            name='tax',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnote',
            name='total',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnoteline',
            name='net',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnoteline',
            name='tax',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnotelinetax',
            name='amount',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='creditnotelinetax',
            name='base',
            field=models.DecimalField(decimal_places=3, help_text='what the tax is due on', max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='deposits',
            field=models.DecimalField(decimal_places=3, help_text='paid before it was issued', max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='subtotal',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='tax',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoice',
            name='total',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoiceaccount',
            name='balance',
            field=models.DecimalField(decimal_places=3, help_text="total − credited − paid + refunded; less than 0 is the customer's credit", max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoiceaccount',
            name='credited',
            field=models.DecimalField(decimal_places=3, default=Decimal('0'), max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoiceaccount',
            name='paid',
            field=models.DecimalField(decimal_places=3, default=Decimal('0'), max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoiceaccount',
            name='refunded',
            field=models.DecimalField(decimal_places=3, default=Decimal('0'), max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoiceline',
            name='net',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoiceline',
            name='tax',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoicelinetax',
            name='amount',
            field=models.DecimalField(decimal_places=3, max_digits=25),
        ),
        migrations.AlterField(
            model_name='invoicelinetax',
            name='base',
            field=models.DecimalField(decimal_places=3, help_text='what the tax is due on', max_digits=25),
        ),
        migrations.AlterField(
            model_name='job',
            name='approved_amount',
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, help_text='what it was to cost when the customer approved it, with tax and its share of discounts', max_digits=25, null=True),
        ),
        migrations.AlterField(
            model_name='job',
            name='authorized_total',
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, max_digits=25, null=True),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='discount_amount',
            field=models.DecimalField(db_default=Decimal('0'), decimal_places=3, default=Decimal('0'), max_digits=13),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='line_total',
            field=models.DecimalField(decimal_places=3, default=Decimal('0'), editable=False, help_text='quantity × unit_price − discount, rounded half up, once; less than 0 for a trade-in', max_digits=13),
        ),
        migrations.AlterField(
            model_name='laborrate',
            name='hourly',
            field=models.DecimalField(decimal_places=3, help_text='what an hour costs the customer', max_digits=13, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='payment',
            name='amount',
            field=models.DecimalField(decimal_places=3, max_digits=13),
        ),
        migrations.AlterField(
            model_name='payment',
            name='effect',
            field=models.DecimalField(decimal_places=3, max_digits=13),
        ),
        migrations.AlterField(
            model_name='serviceticket',
            name='authorized_supplies',
            field=models.DecimalField(db_default=Decimal('0'), decimal_places=3, default=Decimal('0'), editable=False, help_text='shop supplies in what the customer authorized, with tax', max_digits=25),
        ),
        migrations.AlterField(
            model_name='serviceticket',
            name='authorized_total',
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, help_text='what the customer authorized, with tax; none: no amount was named', max_digits=25, null=True),
        ),
        migrations.AlterField(
            model_name='serviceticket',
            name='discount_amount',
            field=models.DecimalField(db_default=Decimal('0'), decimal_places=3, default=Decimal('0'), max_digits=13),
        ),
        migrations.AlterField(
            model_name='ticketpart',
            name='approved_amount',
            field=models.DecimalField(blank=True, decimal_places=3, editable=False, help_text='what it was to cost when the customer approved it, with tax and its share of discounts', max_digits=25, null=True),
        ),
        migrations.AlterField(
            model_name='ticketpart',
            name='discount_amount',
            field=models.DecimalField(db_default=Decimal('0'), decimal_places=3, default=Decimal('0'), max_digits=13),
        ),
        migrations.AlterField(
            model_name='ticketpart',
            name='line_total',
            field=models.DecimalField(decimal_places=3, default=Decimal('0'), editable=False, help_text="quantity × unit_price − discount, rounded half up to the currency's smallest unit, once", max_digits=13, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        last,
    ]
