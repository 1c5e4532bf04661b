"""Django looks for an app's admin pages here; each kind has a module of its own."""

from . import movement_admin, part_admin, tax_admin  # noqa: F401
