"""The base of every admin page: saves only what was changed, by the app's operations,
and tells what they refuse.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.dateformat import format as written
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin, TabularInline
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminExpandableTextareaWidget

from mechanic_shop.currency import AmountField, short
from mechanic_shop.db import row_locks
from mechanic_shop.errors import DomainError
from mechanic_shop.http import caching
from mechanic_shop.http.filters import MAX_SEARCH

from .audit_history import page_of_trail
from .buttons import AutocompleteSelect, allowed
from .forms import ShopForm, questions
from .refusals import REFUSALS, told


class PermissionGatedFields:
    """Columns that exist only for users with a permission, as in the API: no value, no
    filter, no look-up.
    """

    secret_fields: ClassVar[dict[str, str]] = {}

    def hidden(self, request: Any) -> set[str]:
        return {
            name
            for name, permission in self.secret_fields.items()
            if not request.user.has_perm(permission)
        }

    def without_secrets(self, request: Any, names: Any) -> Any:
        """``names`` (fields, or fieldset rows of them) without those that this user
        must not see.
        """
        hidden = self.hidden(request)
        shown = [
            self.without_secrets(request, name) if isinstance(name, (list, tuple)) else name
            for name in names
        ]
        return [name for name in shown if isinstance(name, list) or name not in hidden]

    def get_fieldsets(self, request: Any, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)  # type: ignore[misc]
        return [
            (title, {**options, "fields": self.without_secrets(request, options["fields"])})
            for title, options in found
        ]

    def get_fields(self, request: Any, obj: Any = None) -> Any:
        return self.without_secrets(request, super().get_fields(request, obj))  # type: ignore[misc]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> Any:
        return self.without_secrets(request, super().get_readonly_fields(request, obj))  # type: ignore[misc]

    def get_list_display(self, request: Any) -> Any:
        return self.without_secrets(request, super().get_list_display(request))  # type: ignore[misc]


class AutocompleteSelects:
    """Rows of which there are many are chosen by typing a piece of them."""

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
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
    """What Django wrote with all decimals of the column; a dash stays one."""
    try:
        return f"{short(Decimal(shown)):f}"
    except InvalidOperation:
        return shown


class ShopModelAdmin(Amounts, AutocompleteSelects, PermissionGatedFields, ModelAdmin):
    """Pages of one model. An app with operations names them in ``create_object``,
    ``change_object`` and ``delete_object``.
    """

    form = ShopForm
    object_history_template = "admin/trail.html"
    cache_groups: ClassVar[tuple[str, ...]] = ()
    lookups: ClassVar[tuple[str, ...]] = ()
    """Fields that a link may filter the list by, beside those of ``list_filter``."""
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count for every choice of every filter
    list_per_page = 50
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True
    compressed_fields = False  # labels above their boxes, so that several fit beside each other
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminExpandableTextareaWidget}}

    # --- writing ---

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> Any:
        return self.model._default_manager.create(**details)

    def change_object(self, request: HttpRequest, obj: Any, changes: dict[str, Any]) -> None:
        obj.save_changes(**changes)

    def delete_object(self, request: HttpRequest, obj: Any) -> None:
        obj.delete()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
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
        extra_context: Any = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except REFUSALS as error:
            # Everything was rolled back. The page comes once more, with what was typed
            # and the reason on the form.
            request.refusal = told(error)  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        try:
            if refused := getattr(request, "refusal", None):
                raise refused
            return super().delete_view(request, object_id, extra_context)
        except REFUSALS as error:
            request.refusal = told(error)  # type: ignore[attr-defined]
            messages.error(request, told(error).message)
            return HttpResponseRedirect(f"../../{object_id}/change/")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What may go is the operation's to say; Django's walk along the relations
        knows less of the shop's rules.
        """
        return [str(obj) for obj in objs], {}, set(), []

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)  # it asks no operation
        return actions

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        asked = questions(self.form, request)
        return [
            *super().get_fieldsets(request, obj),
            *([("To confirm", {"fields": asked})] if asked else []),
        ]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        # a class of this request's own
        form.request, form.refusal = (
            request,
            getattr(request, "refusal", None),
        )
        return form

    # --- reading ---

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj else []  # a new row has no others yet

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """What every door finds: the queryset's own ``search``."""
        term = search_term.replace("\x00", "").strip()[:MAX_SEARCH]
        if not hasattr(queryset, "search"):
            return super().get_search_results(request, queryset, term)
        return (queryset.search(term) if term else queryset), False

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only what is offered: Django lets a link ask about any column, also about one
        that is not shown.
        """
        offered = {
            name[0] if isinstance(name, (list, tuple)) else name
            for name in self.get_list_filter(request)
        }
        name = lookup.split("__")[0]
        if is_field(self.model, name) and name not in {*offered, *self.lookups} - self.hidden(
            request
        ):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> Any:
        """The buttons that this user may press and that make sense now."""
        found = [
            shown
            for shown in super().get_actions_detail(request, object_id)
            if allowed(request, getattr(shown.method, "permission", None))
        ]
        obj = self.get_object(request, str(object_id)) if found else None
        if obj is None:
            return []
        lead = f"{self.opts.app_label}_{self.opts.model_name}_{self.lead(obj)}"
        return [
            replace(shown, variant=ActionVariant.PRIMARY) if shown.action_name == lead else shown
            for shown in found
            if getattr(shown.method, "when", always)(obj)
        ]

    def lead(self, obj: Any) -> str:
        """The button of the next sensible step: it stands out, before all others."""
        return ""

    def _get_actions_navigation(self, *args: Any, **kwargs: Any) -> Any:
        navigation = super()._get_actions_navigation(*args, **kwargs)
        leads: list[Any] = []
        for menu in navigation:
            if items := menu.get("items"):
                leads += [each for each in items if each["variant"] is ActionVariant.PRIMARY]
                menu["items"] = [
                    each for each in items if each["variant"] is not ActionVariant.PRIMARY
                ]
        return [*leads, *(entry for entry in navigation if entry.get("items") != [])]

    def hidden_in_trail(self, request: HttpRequest) -> set[str]:
        """Columns that this user must not see in the row's history."""
        return self.hidden(request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        trail = {} if row is None else page_of_trail(request, row, self.hidden_in_trail(request))
        response = super().history_view(request, object_id, {**trail, **(extra_context or {})})
        # others only show one
        columns = (name for name in self.hidden(request) if is_field(self.model, name))
        labels = {self.opts.get_field(name).verbose_name.capitalize() for name in columns}
        for entry in getattr(response, "context_data", {}).get("action_list", ()) if labels else ():
            entry.change_message = without_labels(entry.change_message, labels)
        return response

    def describe(self, obj: Any) -> str:
        """What the search shows beside the row's name."""
        return str(self.opts.verbose_name).capitalize()


def locked_row(row: Any, formset: Any) -> Any:
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


def is_field(model: type[models.Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return name == "pk"
    return True


def always(obj: Any) -> bool:
    return True


def without_labels(message: str, labels: set[str]) -> str:
    """A line of the admin's log, without the names of fields that the reader must not
    see.
    """
    try:
        steps = json.loads(message)
    except ValueError:
        return message
    for step in steps if isinstance(steps, list) else ():
        for facts in step.values():
            facts["fields"] = [
                name for name in facts.get("fields", ()) if name.capitalize() not in labels
            ]
    return json.dumps(steps)


class DetailPanelMixin:
    """A page with a panel below its first fields, drawn by a template of its own."""

    change_form_template = "admin/with_panel.html"
    panel_template: ClassVar[str]

    def panel(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the panel's template is told."""
        raise NotImplementedError

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        *args: Any,
        obj: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        if obj is not None:
            context |= {"panel_template": self.panel_template, "panel": self.panel(request, obj)}
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)  # type: ignore[misc]


class ReadOnly:
    """Nobody adds, changes or deletes these here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ShopInline(Amounts, AutocompleteSelects, PermissionGatedFields, TabularInline):
    """Rows inside another row's page."""

    form = ShopForm
    extra = 0
    can_delete = False  # a row has its own page, where an operation says whether it may go
    hide_title = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*super().get_fields(request, obj), *questions(self.form, request)]

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.request = request
        return formset


class ReadOnlyInline(ReadOnly, ShopInline):
    """Rows that are only looked at here."""


def badge(text: str, kind: str = "") -> SafeString:
    """A colored label; ``kind`` is info, success, warning, danger or nothing."""
    return mark_safe(  # noqa: S308 - rendered, so escaped
        render_to_string("unfold/helpers/label.html", {"text": text, "type": kind}).strip()
    )


def in_one_line(text: Any) -> SafeString:
    """A text that a narrow column does not break: a number, a moment."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def moment(at: Any) -> str:
    """A moment in the shop's time, as short as it can be told: "Nov 21, 8:30"; with the
    year when it is another one.
    """
    local = timezone.localtime(at)
    return written(local, "M j, G:i" if local.year == timezone.localdate().year else "M j, Y")
