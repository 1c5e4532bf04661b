"""The roles that a new shop starts with, and the hook that hands permissions out once.

The code asks for permissions, never for a role: from then on the groups belong to the
owner, who may change them in the admin. Each app declares its permissions in a
``roles.py`` of its own.
"""

from collections.abc import Iterable
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
ROLES: dict[str, set[str]] = {"manager": set(), "advisor": set(), "mechanic": set()}


def declare(
    *, mechanic: Iterable[str] = (), advisor: Iterable[str] = (), manager: Iterable[str] = ()
) -> None:
    """Give permissions of an app to the roles. Each app calls it in its ``roles.py``; a
    manager may what the others may.
    """
    for role, names in (
        ("mechanic", mechanic),
        ("advisor", advisor),
        ("manager", [*mechanic, *advisor, *manager]),
    ):
        ROLES[role].update(names)


declare(
    manager=rights("accounts.user", *ALL)
    | rights("auth.group", "view")
    | rights("api.auditentry", "view")
)


def hand_out_new_permissions(
    app_config: Any, using: str = DEFAULT_DB_ALIAS, apps: Any = installed, **kwargs: Any
) -> None:
    """After a migration: create this app's permissions, and give those that are new to
    their roles.

    A permission is new once, so what an owner took from a group later stays away.
    ``apps`` may be a state in which auth does not exist yet, or the real apps after a
    flush.
    """
    try:
        permissions = (
            apps.get_model("auth", "Permission")
            .objects.using(using)
            .filter(content_type__app_label=app_config.label)
        )
    except LookupError:
        return
    if not router.allow_migrate_model(using, permissions.model):
        return
    with transaction.atomic(using):  # created and not handed out would stay so for ever
        earlier = set(permissions.values_list("pk", flat=True))
        create_permissions(app_config, using=using, apps=apps, **kwargs)
        new = {
            f"{app_config.label}.{codename}": pk
            for pk, codename in permissions.exclude(pk__in=earlier).values_list("pk", "codename")
        }
        give_to_roles(new, apps.get_model("auth", "Group").objects.db_manager(using))


def give_to_roles(permissions: dict[str, int], groups: Any) -> None:
    """Give each permission, by its name, to the groups that ROLES gives it to; groups
    that are missing are made.
    """
    for role, names in ROLES.items():
        mine = [pk for name, pk in permissions.items() if name in names]
        if mine:
            group, _ = groups.get_or_create(name=role)
            group.permissions.add(*mine)
            renew()  # during a migration the models are not those that Django tells of
