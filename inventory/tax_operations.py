"""Operations on tax codes and their rates."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone

from mechanic_shop.accounts.models import User
from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import InvalidInput

from .models import ZERO
from .taxes import TaxCode, TaxPart, TaxRate


@atomic
def add_tax_code(
    *,
    name: str,
    number: str = "",
    rate: Decimal | None = None,
    parts: Sequence[dict[str, Any]] = (),
    valid_from: date | None = None,
    is_default: bool = False,
    by: User | None,
) -> TaxCode:
    """Add a tax code with its first rate, or the parts that it consists of, valid from
    today unless another day is named.
    """
    code = TaxCode.objects.create(name=name, number=number, is_default=is_default, by=by)
    set_rate(code, rate=rate, parts=parts, valid_from=valid_from, by=by)
    return code


@atomic
def set_rate(
    code: TaxCode,
    *,
    rate: Decimal | None = None,
    parts: Sequence[dict[str, Any]] = (),
    valid_from: date | None = None,
    by: User | None,
) -> None:
    """Set what the code takes from a day on: ``rate`` percent, or ``parts`` of {name,
    rate, number, on_top}.

    What was invoiced before stays as it was. Raises InvalidInput ``tax_too_high`` above
    100 percent.
    """
    row_locks.lock(code)
    day = valid_from or timezone.localdate()
    rate = combined_rate(parts) if parts else rate
    if rate is None or rate > 100:
        raise InvalidInput("parts", "tax_too_high", "Taxes come to 100 percent at the most.")
    row = TaxRate.objects.filter(code=code, valid_from=day).first()
    if row:
        row.save_changes(rate=rate, by=by)
        row.parts.all().delete(by=by)
    else:
        row = TaxRate.objects.create(code=code, rate=rate, valid_from=day, by=by)
    for position, part in enumerate(parts, 1):
        TaxPart.objects.create(tax_rate=row, position=position, **part, by=by)
    code.save_changes(by=by, updated_at=timezone.now())


def combined_rate(parts: Sequence[dict[str, Any]]) -> Decimal:
    """What the parts take of a net amount together, in percent with 3 decimals."""
    total = ZERO
    for part in parts:
        total += part["rate"] * (100 + (total if part.get("on_top") else ZERO)) / 100
    return total.quantize(Decimal("0.001"), ROUND_HALF_UP)
