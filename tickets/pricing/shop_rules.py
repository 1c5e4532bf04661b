"""The shop's terms of business, from its settings: how it rounds and taxes, what it
adds for supplies, how its documents are headed.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from inventory.taxes import TaxOnDay
from mechanic_shop.currency import places
from mechanic_shop.inputs import text_key

from .rules import Rules, Supplies
from .taxes import Tax, compound_tax

Rates = Mapping[int | None, TaxOnDay]
"""What each tax code takes on a day, the default's at None: ``TaxRate.objects.on``."""


def rounding() -> Rules:
    """To the currency's minor unit."""
    return Rules(places=places())


def rules(rates: Rates) -> Rules:
    """All that the shop's settings say about prices, with the tax rates of a day."""
    return Rules(
        places=places(),
        rounding=settings.SHOP_TAX_ROUNDING,
        inclusive=settings.SHOP_PRICES_INCLUDE_TAX,
        supplies=supplies(rates),
    )


def supplies(rates: Rates) -> Supplies | None:
    percent, flat = settings.SHOP_SUPPLIES
    if not percent and not flat:
        return None
    name = settings.SHOP_SUPPLIES_TAX
    named = (rate for rate in rates.values() if text_key(rate.name) == text_key(name))
    found = next(named, None) if name else None
    return Supplies(percent, flat, settings.SHOP_SUPPLIES_CAP, priced(found))


def tax(rates: Rates, code: int | None) -> Tax | None:
    """The tax of a code; the default's where there is none, or where the code has no
    rate yet.
    """
    return priced(rates.get(code) or rates.get(None))


def priced(rate: TaxOnDay | None) -> Tax | None:
    """A rate as prices need it."""
    if rate is None:
        return None
    if not rate.parts:
        return Tax(rate.name, rate.rate, rate.number)
    parts = ((part.name, part.rate, part.number, part.on_top) for part in rate.parts)
    return compound_tax(rate.name, parts)


def letterhead() -> dict[str, Any]:
    """Whom a document comes from."""
    return {
        "name": settings.SHOP_NAME,
        "address": settings.SHOP_ADDRESS,
        "phone": settings.SHOP_PHONE,
        "email": settings.SHOP_EMAIL,
        "tax_id": settings.SHOP_TAX_ID,
    }
