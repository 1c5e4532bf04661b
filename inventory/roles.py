"""What each role may do with parts, stock and tax codes."""

from mechanic_shop.accounts.roles import ALL, declare, rights

VIEWS = (
    rights("inventory.part", "view")
    | rights("inventory.stockmovement", "view")
    | rights("inventory.taxcode", "view")
)

declare(
    mechanic=VIEWS,
    advisor=VIEWS | {"inventory.receive_part"},
    manager=rights("inventory.part", *ALL)
    | rights("inventory.taxcode", *ALL)
    | {"inventory.view_cost", "inventory.adjust_part"},
)
