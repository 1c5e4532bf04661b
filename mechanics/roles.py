"""What each role may do with mechanics."""

from mechanic_shop.accounts.roles import ALL, declare, rights

declare(advisor=rights("mechanics.mechanic", "view"), manager=rights("mechanics.mechanic", *ALL))
