"""Lines can be trade-ins. SQLite rebuilds the tables of invoices and credit notes."""

import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models

from mechanic_shop.db import triggers

first, last = triggers.around_a_rebuild("tickets_invoice", "tickets_creditnote")


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0015_credit_that_can_be_reversed'),
    ]

    operations = [
        first,
        migrations.RemoveConstraint(
            model_name='creditnote',
            name='a_credit_note_is_zero_or_more',
        ),
        migrations.RemoveConstraint(
            model_name='invoice',
            name='a_invoice_is_zero_or_more',
        ),
        migrations.AlterField(
            model_name='authorization',
            name='approved_total',
            field=models.DecimalField(decimal_places=2, help_text='of all that was approved at once, with tax', max_digits=24),
        ),
        migrations.AlterField(
            model_name='cannedjobline',
            name='kind',
            field=models.CharField(choices=[('labor', 'Labor'), ('sublet', 'Sublet'), ('fee', 'Fee'), ('trade_in', 'Trade-in')], max_length=10),
        ),
        migrations.AlterField(
            model_name='cannedjobline',
            name='tax_code',
            field=models.ForeignKey(blank=True, help_text="none: the shop's default tax code; for a trade-in, no tax", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.taxcode'),
        ),
        migrations.AlterField(
            model_name='job',
            name='approved_amount',
            field=models.DecimalField(blank=True, decimal_places=2, editable=False, help_text='what it was to cost when the customer approved it, with tax and its share of discounts', max_digits=24, null=True),
        ),
        migrations.AlterField(
            model_name='job',
            name='authorized_total',
            field=models.DecimalField(blank=True, decimal_places=2, editable=False, max_digits=24, null=True),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='kind',
            field=models.CharField(choices=[('labor', 'Labor'), ('sublet', 'Sublet'), ('fee', 'Fee'), ('trade_in', 'Trade-in')], max_length=10),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='line_total',
            field=models.DecimalField(decimal_places=2, default=Decimal('0'), editable=False, help_text='quantity × unit_price − discount, rounded half up, once; less than 0 for a trade-in', max_digits=12),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='tax_code',
            field=models.ForeignKey(blank=True, help_text="none: the shop's default tax code; for a trade-in, no tax", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='inventory.taxcode'),
        ),
        migrations.AlterField(
            model_name='jobline',
            name='unit_price',
            field=models.DecimalField(decimal_places=4, help_text='of an hour, for labour; what the shop gives for one, for a trade-in', max_digits=14, validators=[django.core.validators.MinValueValidator(Decimal('0'))]),
        ),
        migrations.AlterField(
            model_name='serviceticket',
            name='authorized_total',
            field=models.DecimalField(blank=True, decimal_places=2, editable=False, help_text='what the customer authorized, with tax; none: no amount was named', max_digits=24, null=True),
        ),
        migrations.AlterField(
            model_name='ticketpart',
            name='approved_amount',
            field=models.DecimalField(blank=True, decimal_places=2, editable=False, help_text='what it was to cost when the customer approved it, with tax and its share of discounts', max_digits=24, null=True),
        ),
        migrations.AddConstraint(
            model_name='creditnote',
            constraint=models.CheckConstraint(condition=models.Q(('tax__gte', 0), ('total__gte', 0)), name='a_credit_note_is_zero_or_more'),
        ),
        migrations.AddConstraint(
            model_name='invoice',
            constraint=models.CheckConstraint(condition=models.Q(('tax__gte', 0), ('total__gte', 0)), name='a_invoice_is_zero_or_more'),
        ),
        migrations.AddConstraint(
            model_name='jobline',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'trade_in'), _negated=True), models.Q(('discount_amount', 0), ('discount_percent', 0)), _connector='OR'), name='a_trade_in_has_no_discount', violation_error_message='A trade-in has no discount: give less or more for it.'),
        ),
        last,
    ]
