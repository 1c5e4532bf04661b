"""One row by its primary key: by a compiled query, or by the ORM where the fast path is
off.
"""

from collections.abc import Callable, Hashable
from typing import Any

from .compiled_queries import PK_PLACEHOLDER, ObjectStatement, Statement
from .orm_query import OrmQuery
from .query_cache import query_cache
from .rights import rights_of, stand_in_for
from .switch import is_on


def row_query(
    key: tuple[Hashable, ...], rows: Callable[[], Any], kind: type[Statement] = ObjectStatement
) -> Any:
    """A query of one of these rows, to be called with its primary key.

    ``key`` names all that ``rows`` depends on; it is called only where no query is
    kept under that key.
    """
    if not is_on():
        return OrmQuery(lambda pk, *_: rows().filter(pk=pk))
    return query_cache.get(key, lambda: kind(rows().filter(pk=PK_PLACEHOLDER)))


def find_visible(user: Any, key: tuple[Hashable, ...], rows: Callable[[Any], Any], pk: int) -> Any:
    """The row with this primary key among ``rows(user)``; None where it is not there.

    The compiled query is kept for all users with the same rights.
    """
    if not is_on():
        return row_query(key, lambda: rows(user)).first(pk)
    query = row_query((*key, *rights_of(user)), lambda: rows(stand_in_for(user)))
    return query.first(pk, user.pk)
