"""Fields for staff are written with the right to change the row, never with the right
to see it.

The fields come from the serializers: a new one that is missing in the table fails the
first test.
"""

from typing import Any

import pytest
from rest_framework import serializers

from mechanic_shop.accounts.models import User
from mechanic_shop.http.serializers import ActionSerializer, ShopSerializer
from mechanics.models import Mechanic

from ..bodies import BODIES, serializer_class, walk
from ..conftest import Client, client_of
from ..factories import (
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
)
from ..test_matrix import undone
from .attacks import API, do

pytestmark = pytest.mark.django_db
DESK = {"advisor", "advisor and customer", "manager"}
WORKERS = DESK | {"assigned mechanic", "assigned mechanic and customer"}
ACTORS = (*WORKERS, "customer", "mechanic", "mechanic and customer")
TICKET = (
    "cause",
    "correction",
    "promised_at",
    "on_hold",
    "hold_reason",
    "odometer_in",
    "odometer_out",
    "confirm_odometer",
)
# (resource, field): whoever may write it, of a row that is their own where they are a
# customer.
MAY_WRITE: dict[tuple[str, str], set[str]] = {
    **{("customer", name): DESK for name in ("notes", "tax_exempt", "tax_certificate")},
    ("vehicle", "customer"): DESK,
    **{("mechanic", name): {"manager"} for name in ("email", "phone", "hourly_cost", "hired_on")},
    ("part", "cost"): {"manager"},
    **{("serviceticket", name): WORKERS for name in TICKET},
    ("serviceticket", "customer"): DESK,
    ("job", "lines[].unit_cost"): {"manager"},
}
# Bodies of actions: a line's cost as above, and who says a customer's word by which
# way.
ACTIONS = {"unit_cost", "channel"}


def rights_of(actor: str) -> User:
    return {
        "customer": lambda: CustomerFactory(login=True).user,
        "manager": lambda: UserFactory(role="manager", is_staff=True),
    }[actor]()


def taken(made: Any, user: User) -> set[str]:
    """The paths of what somebody with these rights may send."""
    made.context["request"] = type("Request", (), {"user": user})
    set_by_shop = (ActionSerializer, ShopSerializer, serializers.HiddenField)
    return {path for path, field in walk(made) if path and not isinstance(field, set_by_shop)}


def test_the_table_names_every_field_that_not_everybody_may_write() -> None:
    customer, manager = rights_of("customer"), rights_of("manager")
    found, actions = set(), set()
    for call in BODIES:
        made = serializer_class(call)
        for instance in (None, made.Meta.model()) if issubclass(made, ShopSerializer) else (None,):
            paths = taken(made(instance), manager) - taken(made(instance), customer)
            if call.route.endswith(("-list", "-detail")):
                found |= {(call.room, path) for path in paths}
            else:
                actions |= {path for path in paths if path not in TICKET}
    assert found == set(MAY_WRITE)
    assert actions == ACTIONS


NEW = {
    **dict.fromkeys(("tax_exempt", "on_hold", "confirm_odometer"), True),
    **dict.fromkeys(("hourly_cost", "cost"), "7.00"),
    **dict.fromkeys(("odometer_in", "odometer_out"), 7),
    "hold_reason": "parts",
    "email": "new@example.com",
    "hired_on": "2020-01-01",
    "promised_at": "2030-01-01T00:00:00Z",
}


class Garage:
    """Each actor's own record, vehicle and ticket; of those who are no customer,
    somebody's.
    """

    def __init__(self, actor: str) -> None:
        self.actor = actor
        user = self.login()
        owns = "customer" in actor
        self.customer = (
            CustomerFactory(login=True)
            if not owns
            else getattr(user, "customer", None) or CustomerFactory(user=user)
        )
        self.other = CustomerFactory()
        self.vehicle = VehicleFactory(customer=self.customer)
        self.mechanic = Mechanic.objects.filter(user=user).first() or MechanicFactory()
        assigned = [self.mechanic] if "assigned" in actor else []
        self.serviceticket = make_ticket(vehicle=self.vehicle, mechanics=assigned)
        self.part = PartFactory()
        self.client = client_of(User.objects.get(pk=user.pk))

    def login(self) -> User:
        if "mechanic" in self.actor:
            return MechanicFactory(login=True).user
        if "advisor" in self.actor:
            return UserFactory(role="advisor", is_staff=True)
        return rights_of(self.actor)

    def value(self, field: str) -> Any:
        """One that the row does not have."""
        if field == "customer":
            return self.other.pk
        return NEW.get(field, "New")

    def send(self, resource: str, field: str) -> Any:
        client: Client = self.client
        if "[]" in field:
            line = {
                "kind": "fee",
                "description": "Towing",
                "unit_price": "40",
                field.partition(".")[2]: "7.00",
            }
            return do(
                client,
                "POST",
                f"{API}/jobs/",
                {"ticket": self.serviceticket.pk, "title": "Towing", "lines": [line]},
            )
        needs: dict[str, dict[str, Any]] = {
            "on_hold": {"hold_reason": "parts"},
            "hold_reason": {"on_hold": True},
            "tax_exempt": {"tax_certificate": "C-1"},
            "confirm_odometer": {"odometer_in": 7},
        }
        also = needs.get(field, {})
        if resource == "serviceticket" and field == "customer":
            also = {"vehicle": None}
        path = f"{API}/{resource.replace('service', '')}s/{getattr(self, resource).pk}/"
        return do(
            client,
            "PATCH",
            path,
            {field: self.value(field)} | (also if self.actor in MAY_WRITE[resource, field] else {}),
        )

    def columns(self, resource: str) -> Any:
        if resource == "job":
            return [
                line
                for job in self.serviceticket.jobs.all()
                for line in job.lines.values_list("unit_cost", flat=True)
            ]
        row = getattr(self, resource)
        return type(row).objects.filter(pk=row.pk).values().get()


@pytest.mark.parametrize("actor", sorted(ACTORS))
def test_a_field_for_staff_is_written_by_those_who_may_change_the_row(actor: str) -> None:
    """Also where somebody has two roles: a mechanic sees every customer, and changes
    none, not even the own record.
    """
    garage = Garage(actor)
    for (resource, field), writers in MAY_WRITE.items():
        before = garage.columns(resource)
        with undone():
            response = garage.send(resource, field)
            changed = garage.columns(resource) != before
            if actor in writers:
                assert (response.status_code in (200, 201), changed) == (True, True), (
                    resource,
                    field,
                    response.content,
                )
            else:
                assert (response.status_code in (400, 403), changed) == (True, False), (
                    resource,
                    field,
                    response.content,
                )
