from datetime import date

from mechanic_shop.http.filters import DayFilter, ShopFilterSet, TrueFalseFilter

from .models import Mechanic, MechanicQuerySet


class MechanicFilter(ShopFilterSet):
    is_active = TrueFalseFilter()

    class Meta:
        model = Mechanic
        fields: list[str] = []


class PopularFilter(MechanicFilter):
    """The window of ``popular/``: on the day of assignment, in the shop's time zone,
    both days included.
    """

    since = DayFilter(method="window", help_text="first day of assignment that counts")
    until = DayFilter(method="window", help_text="last day of assignment that counts")

    def window(self, queryset: MechanicQuerySet, name: str, value: date) -> MechanicQuerySet:
        return queryset  # both ends at once, below

    def filter_queryset(self, queryset: MechanicQuerySet) -> MechanicQuerySet:
        days = self.form.cleaned_data
        return super().filter_queryset(queryset).by_popularity(days["since"], days["until"])
