"""Where the admin's side bar shows mechanics."""

from mechanic_shop.admin.navigation import declare

declare("Shop", 10, "Mechanics", "engineering", "mechanics.mechanic")
