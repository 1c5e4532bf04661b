"""Pages of lists."""

import re
from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView

CURSOR = "cursor"
NO_PAGE = "There is no such page."


class ShopPagination(PageNumberPagination):
    """``?page=&page_size=``: 25 rows, at most 100; a page that is not there is 404."""

    page_size = 25
    invalid_page_message = NO_PAGE
    max_page_size = 100
    page_size_query_param = "page_size"
    last_page_strings = ()

    def get_page_size(self, request: Request) -> int:
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not asked.isascii() or not asked.isdigit() or not asked.strip("0"):
            raise ValidationError(
                {
                    "page_size": (
                        f"“{asked[:20]}” is not a number of rows: use 1 to {self.max_page_size}."
                    )
                },
                "invalid",
            )
        return self.max_page_size if len(asked) > 9 else min(int(asked), self.max_page_size)

    def get_page(self, request: Request) -> int:
        """The page that is asked for, from 1 on. Raises NotFound for what is no number
        of a page.
        """
        asked = request.query_params.get(self.page_query_param, "1")
        if not re.fullmatch("0*[1-9][0-9]{0,8}", asked, re.ASCII):
            raise NotFound(NO_PAGE)
        return int(asked)

    def get_page_number(self, request: Request, paginator: Any) -> int:
        return self.get_page(request)

    def get_cursor(self, request: Request) -> int | None:
        """The key behind which a walk goes on; None for numbered pages. ``?cursor=``
        begins a walk.
        """
        asked = request.query_params.get(CURSOR)
        if asked is None:
            return None
        if not re.fullmatch("[0-9]{0,18}", asked, re.ASCII):
            raise ValidationError(
                {CURSOR: "This is no cursor: begin with an empty one, then follow “next”."},
                "invalid",
            )
        if {self.page_query_param, "ordering"} & set(request.query_params):
            raise ValidationError(
                {CURSOR: "A walk goes by the key from row to row: leave page and ordering out."},
                "invalid",
            )
        return int(asked or 0)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The count is null in a walk."""
        page_schema = super().get_paginated_response_schema(schema)
        page_schema["properties"]["count"]["nullable"] = True
        return page_schema

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        what = (
            "Walks all rows by key at the same cost however deep: begin with an empty one, "
            "then follow `next`. Not with page or ordering."
        )
        walk = {
            "name": CURSOR,
            "required": False,
            "in": "query",
            "description": what,
            "schema": {"type": "string", "pattern": "^[0-9]{0,18}$"},
        }
        numbers = super().get_schema_operation_parameters(view)
        for number in numbers:
            number["schema"]["minimum"] = 1
        return [*numbers, *([walk] if getattr(view, "walks", False) else [])]
