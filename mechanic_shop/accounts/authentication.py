"""How a request says who sends it: a bearer token, or the session of a browser."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework_simplejwt.authentication import JWTAuthentication

from mechanic_shop.api import logs

from .tokens import BROKEN, not_valid, user_of


class TokenAuthentication(JWTAuthentication):
    """``Authorization: Bearer <access token>``; whatever is wrong with it is the same 401."""

    def authenticate(self, request: Any) -> Any:
        try:
            found = super().authenticate(request)
        except (AuthenticationFailed, *BROKEN) as error:
            raise not_valid() from error
        if found is not None:
            logs.user_id.set(str(found[0].pk))
        return found

    def get_header(self, request: Any) -> bytes:
        """The header, whose scheme is named without regard to case (RFC 9110)."""
        header = super().get_header(request)
        return b"Bearer" + header[6:] if header and header[:6].lower() == b"bearer" else header

    def get_user(self, validated_token: Any) -> Any:
        return user_of(validated_token)


class BrowserAuthentication(SessionAuthentication):
    """The session cookie of the admin and the browsable API: a write needs the CSRF token with it."""

    def authenticate(self, request: Any) -> Any:
        found = super().authenticate(request)
        if found is not None:
            logs.user_id.set(str(found[0].pk))
        return found

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise PermissionDenied(error.detail, "csrf_failed") from error
