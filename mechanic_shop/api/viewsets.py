"""The base of every ViewSet. What it does for all: scope, permission, locks, ETags, retries, cached lists."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import Http404, HttpResponse
from rest_framework import mixins, status, viewsets
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.response import Response

from .caching import cached_data
from .concurrency import Idempotency, check_if_match, etag_of, not_modified
from .renderers import to_json


class ShopView:
    """What plain views and ViewSets share: rate-limit headers, privacy of answers, one transaction for a write."""

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[misc]
        count = getattr(request, "rate_limit", None)
        for name, value in count.headers().items() if count else ():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "private, no-cache" if request.method in ("GET", "HEAD") else "no-store")
        return response

    def write(self, request: Any, answer: Callable[[], Any], prepare: Callable[[], Any] = lambda: None) -> Any:
        """Run a write in one transaction, once per Idempotency-Key; ``prepare`` runs before the transaction."""
        return Idempotency(request).run(answer, prepare)


class ShopGenericViewSet(ShopView, viewsets.GenericViewSet):
    """Rows of one model, as far as the user may see them.

    ``queryset`` must have ``visible_to(user)``; ``permissions`` maps each action to a permission;
    ``cache_group`` turns on cached lists, shared by all users with the same ``cache_scope``.
    """

    lookup_value_regex = "[0-9]{1,18}"
    permissions: ClassVar[dict[str, type[BasePermission] | Any]] = {}
    cache_group: ClassVar[str | None] = None
    ordering_fields: ClassVar[Any] = None

    def get_permissions(self) -> list[BasePermission]:
        rule = self.permissions.get(self.action or "", IsAuthenticated)
        return [rule()]

    def get_queryset(self) -> Any:
        return super().get_queryset().visible_to(self.request.user)

    def cache_scope(self) -> str:
        """Who may share this user's pages."""
        return f"user:{self.request.user.pk}"

    # --- reading ---

    def answer_page(self, queryset: Any) -> Any:
        """A filtered, searched, ordered page of the rows, from the cache where the view keeps one."""
        build = lambda: self.page_data(queryset)  # noqa: E731
        shows_html = isinstance(self.request.accepted_renderer, BrowsableAPIRenderer)
        if self.cache_group is None or shows_html:
            return Response(build())
        return self.conditional(cached_data(self.request, self.cache_group, self.cache_scope(), build))

    def page_data(self, queryset: Any) -> dict[str, Any]:
        page = self.paginate_queryset(self.filter_queryset(queryset))
        return self.paginator.get_paginated_response(self.get_serializer(page, many=True).data).data

    def conditional(self, response: HttpResponse) -> HttpResponse:
        """The answer, or 304 when the client has it already."""
        tag = etag_of(response.content)
        if not_modified(self.request, tag):
            response = HttpResponse(status=status.HTTP_304_NOT_MODIFIED)
        response["ETag"] = tag
        return response

    def answer_object(self, instance: Any, status_code: int = status.HTTP_200_OK, shape: Any = None) -> Any:
        """One object with its ETag; 304 when the client has it already. ``shape`` is a serializer other than the view's."""
        data = self.represent(instance, shape)
        tag = etag_of(to_json(data))
        if self.request.method in ("GET", "HEAD") and not_modified(self.request, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(data, status=status_code, headers={"ETag": tag})

    def represent(self, instance: Any, shape: Any = None) -> Any:
        """The object as every route of the resource shows it, whatever body the action takes."""
        return (shape or type(self).serializer_class)(instance, context=self.get_serializer_context()).data

    # --- writing ---

    def get_locked_object(self) -> Any:
        """The object for a write: there, permitted, locked, and unchanged since the client read it."""
        instance = self.get_object_or_404(self.get_queryset(), locked=True)
        self.check_object_permissions(self.request, instance)
        check_if_match(self.request, lambda: self.represent(instance))
        return instance

    def get_object(self) -> Any:
        instance = self.get_object_or_404(self.get_queryset())
        self.check_object_permissions(self.request, instance)
        return instance

    def get_object_or_404(self, queryset: Any, locked: bool = False) -> Any:
        if locked:
            queryset = queryset.select_for_update(of=("self",))
        found = queryset.filter(pk=int(self.kwargs["pk"])).first()
        if found is None:
            raise Http404
        return found

    def act(self, operation: Callable[..., Any], **fixed: Any) -> Any:
        """Answer an action: its body becomes the keywords of the operation, its answer is the object.

        The row is locked, permission and If-Match are checked under the lock, all in one transaction.
        """

        def answer() -> Any:
            instance = self.get_locked_object()
            serializer = self.get_serializer(data=self.request.data)
            serializer.is_valid(raise_exception=True)
            operation(instance, **serializer.validated_data, **fixed, by=self.request.user)
            return self.answer_object(self.get_object())

        return self.write(self.request, answer)


class CreateMixin(mixins.CreateModelMixin):
    def create(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        serializer = self.get_serializer(data=request.data)

        def answer() -> Any:
            self.perform_create(serializer)
            return self.created(serializer.instance)

        return self.write(request, answer, prepare=lambda: serializer.is_valid(raise_exception=True))

    def created(self: Any, instance: Any) -> Any:
        fresh = self.get_queryset().filter(pk=instance.pk).first() or instance
        response = self.answer_object(fresh, status.HTTP_201_CREATED)
        response["Location"] = self.reverse_action("detail", args=[instance.pk]) if hasattr(self, "reverse_action") else ""
        return response


class UpdateMixin(mixins.UpdateModelMixin):
    def update(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        def answer() -> Any:
            instance = self.get_locked_object()
            serializer = self.get_serializer(instance, data=request.data, partial=kwargs.get("partial", False))
            serializer.is_valid(raise_exception=True)
            self.perform_update(serializer)
            return self.answer_object(self.get_object_or_404(self.get_queryset()))

        return self.write(request, answer)


class DestroyMixin(mixins.DestroyModelMixin):
    def destroy(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        def answer() -> Any:
            self.perform_destroy(self.get_locked_object())
            return Response(status=status.HTTP_204_NO_CONTENT)

        return self.write(request, answer)


class ShopModelViewSet(CreateMixin, UpdateMixin, DestroyMixin, ShopGenericViewSet):
    """CRUD: a list that is filtered, searched, ordered and paged; single objects with ETags; safe writes."""

    def list(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.answer_page(self.get_queryset())

    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.answer_object(self.get_object())
