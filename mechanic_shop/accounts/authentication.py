"""Authentication by a bearer token, or by the session of a browser."""

import copy
from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import Token

from mechanic_shop.http.caching import known_generation
from mechanic_shop.http.throttling import count_request, scope_of
from mechanic_shop.observability import logs

from .models import User
from .token_cache import token_users
from .tokens import BROKEN, not_valid, user_of


class TokenAuthentication(JWTAuthentication):
    """``Authorization: Bearer <access token>``; whatever is wrong with it is the same
    401.
    """

    user_model = User

    def __init__(self) -> None:
        """One is made for each request, and simplejwt would look the user model up each
        time.
        """

    def authenticate(self, request: Request) -> Any:
        raw = self.get_header(request)
        if not raw:
            return None
        user_and_token = token_users.get(raw, request)
        if user_and_token is None:
            user_and_token = self.check(request, raw)
        elif request.method not in SAFE_METHODS:
            # a write may change what it holds; others read the same object
            user_and_token = (
                copy.copy(user_and_token[0]),
                user_and_token[1],
            )
        if user_and_token is not None:
            logs.user_id.set(str(user_and_token[0].pk))
            # before permissions are asked: who is refused all the time counts too
            count_request(request, *scope_of(user_and_token[0]))
        return user_and_token

    def check(self, request: Request, raw: bytes) -> Any:
        """The token and its user, from the database; kept for the next request."""
        generation = known_generation("accounts")
        try:
            user_and_token = super().authenticate(request)
        except (AuthenticationFailed, *BROKEN) as error:
            raise not_valid() from error
        if user_and_token is not None:
            # a copy, like all that come after: this request may write
            token_users.put(raw, copy.copy(user_and_token[0]), user_and_token[1], generation)
        return user_and_token

    def get_header(self, request: Request) -> bytes:
        """The header, whose scheme is named without regard to case (RFC 9110).

        Raises AuthenticationFailed for one that is not ASCII: whoever sent it meant to
        be somebody, so it does not make them nobody.
        """
        header = super().get_header(request)
        if header and not header.isascii():
            raise not_valid()
        return b"Bearer" + header[6:] if header and header[:6].lower() == b"bearer" else header

    def get_user(self, validated_token: Token) -> Any:
        return user_of(validated_token)


class BrowserAuthentication(SessionAuthentication):
    """The session cookie of the admin and the browsable API: a write needs the CSRF
    token with it.
    """

    def authenticate(self, request: Request) -> Any:
        user_and_token = super().authenticate(request)
        if user_and_token is not None:
            logs.user_id.set(str(user_and_token[0].pk))
        return user_and_token

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(str(error.detail), "csrf_failed") from error
