"""Rules for managing log-ins: a manager gives, or takes over, no more rights than their
own.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Q, QuerySet

from .models import User


def rights_of(user: User) -> set[int]:
    """The keys of the permissions that a user's roles give, also to one who is not
    active: that can change.
    """
    return set(
        Permission.objects.filter(Q(user=user) | Q(group__user=user)).values_list("pk", flat=True)
    )


def may_manage(actor: Any, user: User) -> bool:
    """May ``actor`` change the e-mail, the password or the roles of ``user``? Whoever
    can is able to become that user.
    """
    if actor.is_superuser:
        return True
    return not user.is_superuser and rights_of(user) <= rights_of(actor)


def roles_within(actor: Any) -> QuerySet[Group]:
    """The roles that ``actor`` may give: those without a permission that is not the
    actor's own.
    """
    if actor.is_superuser:
        return Group.objects.all()
    return Group.objects.exclude(
        permissions__in=Permission.objects.exclude(pk__in=rights_of(actor))
    )
