"""Where the admin's side bar shows parts and taxes."""

from mechanic_shop.admin.navigation import declare

declare("Stock", 10, "Parts", "inventory_2", "inventory.part")
declare("Stock", 20, "Stock movements", "swap_vert", "inventory.stockmovement")
declare("Shop", 40, "Tax codes", "percent", "inventory.taxcode")
