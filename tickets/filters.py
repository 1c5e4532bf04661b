from django_filters import rest_framework as filters

from mechanic_shop.api.filters import IdFilter, MomentFilter, ShopFilterSet, TrueFalseFilter

from .models import HoldReason, ServiceTicket, Status


class ServiceTicketFilter(ShopFilterSet):
    status = filters.MultipleChoiceFilter(choices=Status.choices, distinct=False, help_text="one status, or several by repeating it")
    on_hold = TrueFalseFilter()
    hold_reason = filters.ChoiceFilter(choices=HoldReason.choices)
    customer = IdFilter(field_name="customer_id")
    vehicle = IdFilter(field_name="vehicle_id")
    mechanic = IdFilter(field_name="assignments__mechanic_id", help_text="assigned to this mechanic")
    part = IdFilter(field_name="lines__part_id", help_text="with this part on it")
    service_date = filters.DateFilter()
    opened_after = MomentFilter(field_name="opened_at", lookup_expr="gt")
    opened_before = MomentFilter(field_name="opened_at", lookup_expr="lt")
    promised_before = MomentFilter(field_name="promised_at", lookup_expr="lt")
    updated_after = MomentFilter(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = ServiceTicket
        fields: list[str] = []
