"""One object of a resource, with its ETag: its JSON comes from the database, a page for
people from the serializer.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import Http404, HttpResponse
from rest_framework import status, viewsets
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.response import Response

from mechanic_shop.fastpath import switch
from mechanic_shop.fastpath.compiled_queries import PK_PLACEHOLDER, Statement
from mechanic_shop.fastpath.json_queries import json_rows
from mechanic_shop.fastpath.query_cache import query_cache
from mechanic_shop.fastpath.rights import rights_of, stand_in_for

from .etags import etag_of, not_modified
from .renderers import to_json
from .response_headers import set_headers
from .views import ShopView

Made = TypeVar("Made")


class ReadingViewSet(ShopView, viewsets.GenericViewSet):
    """A resource whose ``queryset`` has ``visible_to(user)``."""

    queryset: Any
    serializer_class: Any
    request: Any
    stand_in: Any = None

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        return rows.visible_to(self.reader)

    @property
    def reader(self) -> Any:
        """Whose rows are read: the user's who asks, or those of all with the same
        rights while a statement is made for them.
        """
        return self.stand_in or self.request.user

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
