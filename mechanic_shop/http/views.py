"""What the API's plain views and ViewSets share."""

from collections.abc import Callable
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request

from mechanic_shop.errors import Busy

from .idempotency import Idempotency
from .response_headers import with_limits
from .throttling import give_back


class ShopView:
    """What plain views and ViewSets share: rate limits, privacy of answers, one
    transaction for a write.
    """

    def perform_authentication(self, request: Request) -> None:
        """Who asks, counted before anything is refused: a flood of refusals is a flood,
        too.
        """
        try:
            super().perform_authentication(request)  # type: ignore[misc]
        except APIException:  # a token behind which nobody stands counts for its sender's address
            super().check_throttles(request)  # type: ignore[misc]
            raise
        super().check_throttles(request)  # type: ignore[misc]

    def check_throttles(self, request: Request) -> None:
        """Done together with the authentication; Django REST does it last, so that 401
        and 403 had no limit.
        """

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Busy):
            give_back(self.request)  # type: ignore[attr-defined]
        return super().handle_exception(exc)  # type: ignore[misc]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        return with_limits(request, super().finalize_response(request, response, *args, **kwargs))  # type: ignore[misc]

    def write(
        self, request: Request, answer: Callable[[], Any], prepare: Callable[[], Any] = lambda: None
    ) -> Any:
        """Run a write in one transaction, once per Idempotency-Key; ``prepare`` runs
        before the transaction.
        """
        return Idempotency(request).run(answer, prepare)
