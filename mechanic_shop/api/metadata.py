"""What OPTIONS tells."""

from typing import Any

from rest_framework.metadata import SimpleMetadata


class ShopMetadata(SimpleMetadata):
    """The fields of a body, never the rows that a relation could point to."""

    def get_field_info(self, field: Any) -> dict[str, Any]:
        info = super().get_field_info(field)
        if hasattr(field, "queryset"):
            info.pop("choices", None)
        return info
