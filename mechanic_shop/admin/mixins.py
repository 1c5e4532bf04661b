"""Mixins of admin pages and inlines: hidden fields, choices, amounts, read-only rows, panels."""

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.db.models import Field as DBField
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from mechanic_shop.currency import AmountField, short

from .buttons import AutocompleteSelect


class PermissionGatedFields:
    """Columns that exist only for users with a permission, as in the API: no value, no
    filter, no look-up.
    """

    secret_fields: ClassVar[dict[str, str]] = {}

    def hidden(self, request: HttpRequest) -> set[str]:
        return {
            name
            for name, permission in self.secret_fields.items()
            if not request.user.has_perm(permission)
        }

    def without_secrets(self, request: HttpRequest, names: Sequence[object]) -> list[object]:
        """``names`` (fields, or fieldset rows of them) without those that this user
        must not see.
        """
        hidden = self.hidden(request)
        shown = [
            self.without_secrets(request, name) if isinstance(name, (list, tuple)) else name
            for name in names
        ]
        return [name for name in shown if isinstance(name, list) or name not in hidden]

    def get_fieldsets(
        self, request: HttpRequest, obj: Model | None = None
    ) -> list[tuple[str | None, dict[str, object]]]:
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        return [
            (title, {**options, "fields": self.without_secrets(request, options["fields"])})
            for title, options in fieldsets
        ]

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.without_secrets(request, super().get_fields(request, obj))  # type: ignore[misc]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.without_secrets(request, super().get_readonly_fields(request, obj))  # type: ignore[misc]

    def get_list_display(self, request: HttpRequest) -> Any:
        return self.without_secrets(request, super().get_list_display(request))  # type: ignore[misc]


class AutocompleteSelects:
    """Rows of which there are many are chosen by typing a piece of them."""

    def formfield_for_foreignkey(
        self, db_field: DBField, request: HttpRequest, **kwargs: object
    ) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):  # type: ignore[attr-defined]
            kwargs.setdefault("widget", AutocompleteSelect(db_field, self.admin_site))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class Amounts:
    """Money that is only shown has the decimals that it needs, as everywhere, and not
    those of its column.
    """

    @property
    def readonly_preprocess_fields(self) -> dict[str, Callable[[str], str]]:
        columns = self.opts.concrete_fields  # type: ignore[attr-defined]
        return {field.name: as_amount for field in columns if isinstance(field, AmountField)}


def as_amount(shown: str) -> str:
    """Shorten an amount that Django wrote with all decimals of the column; keep a dash."""
    try:
        return f"{short(Decimal(shown)):f}"
    except InvalidOperation:
        return shown


class DetailPanelMixin:
    """A page with a panel below its first fields, drawn by a template of its own."""

    change_form_template = "admin/with_panel.html"
    panel_template: ClassVar[str]

    def detail_panel(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """The context of the panel's template."""
        raise NotImplementedError

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: object,
        obj: Model | None = None,
        **kwargs: object,
    ) -> HttpResponse:
        if obj is not None:
            context |= {
                "panel_template": self.panel_template,
                "panel": self.detail_panel(request, obj),
            }
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]


class ReadOnly:
    """Rows that are not added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
