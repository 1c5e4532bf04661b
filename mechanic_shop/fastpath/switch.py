"""The one switch of the fast path."""

from django.conf import settings


def is_on() -> bool:
    """Is the fast path taken? ``FAST_PATH=off`` gives plain Django and Django REST."""
    return bool(settings.FAST_PATH)
