"""Buttons on a row's page that ask a few questions and call an operation."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from mechanic_shop.errors import DomainError

from .forms import SerializerBackedForm
from .refusals import REFUSALS, to_domain_error


class ButtonForm(SerializerBackedForm, forms.Form):
    """The questions that a button asks about ``obj``."""

    secret_fields: dict[str, str] = {}
    """Fields that exist only for users with a permission: {field: permission}."""

    def __init__(self, *args: object, request: HttpRequest, obj: Any, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.obj = request, obj
        for name, permission in self.secret_fields.items():
            if not request.user.has_perm(permission):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        self.run_serializer(
            {name: value for name, value in self.cleaned_data.items() if value is not None}
        )
        return self.cleaned_data

    def notes(self) -> list[str]:
        """Sentences to read before answering."""
        return []


def button(
    title: str,
    form_class: type[ButtonForm],
    *,
    icon: str,
    permission: str | None = None,
    when: Callable[[Any], bool] = lambda obj: True,
    variant: ActionVariant = ActionVariant.DEFAULT,
) -> Callable[[Callable[..., str]], Callable[..., HttpResponse]]:
    """Make ``method(self, request, obj, **answers) -> message`` a button of a
    ShopModelAdmin.

    GET shows the form, POST runs the method in one transaction; a refusal is shown on
    the page and changes nothing. ``when`` only decides whether the button is shown: the
    operation decides under its lock whether it works.
    """

    def decorate(method: Callable[..., str]) -> Callable[..., HttpResponse]:
        declared = Button(title, form_class, permission, method)

        @wraps(method)
        def view(self: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
            return press(declared, self, request, object_id)

        path = method.__name__.replace("_", "-")
        shown = action(description=title, url_path=path, icon=icon, variant=variant)(view)
        shown.permission, shown.when = permission, when
        return shown

    return decorate


class Button(NamedTuple):
    """A button as it was declared."""

    title: str
    form_class: type[ButtonForm]
    permission: str | None
    method: Callable[..., str]


def press(
    button: Button, model_admin: ModelAdmin, request: HttpRequest, object_id: str
) -> HttpResponse:
    """Run the button's method if its form is sent and valid; else show the form."""
    obj = model_admin.get_object(request, unquote(object_id))
    if not model_admin.has_view_permission(request, obj) or not allowed(request, button.permission):
        raise PermissionDenied
    if obj is None:
        return model_admin._get_obj_does_not_exist_redirect(request, model_admin.opts, object_id)
    data = request.POST if request.method == "POST" else None
    form = button.form_class(data, request=request, obj=obj)
    done = None
    if data is not None and form.is_valid():
        done = perform(model_admin, request, obj, form, button.method)
    return done or ask(model_admin, request, obj, form, button.title)


def allowed(request: HttpRequest, permission: str | None) -> bool:
    return permission is None or request.user.has_perm(permission)


def perform(
    model_admin: ModelAdmin,
    request: HttpRequest,
    obj: Model,
    form: ButtonForm,
    method: Callable[..., str],
) -> HttpResponse | None:
    """Run ``method``; on a refusal return None, with the reason on the form."""
    if refused := getattr(request, "refusal", None):  # before anything was done
        form.refuse(refused)
        return None
    try:
        with transaction.atomic():
            message = method(model_admin, request, obj, **form.accepted)
            model_admin.log_change(request, obj, message)
    except REFUSALS as error:
        refusal: DomainError = to_domain_error(error)
        form.refuse(refusal)
        return None
    messages.success(request, message)
    return HttpResponseRedirect(address_of(model_admin, obj))


def ask(
    model_admin: ModelAdmin, request: HttpRequest, obj: Model, form: ButtonForm, title: str
) -> HttpResponse:
    request.current_app = model_admin.admin_site.name
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "subtitle": str(obj),
        "opts": model_admin.opts,
        "original": obj,
        "form": form,
        "media": model_admin.media + form.media,
        "back": address_of(model_admin, obj),
    }
    return TemplateResponse(request, "admin/button.html", context)


def address_of(model_admin: ModelAdmin, obj: Model) -> str:
    return reverse(
        f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_change",
        args=(quote(obj.pk),),
    )


# --- questions that several buttons ask -----------------------------------------------


def quantity_question(**kwargs: object) -> forms.DecimalField:
    return forms.DecimalField(
        **{
            "max_digits": 12,
            "decimal_places": 3,
            "widget": UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        }
        | kwargs
    )


def note_question(**kwargs: object) -> forms.CharField:
    return forms.CharField(
        **{"max_length": 500, "required": False, "widget": UnfoldAdminTextInputWidget} | kwargs
    )


class AutocompleteSelect(widgets.AutocompleteSelect):
    """Choose a row by typing a piece of it. To show a refused form again, Django asks
    the database for any word that came as a key, and fails.
    """

    known: Any = None
    """A row that was read already: it is not asked for again."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        keys = [str(key) for key in value if re.fullmatch("[0-9]{1,18}", str(key))]
        if self.known is not None and keys == [str(self.known.pk)]:
            empty = [] if self.is_required else [self.create_option(name, "", "", False, 0)]
            return [
                (None, [*empty, self.create_option(name, keys[0], str(self.known), True, 0)], 0)
            ]
        return super().optgroups(name, keys or [""], attr)


def row_question(relation: Any, **kwargs: Any) -> forms.ModelChoiceField:
    """Choose a row; ``relation`` is a foreign key to its model."""
    field = relation.field
    return forms.ModelChoiceField(
        field.remote_field.model._default_manager.all(),
        widget=AutocompleteSelect(field, admin.site),
        **kwargs,
    )
