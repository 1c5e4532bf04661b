"""The base of every ViewSet. What it does for all: scope, permission, locks, ETags,
retries, cached lists.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from mechanic_shop.db import row_locks
from mechanic_shop.db.transactions import as_a_whole
from mechanic_shop.errors import Busy, DomainError
from mechanic_shop.fastpath import switch
from mechanic_shop.fastpath.compiled_queries import PK_PLACEHOLDER, Statement
from mechanic_shop.fastpath.json_queries import CursorPage, Page, json_rows
from mechanic_shop.fastpath.query_cache import page_query_cache, query_cache
from mechanic_shop.fastpath.rights import rights_of, stand_in_for
from mechanic_shop.fastpath.row_queries import find_visible

from .caching import cached_page
from .concurrency import Idempotency, check_if_match, etag_of, not_modified
from .negotiation import ContentNegotiation
from .pagination import CURSOR, NO_PAGE
from .renderers import JSONRenderer, to_json
from .throttling import give_back

Made = TypeVar("Made")
JSON, NEGOTIATOR = JSONRenderer(), ContentNegotiation()
PLAIN_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# of the parameter itself, not of a search for "cursor=1"
CURSOR_VALUE = re.compile(rf"(?<![^&]){CURSOR}=[0-9]*")
# What programs send as Accept when any JSON is meant; everything else is negotiated.
PLAIN_ACCEPTS = {
    "*/*",
    "application/json",
    "application/json, */*",
    "application/json, text/plain, */*",
}


def with_limits(request: Any, response: Any, also: Mapping[str, str] = NO_HEADERS) -> Any:
    """The answer with what every answer of the API says: where the caller stands with
    the limits, and who may keep it; and with the headers ``also``.
    """
    count = getattr(request, "rate_limit", None)
    own = count.headers() if count else {}
    set_headers(
        response,
        {
            **own,
            **also,
            "Cache-Control": "private, no-cache"
            if request.method in ("GET", "HEAD")
            else "no-store",
        },
        keep=True,
    )
    return response


def set_headers(response: Any, headers: dict[str, str], keep: bool = False) -> None:
    """Set headers; with ``keep`` only those that are not there. They are ours and plain
    ASCII, so Django need not look at every letter of them.
    """
    if not switch.is_on():
        for name, value in headers.items():
            if not keep or name not in response.headers:
                response.headers[name] = value
        return
    store = response.headers._store
    for name, value in headers.items():
        if not keep or name.lower() not in store:
            store[name.lower()] = name, value


class ShopView:
    """What plain views and ViewSets share: rate limits, privacy of answers, one
    transaction for a write.
    """

    def perform_authentication(self, request: Any) -> None:
        """Who asks, counted before anything is refused: a flood of refusals is a flood,
        too.
        """
        try:
            super().perform_authentication(request)  # type: ignore[misc]
        except APIException:  # a token behind which nobody stands counts for its sender's address
            super().check_throttles(request)  # type: ignore[misc]
            raise
        super().check_throttles(request)  # type: ignore[misc]

    def check_throttles(self, request: Any) -> None:
        """Done together with the authentication; Django REST does it last, so that 401
        and 403 had no limit.
        """

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Busy):
            give_back(self.request)  # type: ignore[attr-defined]
        return super().handle_exception(exc)  # type: ignore[misc]

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        return with_limits(request, super().finalize_response(request, response, *args, **kwargs))  # type: ignore[misc]

    def write(
        self, request: Any, answer: Callable[[], Any], prepare: Callable[[], Any] = lambda: None
    ) -> Any:
        """Run a write in one transaction, once per Idempotency-Key; ``prepare`` runs
        before the transaction.
        """
        return Idempotency(request).run(answer, prepare)


class ShopGenericViewSet(ShopView, viewsets.GenericViewSet):
    """Rows of one model, as far as the user may see them.

    ``queryset`` must have ``visible_to(user)``; ``permissions`` maps each action to a
    permission; ``cache_group`` turns on cached lists, shared by all users with the same
    ``cache_scope``.
    """

    queryset: Any
    serializer_class: Any
    paginator: Any
    lookup_value_regex = "[1-9][0-9]{0,17}"  # one address for one row: no 01, no ١
    permissions: ClassVar[dict[str, type[BasePermission] | Any]] = {}
    cache_group: ClassVar[str | None] = None
    ordering_fields: ClassVar[Any] = None
    stand_in: Any = None

    def get_permissions(self) -> list[BasePermission]:
        rule = self.permissions.get(self.action or "", IsAuthenticated)
        return [rule()]

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.visible_to(self.reader)

    @property
    def reader(self) -> Any:
        """Whose rows are read: the user's who asks, or those of all with the same
        rights while a statement is made for them.
        """
        return self.stand_in or self.request.user

    def cache_scope(self) -> str:
        """Who may share this user's pages."""
        return f"user:{self.request.user.pk}"

    # --- the short way for programs ---

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        if (
            switch.is_on()
            and request.method in PLAIN_METHODS
            and request.META.get("HTTP_ACCEPT", "*/*") in PLAIN_ACCEPTS
        ):
            return self.respond_plain(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def respond_plain(self, plain: Any, *args: Any, **kwargs: Any) -> Any:
        """What ``dispatch`` does, but for the negotiation of a media type: the answer
        is JSON.
        """
        self.args, self.kwargs, self.format_kwarg, self.headers = args, kwargs, None, {}
        if plain.method == "GET":  # without the parsers, which nobody needs
            self.action = self.action_map.get("get", "")
            self.request = request = Request(
                plain, authenticators=self.get_authenticators(), negotiator=NEGOTIATOR
            )
        else:
            self.request = request = self.initialize_request(plain, *args, **kwargs)
        request.accepted_renderer, request.accepted_media_type = JSON, JSON.media_type
        try:
            self.perform_authentication(request)
            self.check_permissions(request)
            self.check_throttles(request)
            response = getattr(self, plain.method.lower(), self.http_method_not_allowed)(
                request, *args, **kwargs
            )
        except Exception as exc:
            response = self.handle_exception(exc)
        if response.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
            response["Allow"] = ", ".join(self.allowed_methods)
        if isinstance(response, Response):
            response.accepted_renderer, response.accepted_media_type = JSON, JSON.media_type
            vars(response)["renderer_context"] = self.get_renderer_context()
        self.response = with_limits(request, response, {"Vary": "Accept"})
        return self.response

    # --- reading: JSON comes from the database, a page for people from the serializer -

    @property
    def shows_html(self) -> bool:
        return isinstance(self.request.accepted_renderer, BrowsableAPIRenderer)

    def rights(self) -> tuple[Any, ...]:
        """All that a statement depends on, apart from its values: the resource, and
        what its users may do.
        """
        return type(self), *rights_of(self.request.user)

    def shared(self, make: Callable[[], Made]) -> Made:
        """What ``make`` makes, for all users with the same rights; who asks becomes a
        value of the statement.
        """
        self.stand_in = stand_in_for(self.request.user)
        try:
            return make()
        finally:
            self.stand_in = None

    def respond_page(self, rows: Callable[[], Any]) -> Any:
        """A filtered, searched, ordered page of the resource, from the cache where the
        view keeps one.

        ``rows`` makes the queryset, which is needed only where this page was not asked
        for before.
        """
        if self.shows_html:
            walks = CURSOR in self.request.query_params
            return (
                Response(orjson.loads(self.page_json(rows))) if walks else self.respond_rows(rows())
            )
        if self.cache_group is None:
            page = self.page_json(rows)
        else:
            page = cached_page(
                self.request, self.cache_group, self.cache_scope(), lambda: self.page_json(rows)
            )
        return self.conditional(HttpResponse(page, content_type="application/json"))

    def respond_rows(self, queryset: Any) -> Response:
        """A page of other rows than the resource's, by their serializer."""
        page = self.paginate_queryset(self.filter_queryset(queryset))
        return self.paginator.get_paginated_response(self.get_serializer(page, many=True).data)

    def page_json(self, rows: Callable[[], Any]) -> bytes:
        """The page as JSON. Its statements depend on the route, the rights and the
        query string alone, so they are made once, but for a search.
        """
        if not switch.is_on():
            return to_json(self.serialized_page(self.filter_queryset(rows())))
        query = self.request.META.get("QUERY_STRING", "")
        key = (*self.rights(), self.action, CURSOR_VALUE.sub(CURSOR, query))
        # A search looks up keys first, which are in its statements; and the same one
        # rarely comes twice.
        searched = self.request.query_params.get("search")
        made = (
            self.make_page(rows())
            if searched
            else page_query_cache.get(key, lambda: self.shared(lambda: self.make_page(rows())))
        )
        user = self.request.user.pk
        if isinstance(made, CursorPage):
            return made.json(user, self.paginator.get_cursor(self.request) or 0, self.walk_link)
        page = made.json(user, self.page_link)
        if page is None:
            raise NotFound(NO_PAGE)
        return page

    def serialized_page(self, rows: Any) -> dict[str, Any]:
        """The page by the paginator and the serializer."""
        size = self.paginator.get_page_size(self.request)
        after = self.paginator.get_cursor(self.request) if self.walks else None
        if after is None:
            page = self.paginate_queryset(rows)
            data: dict[str, Any] = self.paginator.get_paginated_response(
                self.get_serializer(page, many=True).data
            ).data
            return data
        found = list(rows.filter(pk__gt=after).order_by("pk")[: size + 1])
        shown, more = found[:size], len(found) > size
        return {
            "count": None,
            "next": self.walk_link(shown[-1].pk) if more else None,
            "previous": None,
            "results": self.get_serializer(shown, many=True).data,
        }

    def make_page(self, queryset: Any) -> Page | CursorPage:
        rows, request, paginator = self.filter_queryset(queryset), self.request, self.paginator
        size = paginator.get_page_size(request)
        if self.walks and paginator.get_cursor(request) is not None:
            return CursorPage(rows, self.get_serializer(), size)
        # A page that is cached must not keep a count from before it.
        return Page(
            rows,
            self.get_serializer(),
            paginator.get_page(request),
            size,
            exact=self.cache_group is not None,
        )

    @property
    def walks(self) -> bool:
        """Can the list be walked by its keys? Not where the order is the point."""
        return self.action == "list"

    def walk_link(self, key: int) -> str:
        return replace_query_param(self.request.build_absolute_uri(), CURSOR, key)

    def page_link(self, number: int) -> str:
        address = self.request.build_absolute_uri()
        return (
            remove_query_param(address, "page")
            if number == 1
            else replace_query_param(address, "page", number)
        )

    def conditional(self, response: HttpResponse) -> HttpResponse:
        """The answer, or 304 when the client has it already."""
        tag = etag_of(response.content)
        if self.request.method in ("GET", "HEAD") and not_modified(self.request, tag):
            response = HttpResponse(status=status.HTTP_304_NOT_MODIFIED)
            del response["Content-Type"]  # it has no content
        set_headers(response, {"ETag": tag})
        return response

    def document(self, pk: int) -> bytes | None:
        """The JSON of one row of the resource; None where there is none that the user
        may see.
        """
        if not switch.is_on():
            row = type(self).queryset.visible_to(self.request.user).filter(pk=pk).first()
            return to_json(self.resource_serializer(row).data) if row else None
        query = query_cache.get(self.rights(), lambda: self.shared(self.compiled_document))
        found = query.run(pk, self.request.user.pk)
        return found[0][0].encode() if found else None

    def compiled_document(self) -> Statement:
        rows = type(self).queryset.visible_to(self.reader).filter(pk=PK_PLACEHOLDER).order_by()
        return Statement(json_rows(rows, self.resource_serializer()))

    def resource_serializer(self, instance: Any = None) -> Any:
        """The serializer of the resource, whatever body the action takes."""
        return type(self).serializer_class(instance, context=self.get_serializer_context())

    def respond_object(self, pk: int, status_code: int = status.HTTP_200_OK) -> Any:
        """One row of the resource with its ETag; 304 when the client has it already."""
        if self.shows_html:
            row = self.get_object_or_404(type(self).queryset.visible_to(self.request.user), pk=pk)
            return Response(self.resource_serializer(row).data, status=status_code)
        body = self.document(pk)
        if body is None:
            raise Http404
        return self.conditional(
            HttpResponse(body, status=status_code, content_type="application/json")
        )

    # --- writing ---

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
        row_locks.hold(instance)
        self.check_object_permissions(self.request, instance)
        check_if_match(self.request, lambda: self.document(instance.pk))
        return instance

    def writable_rows(self, user: Any) -> Any:
        return type(self).queryset.visible_to(user).prefetch_related(None).order_by()

    @property
    def key(self) -> int:
        return int(self.kwargs["pk"])

    def get_object(self) -> Any:
        instance = self.get_object_or_404(self.get_queryset())
        self.check_object_permissions(self.request, instance)
        return instance

    def get_object_or_404(self, queryset: Any, pk: int | None = None) -> Any:
        found = queryset.filter(pk=pk or self.key).first()
        if found is None:
            raise Http404
        return found

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

    def respond_list(self, rows: Any, serializer: Any) -> Response:
        """A page of rows that belong to this object."""
        page = self.paginate_queryset(rows)
        return self.paginator.get_paginated_response(
            serializer(page, many=True, context=self.get_serializer_context()).data
        )


class CreateMixin(mixins.CreateModelMixin):
    def create(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
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
    def update(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
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
    def destroy(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        def answer() -> Any:
            self.perform_destroy(self.get_locked_object())
            return Response(status=status.HTTP_204_NO_CONTENT)

        return self.write(request, answer)


class ShopModelViewSet(CreateMixin, UpdateMixin, DestroyMixin, ShopGenericViewSet):
    """CRUD: a list that is filtered, searched, ordered and paged; single objects with
    ETags; safe writes.
    """

    def list(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.respond_page(self.get_queryset)

    def retrieve(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.respond_object(self.key)
