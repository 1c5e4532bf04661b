"""The side bar of the admin, in the shop's words. Each app declares its lists in a
``navigation.py`` of its own.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

SIDE_BAR_GROUPS = ("", "Money", "Stock", "Shop")
Item = dict[str, Any]
_items: list[tuple[int, int, Item]] = []  # group, place in it, item


def declare(group: str, place: int, title: str, icon: str, model: str, query: str = "") -> None:
    """Add a line for the list of ``model``, for whoever may see it. Lines stand in the
    order of their places.
    """
    app, name = model.split(".")
    address = reverse_lazy(
        f"admin:{app}_{name}_changelist", query={"kind": query} if query else None
    )
    add(
        group,
        place,
        {"title": title, "icon": icon, "link": address, "permission": has(f"{app}.view_{name}")},
    )


def add(group: str, place: int, item: Item) -> None:
    _items.append((SIDE_BAR_GROUPS.index(group), place, item))


def has(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def side_bar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of lines, as Unfold's SIDEBAR setting takes them."""
    lines = sorted(_items, key=lambda line: line[:2])
    return [
        {"title": title, "items": [item for group, _, item in lines if group == number]}
        for number, title in enumerate(SIDE_BAR_GROUPS)
    ]


add("", 0, {"title": "Today", "icon": "today", "link": reverse_lazy("admin:index")})
declare("Shop", 80, "Staff", "badge", "accounts.user", query="staff")
declare("Shop", 90, "Audit trail", "history", "api.auditentry")
add(
    "Shop",
    100,
    {
        "title": "Roles",
        "icon": "key",
        "link": reverse_lazy("admin:auth_group_changelist"),
        "permission": is_superuser,
    },
)
