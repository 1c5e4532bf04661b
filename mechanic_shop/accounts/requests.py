"""Requests behind a log-in: their user is never anonymous."""

from typing import cast

from django.http import HttpRequest
from rest_framework.request import Request

from .models import User


class StaffRequest(HttpRequest):
    """A request of the admin, whose pages open to staff alone."""

    user: User


def user_of(request: HttpRequest | Request) -> User:
    """The user of a request that only those who are logged in come to make."""
    return cast("User", request.user)
