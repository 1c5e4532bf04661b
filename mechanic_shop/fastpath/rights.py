"""What users have in common who may do the same: for them a query, or a serializer's
fields, are made once.
"""

from typing import Any

Rights = tuple[bool, bool, frozenset[str]]  # logged in, superuser, permissions


def rights_of(user: Any) -> Rights:
    """What decides which rows and fields a user sees, but for which rows are their own."""
    return user.is_authenticated, user.is_superuser, frozenset(user.get_all_permissions())


def stand_in_for(user: Any) -> Any:
    """A user in whose name a query is compiled for all with the same rights; its key is
    USER_PLACEHOLDER.
    """
    return user.stand_in() if user.is_authenticated else user
