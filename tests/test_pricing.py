"""The one function that adds money: worked examples from outside, and what must hold
for any ticket.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.pricing import engine, spreading, sums
from tickets.pricing.engine import Item
from tickets.pricing.rules import GROUP, LINE, Discount, Rules, Supplies
from tickets.pricing.taxes import Tax

VAT = Tax("VAT", Decimal(20))


def d(number: str) -> Decimal:
    return Decimal(number)


def item(price: str, quantity: str = "1", tax: Tax | None = VAT, **more: object) -> Item:
    return Item(d(quantity), d(price), tax=tax, **more)


@pytest.mark.parametrize(("rounding", "tax"), [(GROUP, "115.60"), (LINE, "115.61")])
def test_tax_is_rounded_once_per_rate_or_once_per_line(rounding: str, tax: str) -> None:
    bill = engine.price(
        [item("299.33"), item("179.33"), item("99.34")], rules=Rules(rounding=rounding)
    )
    assert (bill.subtotal, bill.tax, bill.total) == (d("578.00"), d(tax), d("578.00") + d(tax))


def test_a_discount_comes_before_the_tax() -> None:
    bill = engine.price([item("150.00", tax=Tax("GST", d("15")))], Discount(percent=d("30")))
    assert (bill.discount, bill.subtotal, bill.tax, bill.total) == (
        d("45.00"),
        d("105.00"),
        d("15.75"),
        d("120.75"),
    )


def test_a_line_rounds_half_up_once_after_its_own_discount() -> None:
    assert engine.line_amount(d("2.5"), d("0.33")) == d("0.83")  # 0.825
    # 131.236875
    assert engine.line_amount(d("1.5"), d("99.99"), Discount(percent=d("12.5"))) == d("131.24")
    assert engine.line_amount(d("3"), d("9.99"), Discount(amount=d("50"))) == 0


def test_a_discount_goes_to_the_cent_by_largest_remainder() -> None:
    bill = engine.price([item("10.00", tax=None)] * 3, Discount(amount=d("10")))
    assert [line.share for line in bill.lines] == [d("3.34"), d("3.33"), d("3.33")]
    assert bill.total == d("20.00")


def test_prices_that_contain_their_tax() -> None:
    bill = engine.price([item("9.99"), item("0.99")], rules=Rules(inclusive=True))
    assert (bill.total, bill.tax, bill.subtotal) == (d("10.98"), d("1.83"), d("9.15"))
    assert [line.total for line in bill.lines] == [d("9.99"), d("0.99")]


def test_rates_are_summed_apart_and_what_is_not_taxed_in_none() -> None:
    low = Tax("Reduced", d("7"))
    bill = engine.price([item("100"), item("50", tax=low), item("25", tax=None)])
    assert [(group.tax.name, group.base, group.amount) for group in bill.taxes] == [
        ("Reduced", d("50"), d("3.50")),
        ("VAT", d("100"), d("20.00")),
    ]
    assert bill.total == d("198.50")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Supplies(percent=d("10")), "20.00"),
        (Supplies(percent=d("10"), cap=d("15")), "15.00"),
        (Supplies(flat=d("12.50")), "12.50"),
        (Supplies(flat=d("12.50"), tax=VAT), "15.00"),
    ],
)
def test_shop_supplies(rule: Supplies, expected: str) -> None:
    items = [item("200", tax=None, uses_supplies=True), item("100", tax=None)]
    bill = engine.price(items, Discount(percent=d("50")), Rules(supplies=rule))
    assert bill.total == d("150") + d(expected)
    assert bill.supplies is not None
    assert bill.supplies.share == 0, "the ticket's discount leaves it alone"
    assert engine.price(items[1:], rules=Rules(supplies=rule)).supplies is None


def test_a_currency_without_cents() -> None:
    bill = engine.price(
        [item("1000", "1.5"), item("333")], Discount(percent=d("7.5")), Rules(places=0)
    )
    assert (bill.discount, bill.subtotal, bill.tax, bill.total) == (
        d("137"),
        d("1696"),
        d("339"),
        d("2035"),
    )


def test_nothing_comes_to_nothing() -> None:
    bill = engine.price([], Discount(amount=d("5")))
    assert (bill.total, bill.discount, bill.taxes) == (0, 0, ())


def test_what_is_credited_bit_by_bit_is_all_of_it() -> None:
    taken = [sums.part_of(d("10.00"), d("1"), d("3"), d(str(before))) for before in range(3)]
    assert taken == [d("3.33"), d("3.34"), d("3.33")]


def test_balance() -> None:
    assert sums.balance(d("100"), credited=d("20"), paid=d("90"), refunded=d("10")) == 0


@pytest.mark.parametrize("rounding", [GROUP, LINE])
@pytest.mark.parametrize(
    ("tax", "expected"), [(VAT, ("70.00", "14.00", "84.00")), (None, ("70.00", "20.00", "90.00"))]
)
def test_what_is_taken_in_lowers_the_total_and_by_its_code_the_tax(
    rounding: str, tax: Tax | None, expected: tuple[str, ...]
) -> None:
    bill = engine.price(
        [item("100.00"), item("-15.00", "2", tax=tax)], rules=Rules(rounding=rounding)
    )
    assert (bill.subtotal, bill.tax, bill.total) == tuple(map(d, expected))


def test_no_discount_touches_what_is_taken_in() -> None:
    bill = engine.price(
        [item("100.00", tax=None), item("-30.00", tax=None, discount=Discount(percent=d("50")))],
        Discount(percent=d("10")),
    )
    assert [(line.amount, line.share) for line in bill.lines] == [
        (d("100.00"), d("10.00")),
        (d("-30.00"), d("0")),
    ]
    assert engine.price(
        [item("20.00", tax=None), item("-5.00", tax=None)], Discount(amount=d("50"))
    ).total == d("-5.00")


def test_tax_of_a_group_that_comes_to_nearly_nothing_stays_with_its_lines() -> None:
    bill = engine.price([item("100.00"), item("-99.98")])
    assert ([line.tax for line in bill.lines], bill.tax) == ([d("20.00"), d("-20.00")], d("0.00"))


def test_by_how_much_a_bill_is_less_than_nothing() -> None:
    less, tax_less = (
        [item("10", tax=None), item("-12.50", tax=None)],
        [item("100", tax=None), item("-10")],
    )
    assert [engine.price(lines).shortfall for lines in (less, tax_less, [item("5")], [])] == [
        d("2.50"),
        d("2.00"),
        0,
        0,
    ]


# --- for any ticket -------------------------------------------------------------------

money = st.decimals(0, 100_000, places=2)
percent = st.decimals(0, 100, places=2)
discounts = st.one_of(st.builds(Discount, percent=percent), st.builds(Discount, amount=money))
taxes = st.one_of(
    st.none(),
    st.sampled_from([VAT, Tax("VAT", d("7.75")), Tax("GST", d("9.975")), Tax("Zero", d("0"))]),
)
items = st.builds(
    Item,
    quantity=st.decimals("0.001", 1000, places=3),
    unit_price=st.one_of(money, money, money, st.decimals(-1000, 0, places=2)),
    discount=discounts,
    tax=taxes,
    uses_supplies=st.booleans(),
    source=st.none(),
)
supplies = st.one_of(
    st.none(),
    st.builds(
        Supplies,
        percent=percent,
        flat=st.one_of(st.just(d("0")), money),
        cap=st.one_of(st.none(), money),
        tax=taxes,
    ),
)
rules = st.builds(
    Rules,
    places=st.sampled_from([0, 2, 3]),
    rounding=st.sampled_from([GROUP, LINE]),
    inclusive=st.booleans(),
    supplies=supplies,
)
tickets = st.lists(items, max_size=12)


@given(tickets, discounts, rules)
def test_every_ticket_balances_to_the_minor_unit(
    lines: list[Item], discount: Discount, rules: Rules
) -> None:
    bill = engine.price(lines, discount, rules)
    every = bill.all_lines
    assert sum(line.net for line in every) == bill.subtotal
    assert sum(line.tax for line in every) == bill.tax == sum(group.amount for group in bill.taxes)
    assert sum(line.total for line in every) == bill.total == bill.subtotal + bill.tax
    assert sum(line.share for line in every) == bill.discount
    for line in every:
        taken_in = line.item.unit_price < 0
        sign = -1 if taken_in else 1
        assert line.net * sign >= 0
        assert all(tax * sign >= 0 for tax in line.taxes)
        assert 0 <= line.share <= (0 if taken_in else line.amount)
        assert line.net == rules.round(line.net)
        assert line.tax == rules.round(line.tax)


@given(tickets, discounts, rules)
def test_a_group_is_taxed_once_and_a_line_once(
    lines: list[Item], discount: Discount, rules: Rules
) -> None:
    bill = engine.price(lines, discount, rules)
    for group in bill.taxes:
        mine = [
            line
            for line in bill.all_lines
            if line.item.tax and group.tax in line.item.tax.components
        ]
        paid = sum(line.total if rules.inclusive else line.net for line in mine)
        divisor = 100 + group.tax.rate if rules.inclusive else 100
        unit = Decimal(1).scaleb(-rules.places)
        once = (paid * group.tax.rate / divisor).quantize(unit, ROUND_HALF_UP)
        if rules.rounding == GROUP:
            assert group.amount == once
        else:
            assert abs(group.amount - once) <= unit / 2 * (len(mine) + 1)


@given(
    st.sampled_from([0, 2, 3]),
    st.integers(0, 10_000_000),
    st.lists(st.integers(0, 10_000_000), min_size=1, max_size=20),
)
def test_shares_add_up_and_are_fair(places: int, amount: Any, weights: list[Any]) -> None:
    amount, *weights = (Decimal(units).scaleb(-places) for units in (amount, *weights))
    whole = sum(weights)
    amount = min(amount, whole)
    shares = spreading.spread(amount, weights, Rules(places=places))
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert share <= weight
        assert not whole or abs(share - amount * weight / whole) < Decimal(1).scaleb(-places)


@given(money, st.lists(st.decimals("0.001", 50, places=3), min_size=1, max_size=8))
def test_parts_of_a_line_never_come_to_more_or_less_than_the_line(
    amount: Decimal, bits: list[Decimal]
) -> None:
    whole, before, taken = sum(bits), d("0"), []
    for bit in bits:
        taken.append(sums.part_of(amount, bit, whole, before))
        before += bit
    assert sum(taken) == amount
    assert all(part >= 0 for part in taken)
