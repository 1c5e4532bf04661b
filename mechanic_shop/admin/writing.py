"""Writes of an admin page, by operations."""

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Model
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import ModelAdmin

from mechanic_shop.db import row_locks
from mechanic_shop.errors import DomainError
from mechanic_shop.http import caching

from .forms import ShopForm
from .refusals import REFUSALS, to_domain_error


class OperationWrites(ModelAdmin):
    """Saves only what was changed, and shows on the page what an operation refuses."""

    cache_groups: ClassVar[tuple[str, ...]] = ()

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> Any:
        return self.model._default_manager.create(**details)

    def change_object(self, request: HttpRequest, obj: Any, changes: dict[str, Any]) -> None:
        obj.save_changes(**changes)

    def delete_object(self, request: HttpRequest, obj: Any) -> None:
        obj.delete()

    def save_model(self, request: HttpRequest, obj: Any, form: ShopForm, change: bool) -> None:
        """Write what the person changed: ``obj`` bears everything that stood on the
        page, so it is not saved itself.
        """
        if change:
            row = self.model(pk=obj.pk)
            row_locks.lock(row)
            form.check_state(row)
            columns = {field.name for field in self.opts.concrete_fields}
            changes = {
                name: value
                for name, value in form.accepted.items()
                if name in columns and getattr(row, name) != value
            }
            if changes:
                self.change_object(request, row, changes | form.answers())
        else:
            vars(obj).update(vars(self.create_object(request, form.accepted)))
        caching.changed(*self.cache_groups)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete_object(request, obj)
        caching.changed(*self.cache_groups)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """As above for rows inside the page: no column but those that were changed."""
        formset.save(commit=False)
        sent = {each.instance.pk: each for each in formset.initial_forms}
        for row, names in formset.changed_objects:
            answers = sent[row.pk].answers()
            changes = {name: getattr(row, name) for name in names if name not in answers}
            self.change_row(request, locked_row(row, formset), changes | answers)
        for row in formset.new_objects:
            row.save()
        for row in formset.deleted_objects:
            locked_row(row, formset).delete()

    def change_row(self, request: HttpRequest, row: Any, changes: dict[str, Any]) -> None:
        """Change a row inside the page, which is locked."""
        row.save_changes(**changes)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, object] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except REFUSALS as error:
            # Everything was rolled back. The page comes once more, with what was typed
            # and the reason on the form.
            request.refusal = to_domain_error(error)  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        try:
            if refused := getattr(request, "refusal", None):
                raise refused
            return super().delete_view(request, object_id, extra_context)
        except REFUSALS as error:
            request.refusal = to_domain_error(error)  # type: ignore[attr-defined]
            messages.error(request, to_domain_error(error).message)
            return HttpResponseRedirect(f"../../{object_id}/change/")


def locked_row(row: Model, formset: BaseInlineFormSet) -> Model:
    """A row inside a page, as it is under its lock. Raises DomainError where it is
    gone, or no longer belongs to the page's row.
    """
    now = type(row)(pk=row.pk)
    row_locks.lock(now)
    if getattr(now, formset.fk.attname) != formset.instance.pk:
        raise DomainError(
            "row_moved", f"{now} no longer belongs to {formset.instance}: reload the page."
        )
    return now
