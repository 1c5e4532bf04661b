"""Lists of a resource: filtered, searched, ordered, paged or walked, and cached where the
ViewSet says so.
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import orjson
from django.http import HttpResponse
from rest_framework.exceptions import NotFound
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from mechanic_shop.fastpath import switch
from mechanic_shop.fastpath.json_pages import CursorPage, Page
from mechanic_shop.fastpath.query_cache import page_query_cache

from .caching import cached_page
from .pagination import CURSOR, NO_PAGE
from .reading import ReadingViewSet
from .renderers import to_json

# of the parameter itself, not of a search for "cursor=1"
CURSOR_VALUE = re.compile(rf"(?<![^&]){CURSOR}=[0-9]*")


class ListingViewSet(ReadingViewSet):
    """A resource with lists; ``cache_group`` turns on cached ones."""

    paginator: Any
    cache_group: ClassVar[str | None] = None

    def cache_scope(self) -> str:
        """Who may share this user's pages."""
        return f"user:{self.request.user.pk}"

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

    def respond_list(self, rows: Any, serializer: Any) -> Response:
        """A page of rows that belong to this object."""
        page = self.paginate_queryset(rows)
        return self.paginator.get_paginated_response(
            serializer(page, many=True, context=self.get_serializer_context()).data
        )

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
