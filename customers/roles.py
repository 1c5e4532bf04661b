"""What each role may do with customers and vehicles."""

from mechanic_shop.accounts.roles import ALL, declare, rights

declare(
    mechanic=rights("customers.customer", "view") | rights("customers.vehicle", "view"),
    advisor=rights("customers.customer", "view", "add", "change")
    | rights("customers.vehicle", "view", "add", "change"),
    manager=rights("customers.customer", *ALL)
    | rights("customers.vehicle", *ALL)
    | {"customers.erase_customer"},
)
