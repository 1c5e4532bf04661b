"""How the admin looks, and its side bar in the shop's words. The settings read it, so it imports no app."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

# Tailwind's blue, of which Unfold makes buttons and links.
BLUE = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}


def whoever_has(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def item(title: str, icon: str, model: str, query: str = "") -> dict[str, Any]:
    """A line of the side bar for the list of ``model``, for whoever may see it."""
    app, name = model.split(".")
    address = reverse_lazy(f"admin:{app}_{name}_changelist", query={"kind": query} if query else None)
    return {"title": title, "icon": icon, "link": address, "permission": whoever_has(f"{app}.view_{name}")}


def group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "items": list(items)}


def unfold(shop: str) -> dict[str, Any]:
    """The UNFOLD setting of a shop of this name."""
    return {
        # Unfold takes a string with a dot for something to import; a function's answer it leaves alone.
        "SITE_TITLE": lambda request: shop,
        "SITE_HEADER": lambda request: shop,
        "SITE_SYMBOL": "build",
        "SITE_URL": None,  # the shop's other pages are for programs
        "SHOW_VIEW_ON_SITE": False,
        "SHOW_BACK_BUTTON": True,
        "COLORS": {"primary": BLUE},
        "SCRIPTS": [lambda request: static("shop/forms.js")],
        "LOGIN": {"form": "mechanic_shop.accounts.forms.AdminLoginForm"},
        "DASHBOARD_CALLBACK": "tickets.desk.dashboard.shops_day",
        "ACCOUNT": {"navigation": []},
        "SIDEBAR": {
            "show_search": True,
            "command_search": True,
            "navigation": [
                group(
                    "",
                    {"title": "Today", "icon": "today", "link": reverse_lazy("admin:index")},
                    item("Tickets", "assignment", "tickets.serviceticket"),
                    item("Customers", "group", "customers.customer"),
                    item("Vehicles", "directions_car", "customers.vehicle"),
                ),
                group(
                    "Money",
                    item("Invoices", "receipt_long", "tickets.invoice"),
                    item("Payments", "payments", "tickets.payment"),
                    item("Credit notes", "contract_delete", "tickets.creditnote"),
                    item("Approvals", "thumb_up", "tickets.authorization"),
                ),
                group(
                    "Stock",
                    item("Parts", "inventory_2", "inventory.part"),
                    item("Stock movements", "swap_vert", "inventory.stockmovement"),
                ),
                group(
                    "Shop",
                    item("Mechanics", "engineering", "mechanics.mechanic"),
                    item("Canned jobs", "inventory", "tickets.cannedjob"),
                    item("Labor rates", "schedule", "tickets.laborrate"),
                    item("Tax codes", "percent", "inventory.taxcode"),
                    item("Staff", "badge", "accounts.user", query="staff"),
                    item("Audit trail", "history", "api.auditentry"),
                    {
                        "title": "Roles",
                        "icon": "key",
                        "link": reverse_lazy("admin:auth_group_changelist"),
                        "permission": lambda request: request.user.is_superuser,
                    },
                ),
            ],
        },
    }
