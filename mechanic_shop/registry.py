"""What a higher app registers with a lower one, which does not know it."""

from typing import Any

from django.db.models import Manager


class RegisteredManager:
    """The manager of a higher app's model. Its app registers it in ``AppConfig.ready()``."""

    def __init__(self) -> None:
        self._manager: Manager[Any] | None = None

    def register(self, manager: Manager[Any]) -> None:
        self._manager = manager

    @property
    def manager(self) -> Any:
        """The manager. Its querysets have methods of their own, which the lower app
        names where it creates this.
        """
        if self._manager is None:
            raise LookupError("No app has registered its manager.")
        return self._manager
