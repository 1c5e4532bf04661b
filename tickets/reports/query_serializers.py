"""What one can ask the reports."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from mechanic_shop.http.date_fields import DayField

DAYS, MOST_DAYS = 30, 366


class ReportQuery(serializers.Serializer):
    # "csv" comes as a file.
    format = serializers.ChoiceField(
        choices=["json", "csv"],
        default="json",
        help_text="csv: the rows, as a file for a spreadsheet",
    )
    bom = serializers.ChoiceField(
        choices=["on", "off"],
        default="on",
        help_text=(
            "off: a CSV file without the byte order mark by which spreadsheets know UTF-8, "
            "for programs"
        ),
    )


class PeriodQuery(ReportQuery):
    """Days of the shop, both included: by default the last 30, at most 366."""

    # "from" is no name for a class attribute.
    vars()["from"] = DayField(
        required=False, help_text="the first day; by default 29 days before the last"
    )
    to = DayField(required=False, help_text="the last day, in the shop's time; by default today")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("from", "to"):
            if name in attrs and not 1900 < attrs[name].year < 2200:
                raise serializers.ValidationError(
                    {name: "Use a day between the years 1900 and 2200."}, "invalid"
                )
        last = attrs.setdefault("to", timezone.localdate())
        first = attrs.setdefault("from", last - timedelta(days=DAYS - 1))
        if first > last:
            raise serializers.ValidationError(
                {"from": f"{first} is after {last}: the first day comes first."}, "invalid"
            )
        if (last - first).days >= MOST_DAYS:
            raise serializers.ValidationError(
                {
                    "from": (
                        f"A report is about {MOST_DAYS} days at the most: ask for {first} to "
                        f"an earlier day."
                    )
                },
                "invalid",
            )
        return attrs


class SalesQuery(PeriodQuery):
    by = serializers.ChoiceField(
        choices=["day", "week", "month", "mechanic"],
        default="day",
        help_text="mechanic: labor only",
    )
