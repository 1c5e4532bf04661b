"""Where mechanics work."""

from mechanic_shop.registry import RegisteredManager

# Their querysets have ``counted()``: those that count for popularity.
assignments = RegisteredManager()
