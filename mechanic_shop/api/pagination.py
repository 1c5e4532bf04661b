"""Pages of lists."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination


class ShopPagination(PageNumberPagination):
    """``?page=&page_size=``: 25 rows, at most 100; a page that is not there is 404."""

    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"

    def get_page_size(self, request: Any) -> int:
        asked = request.query_params.get(self.page_size_query_param)
        if asked is None:
            return self.page_size
        if not asked.isascii() or not asked.isdigit() or not asked.strip("0"):
            raise ValidationError({"page_size": f"“{asked[:20]}” is not a number of rows: use 1 to {self.max_page_size}."}, "invalid")
        return self.max_page_size if len(asked) > 9 else min(int(asked), self.max_page_size)
