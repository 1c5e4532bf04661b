"""Users whom a token has named before: checking it again costs no query.

A token's signature, and the user behind it with all rights, are kept in this process.
They hold as long as the generation of "accounts" in the shared cache stands: every
change of a password, a log-in, a role or who somebody is moves it (``renewal``), so a
user who was deactivated is refused by the next request, on every worker. A cache that
does not answer knows nobody, and the database is asked.
"""

import time
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Any

from rest_framework_simplejwt.tokens import Token

from mechanic_shop.http.caching import generation_for
from mechanic_shop.http.throttling import count_request, scope_of

if TYPE_CHECKING:
    from .models import User

MOST = 10_000
SECONDS = 10  # after which the database is asked again, for what was changed behind the shop's back


class TokenUserCache:
    """The users behind the tokens that came last."""

    def __init__(self) -> None:
        self.kept: OrderedDict[bytes, tuple[Any, Any, float, int]] = OrderedDict()
        self.lock = Lock()

    def get(self, raw: bytes, request: Any) -> "tuple[User, Token] | None":
        """(user, token), if nothing about any account changed since they were checked.

        The look at the shared cache that tells counts the request at the same time.
        """
        entry = self.kept.get(raw)
        if entry is None:
            return None
        user, token, until, generation = entry
        if time.time() >= until:
            return None
        count_request(request, *scope_of(user))
        return (user, token) if generation == generation_for(request, "accounts") else None

    def put(self, raw: bytes, user: Any, token: Token, generation: int | None) -> None:
        """Keep them; ``generation`` was read before the user was."""
        if generation is None:
            return
        user.get_all_permissions()  # asked for once, not at each request
        until = min(time.time() + SECONDS, token["exp"])
        with self.lock:
            self.kept[raw] = user, token, until, generation
            self.kept.move_to_end(raw)
            if len(self.kept) > MOST:
                self.kept.popitem(last=False)


token_users = TokenUserCache()
