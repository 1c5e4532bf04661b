"""The look of the admin. The settings read it, so it imports no app."""

from typing import Any

from django.templatetags.static import static

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


def unfold(shop: str) -> dict[str, Any]:
    """The UNFOLD setting of a shop of this name."""
    return {
        # Unfold takes a string with a dot for something to import; a function's answer
        # it leaves alone.
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
            "navigation": "mechanic_shop.admin.navigation.side_bar",
        },
    }
