"""Names of tax codes and SKUs are unique whatever their case and Unicode form, by a key beside them."""

from django.db import migrations, models

from mechanic_shop.db.unique_texts import fill

KEY = models.CharField(default="", editable=False, max_length=200)


class Migration(migrations.Migration):
    dependencies = [("inventory", "0004_prices_with_four_decimals")]

    operations = [
        migrations.RemoveConstraint("part", "one_part_per_sku"),
        migrations.RemoveConstraint("taxcode", "one_tax_code_per_name"),
        migrations.AddField("part", "unique_key", KEY, preserve_default=False),
        migrations.AddField("taxcode", "unique_key", KEY, preserve_default=False),
        fill("inventory", Part="sku", TaxCode="name"),
        migrations.AddConstraint(
            "part",
            models.UniqueConstraint(
                fields=("unique_key",),
                name="one_part_per_sku",
                violation_error_code="sku_taken",
                violation_error_message="Another part has this SKU.",
            ),
        ),
        migrations.AddConstraint(
            "taxcode",
            models.UniqueConstraint(
                fields=("unique_key",),
                name="one_tax_code_per_name",
                violation_error_code="name_taken",
                violation_error_message="Another tax code has this name.",
            ),
        ),
    ]
