"""Requests behind a log-in, as types: their user is never anonymous."""

from django.http import HttpRequest

from .models import User


class StaffRequest(HttpRequest):
    """A request of the admin, whose pages open to staff alone."""

    user: User
