"""Buttons on a row's page that ask a few questions and call an operation."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import widgets
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from mechanic_shop.errors import DomainError

from .forms import SerializerBackedForm
from .refusals import REFUSALS, told


class ButtonForm(SerializerBackedForm, forms.Form):
    """The questions that a button asks about ``obj``."""

    secret_fields: dict[str, str] = {}
    """Fields that exist only for users with a permission: {field: permission}."""

    def __init__(self, *args: Any, request: HttpRequest, obj: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.obj = request, obj
        for name, permission in self.secret_fields.items():
            if not request.user.has_perm(permission):
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        self.obey({name: value for name, value in self.cleaned_data.items() if value is not None})
        return self.cleaned_data

    def notes(self) -> list[str]:
        """What to know before answering."""
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

    GET asks, POST does, in one transaction; what the operation refuses is told on the
    page and changes nothing. ``when`` only decides whether the button is shown: whether
    it works is the operation's to say, under its lock.
    """

    def decorate(method: Callable[..., str]) -> Callable[..., HttpResponse]:
        @wraps(method)
        def press(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            obj = self.get_object(request, unquote(object_id))
            if not self.has_view_permission(request, obj) or not allowed(request, permission):
                raise PermissionDenied
            if obj is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            form = form_class(
                request.POST if request.method == "POST" else None, request=request, obj=obj
            )
            if (
                request.method == "POST"
                and form.is_valid()
                and (answer := perform(self, request, obj, form, method))
            ):
                return answer
            return ask(self, request, obj, form, title)

        pressed = action(
            description=title,
            url_path=method.__name__.replace("_", "-"),
            icon=icon,
            variant=variant,
        )(press)
        pressed.permission, pressed.when = permission, when
        return pressed

    return decorate


def allowed(request: HttpRequest, permission: str | None) -> bool:
    return permission is None or request.user.has_perm(permission)


def perform(
    model_admin: Any, request: HttpRequest, obj: Any, form: ButtonForm, method: Callable[..., str]
) -> HttpResponse | None:
    """Do it; None, with the reason on the form, when the shop says no."""
    if refused := getattr(request, "refusal", None):  # before anything was done
        form.refuse(refused)
        return None
    try:
        with transaction.atomic():
            message = method(model_admin, request, obj, **form.accepted)
            model_admin.log_change(request, obj, message)
    except REFUSALS as error:
        refusal: DomainError = told(error)
        form.refuse(refusal)
        return None
    messages.success(request, message)
    return HttpResponseRedirect(address_of(model_admin, obj))


def ask(
    model_admin: Any, request: HttpRequest, obj: Any, form: ButtonForm, title: str
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


def address_of(model_admin: Any, obj: Any) -> str:
    return reverse(
        f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_change",
        args=(quote(obj.pk),),
    )


# --- questions that several buttons ask -----------------------------------------------


def quantity_question(**kwargs: Any) -> forms.DecimalField:
    return forms.DecimalField(
        **{
            "max_digits": 12,
            "decimal_places": 3,
            "widget": UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
        }
        | kwargs
    )


def note_question(**kwargs: Any) -> forms.CharField:
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
