"""Fields that say which estimate was read."""

from rest_framework import serializers

from mechanic_shop.http.number_fields import MoneyField


def estimate_version() -> serializers.IntegerField:
    return serializers.IntegerField(
        min_value=1,
        required=False,
        allow_null=True,
        help_text=(
            "of the estimate that was read: 409 estimate_changed when any amount on it changed"
        ),
    )


def expected_total() -> MoneyField:
    return MoneyField(
        max_digits=25,
        required=False,
        allow_null=True,
        help_text="the estimate's total that was read: 409 estimate_changed when it is another",
    )
