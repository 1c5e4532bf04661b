"""Tokens that end with the session they stand for.

Each carries ``rev``, the user's revision: a new password or a raised epoch makes all
earlier ones worthless. Nothing is stored when a token is issued (simplejwt would keep
the refresh token in clear text); only the id of a refresh token that was used up is.
"""

import re
from datetime import datetime
from typing import Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from .models import User

# What simplejwt raises for claims of an odd type or size, beside its own TokenError.
BROKEN = (TokenError, ValueError, TypeError, KeyError, OverflowError, OSError)


def not_valid() -> AuthenticationFailed:
    """One refusal for every reason: it tells nothing about accounts."""
    return AuthenticationFailed(
        "The token is not valid, or no longer: log in again.", "token_not_valid"
    )


class EndsInTime:
    """A token that ends when it says. simplejwt's LEEWAY is for clocks that differ, and
    would also let a token live on.
    """

    def check_exp(self: Any, claim: str = "exp", current_time: datetime | None = None) -> None:
        now = current_time or self.current_time
        super().check_exp(claim, now + self.get_token_backend().get_leeway())  # type: ignore[misc]


class ShopAccessToken(EndsInTime, AccessToken):
    """An access token."""


class ShopRefreshToken(EndsInTime, RefreshToken):
    """A refresh token with the user's revision; its access token inherits it."""

    access_token_class = ShopAccessToken

    @classmethod
    def for_user(cls, user: Any) -> "ShopRefreshToken":
        token = cls()
        token[api_settings.USER_ID_CLAIM] = str(user.pk)
        token["rev"] = user.revision
        return token

    def check_blacklist(self) -> None:
        """Left to retire(): a look beforehand lets parallel requests through together."""


def read_refresh(text: str) -> ShopRefreshToken:
    """The refresh token, signed by us, not expired and whole. Raises
    AuthenticationFailed.
    """
    try:
        token = ShopRefreshToken(text)  # type: ignore[arg-type]
        datetime_from_epoch(token["exp"])
    except BROKEN as error:
        raise not_valid() from error
    if not re.fullmatch(r"[0-9a-f]{32}", str(token["jti"])):
        raise not_valid()
    return token


def user_of(token: Token) -> User:
    """The active user whose present revision the token carries. Raises
    AuthenticationFailed.
    """
    claim = token.get(api_settings.USER_ID_CLAIM)
    if not isinstance(claim, str) or not re.fullmatch(r"[0-9]{1,18}", claim):
        raise not_valid()
    user = (
        User.objects.select_related("customer", "mechanic")
        .filter(pk=int(claim), is_active=True)
        .first()
    )
    if user is None or not user.has_revision(token.get("rev")):
        raise not_valid()
    return user


def retire(token: ShopRefreshToken) -> bool:
    """Put the token on the blacklist; True if this call did it, False if it was there.

    The unique rows decide between parallel calls, on every database.
    """
    facts = {
        "token": "",
        "created_at": token.current_time,
        "expires_at": datetime_from_epoch(token["exp"]),
    }
    entry, _ = OutstandingToken.objects.get_or_create(jti=token["jti"], defaults=facts)
    return BlacklistedToken.objects.get_or_create(token=entry)[1]
