"""The roles that a new shop starts with, and the hook that hands permissions out once.

The code asks for permissions, never for a role: from then on the groups belong to the owner, who may
change them in the admin.
"""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import DEFAULT_DB_ALIAS, router, transaction

from .renewal import renew


def rights(model: str, *actions: str) -> set[str]:
    """``rights("inventory.part", "view", "add")``: Django's names of these permissions."""
    app, name = model.split(".")
    return {f"{app}.{action}_{name}" for action in actions}


ALL = ("view", "add", "change", "delete")

MECHANIC = (
    rights("customers.customer", "view")
    | rights("customers.vehicle", "view")
    | rights("inventory.part", "view")
    | rights("inventory.stockmovement", "view")
    | rights("tickets.serviceticket", "view")
    | rights("tickets.statuschange", "view")
    | rights("tickets.laborrate", "view")
    | rights("tickets.cannedjob", "view")
    | rights("inventory.taxcode", "view")
    | {"tickets.work_on_assigned"}
)
ADVISOR = (
    rights("customers.customer", "view", "add", "change")
    | rights("customers.vehicle", "view", "add", "change")
    | rights("mechanics.mechanic", "view")
    | rights("inventory.part", "view")
    | rights("inventory.stockmovement", "view")
    | rights("tickets.serviceticket", "view", "add", "change")
    | rights("tickets.ticketmechanic", "view")
    | rights("tickets.ticketpart", "view")
    | rights("tickets.statuschange", "view")
    | rights("tickets.job", "view")
    | rights("tickets.jobline", "view")
    | rights("tickets.authorization", "view")
    | rights("tickets.laborrate", "view")
    | rights("tickets.cannedjob", "view")
    | rights("inventory.taxcode", "view")
    | rights("tickets.invoice", "view", "add")
    | rights("tickets.creditnote", "view")
    | rights("tickets.payment", "view", "add")
    | {"inventory.receive_part", "tickets.assign_mechanic", "tickets.move_serviceticket"}
)
MANAGER = (
    MECHANIC
    | ADVISOR
    | rights("accounts.user", *ALL)
    | rights("auth.group", "view")
    | rights("customers.customer", *ALL)
    | rights("customers.vehicle", *ALL)
    | rights("mechanics.mechanic", *ALL)
    | rights("inventory.part", *ALL)
    | rights("tickets.serviceticket", *ALL)
    | rights("tickets.ticketmechanic", *ALL)
    | rights("tickets.ticketpart", *ALL)
    | rights("inventory.taxcode", *ALL)
    | rights("tickets.laborrate", *ALL)
    | rights("tickets.cannedjob", *ALL)
    | rights("tickets.creditnote", "add")
    | rights("api.auditentry", "view")
    | {"customers.erase_customer", "inventory.view_cost", "inventory.adjust_part", "tickets.refund_payment", "tickets.view_reports"}
)
ROLES: dict[str, set[str]] = {"manager": MANAGER, "advisor": ADVISOR, "mechanic": MECHANIC}


def hand_out_new_permissions(app_config: Any, using: str = DEFAULT_DB_ALIAS, apps: Any = installed, **kwargs: Any) -> None:
    """After a migration: create this app's permissions, and give those that are new to their roles.

    A permission is new once, so what an owner took from a group later stays away. ``apps`` may be a state
    in which auth does not exist yet, or the real apps after a flush.
    """
    try:
        permissions = apps.get_model("auth", "Permission").objects.using(using).filter(content_type__app_label=app_config.label)
    except LookupError:
        return
    if not router.allow_migrate_model(using, permissions.model):
        return
    with transaction.atomic(using):  # created and not handed out would stay so for ever
        known = set(permissions.values_list("pk", flat=True))
        create_permissions(app_config, using=using, apps=apps, **kwargs)
        new = {f"{app_config.label}.{codename}": pk for pk, codename in permissions.exclude(pk__in=known).values_list("pk", "codename")}
        give_to_roles(new, apps.get_model("auth", "Group").objects.db_manager(using))


def give_to_roles(permissions: dict[str, int], groups: Any) -> None:
    """Give each permission, by its name, to the groups that ROLES gives it to; groups that are missing are made."""
    for role, names in ROLES.items():
        mine = [pk for name, pk in permissions.items() if name in names]
        if mine:
            group, _ = groups.get_or_create(name=role)
            group.permissions.add(*mine)
            renew()  # during a migration the models are not those that Django tells of
