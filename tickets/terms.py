"""The shop's terms of business, from its settings: how it rounds and taxes, what it adds for supplies, how its papers are headed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.conf import settings

from .pricing import Rules, Supplies, Tax

Rates = Mapping[int | None, tuple[str, Decimal]]
"""{tax code: (name, percent)} of a day, the default's at None: ``TaxRate.objects.on``."""


def rounding() -> Rules:
    """To the currency's minor unit."""
    return Rules(places=settings.SHOP_CURRENCY_PLACES)


def rules(rates: Rates) -> Rules:
    """All that the shop's settings say about prices, with the tax rates of a day."""
    return Rules(
        places=settings.SHOP_CURRENCY_PLACES,
        rounding=settings.SHOP_TAX_ROUNDING,
        inclusive=settings.SHOP_PRICES_INCLUDE_TAX,
        supplies=supplies(rates),
    )


def supplies(rates: Rates) -> Supplies | None:
    percent, flat = settings.SHOP_SUPPLIES
    if not percent and not flat:
        return None
    name = settings.SHOP_SUPPLIES_TAX
    found = next((Tax(*known) for known in rates.values() if known[0].lower() == name.lower()), None) if name else None
    return Supplies(percent, flat, settings.SHOP_SUPPLIES_CAP, found)


def tax(rates: Rates, code: int | None) -> Tax | None:
    """The tax of a code; the default's where there is none, or where the code has no rate yet."""
    found = rates.get(code) or rates.get(None)
    return Tax(*found) if found else None


def letterhead() -> dict[str, Any]:
    """Whom a paper comes from."""
    return {
        "name": settings.SHOP_NAME,
        "address": settings.SHOP_ADDRESS,
        "phone": settings.SHOP_PHONE,
        "email": settings.SHOP_EMAIL,
        "tax_id": settings.SHOP_TAX_ID,
    }
