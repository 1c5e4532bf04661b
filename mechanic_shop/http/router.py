"""The router of the API: its root lists every list and report."""

from collections.abc import Iterator
from typing import Any

from rest_framework.routers import DefaultRouter

from .pages import RootView


class ShopRouter(DefaultRouter):
    """DRF's router without format suffixes."""

    include_format_suffixes = False
    APIRootView = RootView

    def get_api_root_view(self, api_urls: Any = None) -> Any:
        return RootView.as_view(api_root_dict=dict([*self.lists(), *self.list_actions()]))

    def lists(self) -> Iterator[tuple[str, str]]:
        for prefix, viewset, basename in self.registry:
            if hasattr(viewset, "list"):
                yield prefix, f"{basename}-list"

    def list_actions(self) -> Iterator[tuple[str, str]]:
        """Actions of a whole list that are read: ``tickets/mine``, ``reports/sales``."""
        for prefix, viewset, basename in self.registry:
            actions: list[Any] = viewset.get_extra_actions()  # functions with attributes
            for action in actions:
                if not action.detail and "get" in action.mapping:
                    yield f"{prefix}/{action.url_path}", f"{basename}-{action.url_name}"
