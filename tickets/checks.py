"""Checks of the shop's settings against its database: ``manage.py check --database
default``, and at every ``migrate``.
"""

from difflib import get_close_matches
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from inventory.models import TaxCode
from mechanic_shop.inputs import text_key


def check_supplies_tax(databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """SHOP_SUPPLIES_TAX names a tax code of the shop. An empty shop has none yet."""
    wanted = settings.SHOP_SUPPLIES_TAX
    if not databases or not wanted:
        return []
    try:
        names = list(TaxCode.objects.values_list("name", flat=True)[:1000])
    except DatabaseError:  # before the first migrate there is no table
        return []
    if not names or text_key(wanted) in map(text_key, names):
        return []
    near = get_close_matches(wanted, names, 1) or names[:1]
    return [
        checks.Warning(
            (
                f"SHOP_SUPPLIES_TAX is {wanted!r}, but no tax code has that name: shop "
                f"supplies are not taxed."
            ),
            hint=f"Set it to the name of a tax code, such as {near[0]!r}.",
            id="shop.W001",
        )
    ]
