"""The base of every ViewSet. What it does for all: scope, permission, locks, ETags,
retries, cached lists.
"""

from typing import Any, ClassVar

from django.http import Http404
from django.utils.functional import SimpleLazyObject
from rest_framework import mixins, status
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from mechanic_shop.db.transactions import as_a_whole

from .json_dispatch import JsonDispatch
from .listing import ListingViewSet
from .writing import WritingViewSet


class ShopGenericViewSet(JsonDispatch, ListingViewSet, WritingViewSet):
    """Rows of one model, as far as the user may see them.

    ``queryset`` must have ``visible_to(user)``; ``permissions`` maps each action to a
    permission; ``cache_group`` turns on cached lists, shared by all users with the same
    ``cache_scope``.
    """

    lookup_value_regex = "[1-9][0-9]{0,17}"  # one address for one row: no 01, no ١
    permissions: ClassVar[dict[str, type[BasePermission] | Any]] = {}
    ordering_fields: ClassVar[Any] = None

    def get_permissions(self) -> list[BasePermission]:
        rule = self.permissions.get(self.action or "", IsAuthenticated)
        return [rule()]


class CreateMixin(mixins.CreateModelMixin):
    def create(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        serializer: Any = None

        def prepare() -> None:
            # made here: an Idempotency-Key reads the raw body, which a parser uses up
            nonlocal serializer
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)

        def answer() -> Any:
            with as_a_whole():
                self.perform_create(serializer)
            return self.created(serializer.instance)

        return self.write(request, answer, prepare)

    def created(self: Any, instance: Any) -> Any:
        try:
            response = self.respond_object(instance.pk, status.HTTP_201_CREATED)
        except Http404:  # whoever signs up may not read yet
            response = Response(
                self.resource_serializer(instance).data, status=status.HTTP_201_CREATED
            )
        response["Location"] = self.request.build_absolute_uri(f"{self.request.path}{instance.pk}/")
        return response


class UpdateMixin(mixins.UpdateModelMixin):
    def update(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        def make() -> Any:
            row = SimpleLazyObject(self.get_object)  # few rules need it before the lock
            return self.get_serializer(row, data=request.data, partial=kwargs.get("partial", False))

        def answer(serializer: Any) -> Any:
            serializer.instance = instance = self.get_locked_object()
            serializer.check_state(serializer.validated_data)
            self.perform_update(serializer)
            return self.respond_object(instance.pk)

        return self.write_checked(make, answer)


class DestroyMixin(mixins.DestroyModelMixin):
    def destroy(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        def answer() -> Any:
            self.perform_destroy(self.get_locked_object())
            return Response(status=status.HTTP_204_NO_CONTENT)

        return self.write(request, answer)


class ShopModelViewSet(CreateMixin, UpdateMixin, DestroyMixin, ShopGenericViewSet):
    """CRUD: a list that is filtered, searched, ordered and paged; single objects with
    ETags; safe writes.
    """

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.respond_page(self.get_queryset)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        return self.respond_object(self.key)
