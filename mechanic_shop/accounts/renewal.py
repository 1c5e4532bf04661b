"""Renewal of cached users: each change of a login, a role or a permission clears them.

Django's signals tell of every row that is saved or deleted, and of roles and
permissions from both of their sides, in whichever channel. They do not tell of writes of
many rows at once: ``PeopleQuerySet`` does.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save

from mechanic_shop.db.audited_models import AuditedQuerySet
from mechanic_shop.http import caching

UNTOLD = {"last_login"}  # it changes at every log-in, and opens nothing


def renew() -> None:
    caching.changed("accounts", at_once=True)


def renew_for(columns: Iterable[str]) -> None:
    if not UNTOLD.issuperset(columns):
        renew()


class PeopleQuerySet(AuditedQuerySet):
    """Users, or the customers and mechanics that they are."""

    def update_by(self, by: Any, **values: Any) -> int:
        changed = super().update_by(by, **values)
        renew_for(values)
        return changed

    def update_unaudited(self, **values: Any) -> int:
        changed = super().update_unaudited(**values)
        renew_for(values)
        return changed

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        made = super().bulk_create(objs, *args, **kwargs)
        renew()
        return made


def connect() -> None:
    """Have Django tell of every write that counts."""
    from django.contrib.auth.models import Group, Permission

    from .models import User

    # Who logs in is somebody in the shop: rows of apps that build on this one, which it
    # does not know.
    people = [
        relation.related_model for relation in User._meta.related_objects if relation.one_to_one
    ]
    receivers: list[tuple[Any, Any]] = [
        (User, row_changed),
        (Group, row_changed),
        (Permission, row_changed),
    ]
    for model, receiver in receivers + [(person, person_changed) for person in people]:
        for signal in (post_save, post_delete):
            signal.connect(receiver, sender=model, dispatch_uid=f"renewal.{model.__name__}")
    for through in (User.groups.through, User.user_permissions.through, Group.permissions.through):
        m2m_changed.connect(
            roles_changed, sender=through, dispatch_uid=f"renewal.{through.__name__}"
        )


def row_changed(
    sender: type[Model], update_fields: frozenset[str] | None = None, **kwargs: Any
) -> None:
    if update_fields is None:
        renew()
    else:
        renew_for(update_fields)


def person_changed(
    sender: type[Model], instance: Any, created: bool = False, **kwargs: Any
) -> None:
    """A customer or mechanic. Whether they had a log-in, the row still knows from when
    it was read, unless it was made by hand.
    """
    if instance.user_id or (not created and instance.stored_values.get("user_id", "unknown")):
        renew()


def roles_changed(sender: type[Model], action: str, **kwargs: Any) -> None:
    if action.startswith("post_"):
        renew()
