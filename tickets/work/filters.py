from typing import Any

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from mechanic_shop.http.filters import (
    DayFilter,
    IdFilter,
    MomentFilter,
    SeveralFilter,
    ShopFilterSet,
    TrueFalseFilter,
)

from ..models import (
    CannedJob,
    CreditNote,
    HoldReason,
    Invoice,
    InvoiceState,
    Job,
    JobStatus,
    LaborRate,
    Method,
    Payment,
    PaymentKind,
    ServiceTicket,
    Status,
    TicketPart,
)


class ServiceTicketFilter(ShopFilterSet):
    status = SeveralFilter(
        choices=Status.choices, help_text="one status, or several by repeating it"
    )
    on_hold = TrueFalseFilter()
    hold_reason = filters.ChoiceFilter(choices=HoldReason.choices)
    customer = IdFilter(field_name="customer_id")
    vehicle = IdFilter(field_name="vehicle_id")
    mechanic = IdFilter(
        field_name="assignments__mechanic_id", help_text="assigned to this mechanic"
    )
    part = IdFilter(method="with_part", help_text="with this part on it")
    service_date = DayFilter()
    opened_after = MomentFilter(field_name="opened_at", lookup_expr="gt")
    opened_before = MomentFilter(field_name="opened_at", lookup_expr="lt")
    promised_before = MomentFilter(field_name="promised_at", lookup_expr="lt")
    updated_after = MomentFilter(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = ServiceTicket
        fields: list[str] = []

    def with_part(
        self, queryset: QuerySet[ServiceTicket], name: str, value: int
    ) -> QuerySet[ServiceTicket]:
        """A ticket has one row here, in however many of its jobs the part is."""
        return queryset.filter(pk__in=TicketPart.objects.filter(part=value).values("ticket"))


class EstimateFilter(filters.FilterSet):
    """An estimate as JSON or as PDF."""

    format = filters.ChoiceFilter(
        choices=[("json", "JSON"), ("pdf", "PDF")], method="as_it_is", help_text="pdf: the document"
    )

    class Meta:
        model = ServiceTicket
        fields: list[str] = []

    def as_it_is(
        self, queryset: QuerySet[ServiceTicket], name: str, value: str
    ) -> QuerySet[ServiceTicket]:
        return queryset


class JobFilter(ShopFilterSet):
    ticket = IdFilter(field_name="ticket_id")
    status = SeveralFilter(
        choices=JobStatus.choices, help_text="one status, or several by repeating it"
    )
    customer = IdFilter(field_name="ticket__customer_id")
    vehicle = IdFilter(field_name="ticket__vehicle_id")
    updated_after = MomentFilter(field_name="updated_at", lookup_expr="gt")

    class Meta:
        model = Job
        fields: list[str] = []


class CannedJobFilter(ShopFilterSet):
    is_active = TrueFalseFilter()

    class Meta:
        model = CannedJob
        fields: list[str] = []


class LaborRateFilter(ShopFilterSet):
    is_active = TrueFalseFilter()

    class Meta:
        model = LaborRate
        fields: list[str] = []


class BillingDocumentFilter(ShopFilterSet):
    customer = IdFilter(field_name="customer_id")
    ticket = IdFilter(field_name="ticket_id")
    issued_from = DayFilter(
        field_name="issued_on", lookup_expr="gte", help_text="on this day or later"
    )
    issued_to = DayFilter(
        field_name="issued_on", lookup_expr="lte", help_text="on this day or earlier"
    )


class InvoiceFilter(BillingDocumentFilter):
    state = SeveralFilter(
        choices=InvoiceState.choices,
        method="in_states",
        help_text="one state, or several by repeating it; open is not yet overdue",
    )
    due_to = DayFilter(
        field_name="due_on", lookup_expr="lte", help_text="due on this day or earlier"
    )

    class Meta:
        model = Invoice
        fields: list[str] = []

    def in_states(self, queryset: Any, name: str, states: list[str]) -> Any:
        return queryset.in_states(states) if states else queryset


class CreditNoteFilter(BillingDocumentFilter):
    invoice = IdFilter(field_name="invoice_id")

    class Meta:
        model = CreditNote
        fields: list[str] = []


class PaymentFilter(ShopFilterSet):
    customer = IdFilter(field_name="customer_id")
    ticket = IdFilter(field_name="ticket_id")
    invoice = IdFilter(field_name="invoice_id")
    kind = filters.ChoiceFilter(choices=PaymentKind.choices)
    method = filters.ChoiceFilter(choices=Method.choices)
    received_after = MomentFilter(field_name="received_at", lookup_expr="gt")
    received_before = MomentFilter(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = Payment
        fields: list[str] = []
