"""Filters of the list of tickets."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from mechanic_shop.dates import day_end, day_start

from ..models import ServiceTicket, TicketPart


class PromisedFilter(DropdownFilter):
    title = "promise"
    parameter_name = "promised"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("due", "Today or late"),
            ("today", "Today"),
            ("late", "Late"),
            ("none", "Nothing promised"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[ServiceTicket]:
        today = timezone.localdate()
        match self.value():
            case "due":
                return queryset.open().filter(promised_at__lt=day_end(today))
            case "today":
                return queryset.filter(
                    promised_at__gte=day_start(today), promised_at__lt=day_end(today)
                )
            case "late":
                return queryset.open().filter(promised_at__lt=timezone.now())
            case "none":
                return queryset.filter(promised_at=None)
        return queryset


class WaitingFilter(DropdownFilter):
    title = "waiting"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("parts", "For parts"), ("word", "For the customer's approval")]

    def queryset(self, request: HttpRequest, queryset: Any) -> QuerySet[ServiceTicket]:
        match self.value():
            case "parts":
                return queryset.filter(
                    pk__in=TicketPart.objects.backordered().order_by().values("ticket")
                )
            case "word":
                return queryset.undecided()
        return queryset
