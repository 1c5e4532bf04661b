"""Writes to an object: locked, permitted, unchanged since the client read it, and in one
transaction.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404
from django.urls import reverse
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.response import Response

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import as_a_whole
from mechanic_shop.errors import DomainError
from mechanic_shop.fastpath.row_queries import find_visible

from .etags import check_if_match
from .reading import ReadingViewSet


class WritingViewSet(ReadingViewSet):
    """A resource whose objects are written under their lock."""

    def get_locked_object(self) -> Any:
        """The object for a write: there, permitted, locked, and unchanged since the
        client read it.
        """
        if not row_locks.lock_key(type(self).queryset.model, self.key):
            raise Http404
        # whether the user may see it is asked of what it is under the lock
        instance = find_visible(
            self.request.user, (type(self), "locked"), self.writable_rows, self.key
        )
        if instance is None:
            raise Http404
        row_locks.mark_locked(instance)
        self.check_object_permissions(self.request, instance)
        check_if_match(self.request, lambda: self.document(instance.pk))
        return instance

    def writable_rows(self, user: Any) -> Any:
        return type(self).queryset.visible_to(user).prefetch_related(None).order_by()

    def run_action(self, operation: Callable[..., Any]) -> Any:
        """Answer an action: its body becomes the keywords of the operation, its answer
        is the object.

        The row is locked, permission and If-Match are checked under the lock, all in
        one transaction.
        """

        def answer(body: Any) -> Any:
            instance = self.get_locked_object()
            with as_a_whole():
                operation(instance, **body.validated_data, by=self.request.user)
            return self.respond_object(instance.pk)

        return self.write_checked(self.make_body, answer)

    def run_create_action(
        self, operation: Callable[..., Any], serializer: Callable[..., Any], route: str = ""
    ) -> Any:
        """Answer an action that makes another row: 201 with that row, and its address
        where ``route`` names its resource.

        Lock, permission and If-Match are as for ``act``.
        """

        def answer(body: Any) -> Any:
            instance = self.get_locked_object()
            with as_a_whole():
                made = operation(instance, **body.validated_data, by=self.request.user)
            response = Response(
                serializer(made, context=self.get_serializer_context()).data,
                status=status.HTTP_201_CREATED,
            )
            if route:
                response["Location"] = self.request.build_absolute_uri(
                    reverse(f"{route}-detail", args=[made.pk])
                )
            return response

        return self.write_checked(self.make_body, answer)

    def make_body(self) -> Any:
        """The serializer of the body that an action takes."""
        return self.get_serializer(data=self.request.data)

    def write_checked(self, make: Callable[[], Any], answer: Callable[[Any], Any]) -> Any:
        """Run a write whose body is checked before its transaction begins: no lock
        waits for a body.

        ``make`` makes the serializer, ``answer`` takes it once it is valid, in the
        transaction.
        """
        body: Any = None

        def prepare() -> None:
            # made here: an Idempotency-Key reads the raw body, which a parser uses up
            nonlocal body
            body = self.checked_body(make)

        return self.write(self.request, lambda: answer(body), prepare)

    def checked_body(self, make: Callable[[], Any]) -> Any:
        """The valid body. Where it is refused, what is wrong with the row comes first:
        404, 403 and 412.
        """
        try:
            body = make()
            body.is_valid(raise_exception=True)
        except (APIException, DomainError, RequestDataTooBig, SuspiciousOperation):
            self.check_row()
            raise
        return body

    def check_row(self) -> None:
        """Refuse a row that is not there, not this user's to change, or another than
        the client read.
        """
        rows = type(self).queryset.visible_to(self.request.user).prefetch_related(None)
        instance = self.get_object_or_404(rows)
        self.check_object_permissions(self.request, instance)
        check_if_match(self.request, lambda: self.document(instance.pk))
