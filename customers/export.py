"""The file of all that the shop knows of a customer. Every app registers its sections
of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone
from rest_framework import serializers

from mechanic_shop.accounts.models import User
from mechanic_shop.db import audit
from mechanic_shop.db.models import AuditEntry
from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.related_fields import NestedRelatedField
from mechanic_shop.http.serializers import ShopSerializer, asking_user

from .models import Customer, Vehicle
from .serializers import CustomerSerializer, VehicleSerializer

SEE_NOTES = "customers.view_customer"
NOT_FOR_CUSTOMERS = frozenset({"unit_cost"})  # what the shop pays is its own business


@dataclass(frozen=True)
class Section:
    """A list in the file: ``rows`` are a customer's, ``serializer`` writes each of
    them.
    """

    serializer: type[serializers.BaseSerializer]
    rows: Callable[[Customer], Iterable[Any]]


sections: dict[str, Section] = {}


def register(
    name: str,
    serializer: type[serializers.BaseSerializer],
    rows: Callable[[Customer], Iterable[Any]],
) -> None:
    """Add a list to the file. An app calls it when it is ready."""
    sections[name] = Section(serializer, rows)


# --- changes: what the audit trail holds of a row -------------------------------------


@dataclass
class Trail:
    """The entries of a row since it belongs to its present customer, oldest first."""

    entries: list[AuditEntry]
    since: Any = None
    """When it came to them from another customer: what happened before is that
    customer's.
    """


def trails(model: type[Model], keys: Iterable[int]) -> dict[int, Trail]:
    """The trail of each of these rows, in one query."""
    kind = ContentType.objects.get_for_model(model)
    rows = AuditEntry.objects.filter(content_type=kind, object_id__in=list(keys))
    found: dict[int, Trail] = defaultdict(lambda: Trail([]))
    for entry in rows.select_related("actor__customer", "actor__mechanic").order_by("pk"):
        trail = found[entry.object_id]
        if (
            entry.kind == audit.Kind.EDIT
            and entry.action == audit.UPDATE
            and "customer" in entry.changes
        ):
            trail.entries, trail.since = [], entry.timestamp
        else:
            trail.entries.append(entry)
    return found


class FiledChangeSerializer(ShopSerializer):
    """A change that the audit trail holds: who made it, when, by which channel, and
    every value before and after it.
    """

    of = serializers.SerializerMethodField(help_text="the kind of row that was changed")
    of_id = serializers.IntegerField(source="object_id", read_only=True)
    at = UTCField(source="timestamp", read_only=True)
    by = NestedRelatedField(
        source="actor",
        read_only=True,
        fields=("display_name",),
        aliases={"display_name": "name"},
        allow_null=True,
    )
    channel = serializers.CharField(source="door", read_only=True)
    action = serializers.CharField(source="get_action_display", read_only=True)
    changes = serializers.SerializerMethodField(help_text="{field: [before, after]}")

    class Meta:
        model = AuditEntry
        fields = ("id", "of", "of_id", "at", "by", "channel", "action", "changes")

    def get_of(self, entry: AuditEntry) -> str:
        return str(ContentType.objects.get_for_id(entry.content_type_id).name)

    def get_changes(self, entry: AuditEntry) -> dict[str, list[Any]]:
        user = asking_user(self)
        hidden = (
            NOT_FOR_CUSTOMERS
            if user is None or user.has_perm(SEE_NOTES)
            else NOT_FOR_CUSTOMERS | {"notes"}
        )
        return {name: values for name, values in entry.told().items() if name not in hidden}


def own_changes(customer: Customer) -> list[AuditEntry]:
    """Of the record, the log-in and the vehicles."""
    vehicles = customer.vehicles.values_list("pk", flat=True)
    login = [customer.user_id] if customer.has_login and customer.user_id else []
    found = (trails(Customer, [customer.pk]), trails(User, login), trails(Vehicle, vehicles))
    return [entry for of_model in found for trail in of_model.values() for entry in trail.entries]


# --- the file -------------------------------------------------------------------------


class FiledCustomerSerializer(CustomerSerializer):
    """The record; notes, which may speak of others, only where staff asks."""

    permission_required_fields = {"notes": SEE_NOTES}


class LoginFactsSerializer(serializers.ModelSerializer):
    joined_at = UTCField(source="date_joined", read_only=True)
    last_login_at = UTCField(source="last_login", read_only=True, allow_null=True)

    class Meta:
        model = User
        fields = read_only_fields = ("email", "joined_at", "last_login_at")


class CustomerFileSerializer(serializers.Serializer):
    """What ``customers/{id}/export/`` holds; notes, which are for staff, only where
    staff asks.
    """

    exported_at = UTCField(read_only=True)
    customer = FiledCustomerSerializer(read_only=True)
    login = LoginFactsSerializer(read_only=True, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        lists = {
            name: section.serializer(many=True, read_only=True)
            for name, section in sections.items()
        }
        return super().get_fields() | lists


def everything_about(customer: Customer) -> dict[str, Any]:
    """The file, for ``CustomerFileSerializer``."""
    lists = {name: section.rows(customer) for name, section in sections.items()}
    login = customer.user if customer.has_login else None
    return {"exported_at": timezone.now(), "customer": customer, "login": login, **lists}


register(
    "vehicles", VehicleSerializer, lambda customer: customer.vehicles.select_related("customer")
)
register("changes", FiledChangeSerializer, own_changes)
