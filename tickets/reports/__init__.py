"""What the shop sold, what it is owed, what could still be done. Reading only; each report runs the same number of queries for any shop."""

from .deferred_work import deferred_work
from .receivables import receivables, statement
from .sales import margins, sales, taxes

__all__ = ["deferred_work", "margins", "receivables", "sales", "statement", "taxes"]
