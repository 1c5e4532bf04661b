"""The buttons of a row's page."""

from dataclasses import replace
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.enums import ActionVariant

from .buttons import allowed


class DetailActions(ModelAdmin):
    """Shows the buttons that this user may press now; the next sensible step stands out."""

    def get_actions_detail(self, request: HttpRequest, object_id: str | int) -> list[object]:
        """The buttons that this user may press and that make sense now."""
        buttons = [
            shown
            for shown in super().get_actions_detail(request, object_id)
            if allowed(request, getattr(shown.method, "permission", None))
        ]
        obj = self.get_object(request, str(object_id)) if buttons else None
        if obj is None:
            return []
        primary = f"{self.opts.app_label}_{self.opts.model_name}_{self.primary_action(obj)}"
        return [
            replace(shown, variant=ActionVariant.PRIMARY) if shown.action_name == primary else shown
            for shown in buttons
            if getattr(shown.method, "when", always)(obj)
        ]

    def primary_action(self, obj: Any) -> str:
        """The button of the next sensible step: it stands out, before all others."""
        return ""

    def _get_actions_navigation(self, *args: object, **kwargs: object) -> Any:
        navigation = super()._get_actions_navigation(*args, **kwargs)
        primary: list[Any] = []
        for menu in navigation:
            if items := menu.get("items"):
                primary += [each for each in items if each["variant"] is ActionVariant.PRIMARY]
                menu["items"] = [
                    each for each in items if each["variant"] is not ActionVariant.PRIMARY
                ]
        return [*primary, *(entry for entry in navigation if entry.get("items") != [])]


def always(obj: Model) -> bool:
    return True
