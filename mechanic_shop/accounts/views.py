"""Logging in and out, and passwords."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.http.etags import etag_of, not_modified
from mechanic_shop.http.renderers import to_json
from mechanic_shop.http.views import ShopView

from . import password_changes, sessions
from .models import User
from .serializers import (
    ChangePasswordSerializer,
    ConfirmResetSerializer,
    LoginSerializer,
    MeSerializer,
    MessageSerializer,
    RefreshSerializer,
    ResetSerializer,
    TokenPairSerializer,
)

SENT = "If the shop knows this e-mail, a message is on its way to it."


class AccountView(ShopView, GenericAPIView):
    """A route that is one operation."""

    def body(self) -> Any:
        serializer = self.get_serializer(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def once(
        self,
        operation: Callable[..., Any],
        answer: Callable[[], Response],
        prepare: Callable[..., Any] = dict,
    ) -> HttpResponse:
        """Answer after the operation, both in one transaction, once per
        Idempotency-Key.

        ``prepare`` makes the operation's keywords of the body, before the transaction:
        hashing must not hold SQLite's one write lock.
        """
        details: dict[str, Any] = {}

        def act() -> Response:
            operation(**details)
            return answer()

        return self.write(self.request, act, lambda: details.update(prepare(**self.body())))


class OpenView(AccountView):
    """For visitors: an old token that a client still sends along is no reason to
    refuse.
    """

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get_authenticate_header(self, request: Request) -> str:
        return (
            'Bearer realm="api"'  # without it Django REST turns a failed log-in from 401 into 403
        )


def nothing() -> Response:
    return Response(status=status.HTTP_204_NO_CONTENT)


# The answers of the next two carry tokens, so they are never kept for an
# Idempotency-Key: a stored token is a stolen one.


class LoginView(OpenView):
    serializer_class = LoginSerializer

    @extend_schema(summary="Log in", auth=[], responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Log in with e-mail and password.

        An unknown e-mail, a wrong password and an inactive account are the same 401.
        Too many attempts for one account from one address are 429 for a while, even
        with the right password.
        """
        return Response(sessions.token_pair(sessions.log_in(request, **self.body())))


class RefreshView(OpenView):
    serializer_class = RefreshSerializer

    @extend_schema(summary="Refresh tokens", auth=[], responses=TokenPairSerializer)
    def post(self, request: Request) -> Response:
        """Trade a refresh token for a new pair. The old one is used up: sending it
        again is 401.
        """
        return Response(sessions.rotate(**sessions.check_refresh(**self.body())))


class LogoutView(OpenView):
    serializer_class = RefreshSerializer

    @extend_schema(summary="Log out", auth=[], responses={204: None})
    def post(self, request: Request) -> HttpResponse:
        """End a refresh token. Logging out twice is no error; the access token beside
        it ends within 15 minutes.
        """
        return self.once(sessions.log_out, nothing, sessions.check_refresh)


class MeView(AccountView):
    serializer_class = MeSerializer

    @extend_schema(summary="Who am I?", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """The user behind the token, with the roles, and the customer and mechanic that
        the user is.
        """
        data = self.get_serializer(request.user).data
        tag = etag_of(to_json(data))
        if not_modified(request, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(data, headers={"ETag": tag})


class PasswordView(AccountView):
    serializer_class = ChangePasswordSerializer

    @extend_schema(summary="Change the password", responses={204: None})
    def post(self, request: Request) -> HttpResponse:
        """Set a new password. It ends every session, this one too: log in again."""
        user = cast(User, request.user)
        return self.once(
            partial(password_changes.set_password, by=user),
            nothing,
            partial(password_changes.check_change, user),
        )


class ResetView(OpenView):
    serializer_class = ResetSerializer
    throttle_scopes = {"post": "reset"}

    @extend_schema(summary="Ask for a password reset", auth=[], responses={202: MessageSerializer})
    def post(self, request: Request) -> HttpResponse:
        """Have a message sent with what `auth/password/reset/confirm/` needs.

        The answer is the same whether the shop knows the e-mail or not. A customer whom
        the shop knows but who never logged in gets their log-in this way.
        """
        return self.once(
            password_changes.request_reset,
            lambda: Response({"detail": SENT}, status=status.HTTP_202_ACCEPTED),
        )


class ConfirmResetView(OpenView):
    serializer_class = ConfirmResetSerializer
    throttle_scopes = {"post": "reset"}

    @extend_schema(summary="Set a new password with a reset token", auth=[], responses={204: None})
    def post(self, request: Request) -> HttpResponse:
        """Set the password with `uid` and `token` from the message. They work once;
        every session ends.
        """
        return self.once(password_changes.reset_password, nothing, password_changes.check_reset)
