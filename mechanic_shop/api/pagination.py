"""Pages of lists."""

import re
from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import PageNumberPagination

NO_PAGE = "There is no such page."


class ShopPagination(PageNumberPagination):
    """``?page=&page_size=``: 25 rows, at most 100; a page that is not there is 404."""

    page_size = 25
    invalid_page_message = NO_PAGE
    max_page_size = 100
    page_size_query_param = "page_size"
    last_page_strings = ()

    def get_page_size(self, request: Any) -> int:
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not asked.isascii() or not asked.isdigit() or not asked.strip("0"):
            raise ValidationError({"page_size": f"“{asked[:20]}” is not a number of rows: use 1 to {self.max_page_size}."}, "invalid")
        return self.max_page_size if len(asked) > 9 else min(int(asked), self.max_page_size)

    def get_page(self, request: Any) -> int:
        """The page that is asked for, from 1 on. Raises NotFound for what is no number of a page."""
        asked = request.query_params.get(self.page_query_param, "1")
        if not re.fullmatch("0*[1-9][0-9]{0,8}", asked, re.ASCII):
            raise NotFound(NO_PAGE)
        return int(asked)

    def get_page_number(self, request: Any, paginator: Any) -> int:
        return self.get_page(request)
