"""Forms that obey the same rules as the API: the app's serializer looks at what was
typed before anything is saved.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Model
from django.http import HttpRequest
from rest_framework import serializers
from unfold.widgets import UnfoldBooleanSwitchWidget

from mechanic_shop.errors import DomainError, InvalidInput

from .dates import show_formats

NO_SERIALIZER: Any = None


class Question(forms.BooleanField):
    """A box that is on the page once an operation has refused with ``code``: who ticks
    it wants it all the same.
    """

    def __init__(self, code: str, **kwargs: Any) -> None:
        super().__init__(required=False, widget=UnfoldBooleanSwitchWidget, **kwargs)
        self.code = code

    def is_asked(self, name: str, request: HttpRequest) -> bool:
        """Was this refused now, or asked on the page that was sent?"""
        refusal = getattr(request, "refusal", None)
        return getattr(refusal, "code", "") == self.code or any(
            sent.split("-")[-1] == name for sent in request.POST
        )


def questions(form: type[forms.BaseForm], request: HttpRequest) -> list[str]:
    """The names of a form's questions that are asked."""
    fields = form.base_fields  # type: ignore[attr-defined]
    return [
        name
        for name, field in fields.items()
        if isinstance(field, Question) and field.is_asked(name, request)
    ]


class SerializerBackedForm(forms.BaseForm):
    """A form that is checked by the API's serializer, ``serializer_class``.

    ``accepted`` holds what the serializer made of the fields that were sent: what an
    operation takes.
    """

    request: Any = None
    serializer_class: ClassVar[Any] = NO_SERIALIZER
    accepted: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        show_formats(self)

    def run_serializer(self, sent: dict[str, Any], instance: Model | None = None) -> None:
        """Let the serializer check ``sent``; its complaints become the form's, its
        values the form's values.
        """
        self.accepted = dict(sent)
        if self.serializer_class is None:
            return
        serializer = self.serializer_class(
            instance, data={}, partial=instance is not None, context={"request": self.request}
        )
        # A form may have boxes of its own; what only the shop sets it shows, and nobody
        # can change it there.
        writable = serializer.kept.writable
        serializer.initial_data = {
            name: plain(value) for name, value in sent.items() if name in writable
        }
        try:
            is_valid = serializer.is_valid()
        except DomainError as refusal:  # what a model says no to
            self.refuse(refusal)
            return
        if not is_valid:
            self.add_serializer_errors(serializer.errors)
            return
        self.accepted |= serializer.validated_data
        self.cleaned_data |= {
            name: value for name, value in serializer.validated_data.items() if name in self.fields
        }

    def add_serializer_errors(self, errors: Any) -> None:
        for name, details in errors.items():
            if name not in self.errors:  # the form has said so in its own words
                self.add_error(name if name in self.fields else None, list(sentences(details)))

    def refuse(self, refusal: DomainError) -> None:
        """Show why an operation said no, at the field that it spoke of."""
        name = getattr(refusal, "field", None)
        self.add_error(
            name if name in self.fields else None, ValidationError(refusal.message, refusal.code)
        )


def plain(value: object) -> object:
    """A form's value as a client of the API would send it."""
    return value.pk if isinstance(value, models.Model) else value


def sentences(details: Any) -> Iterator[str]:
    for detail in details.values() if isinstance(details, dict) else details:
        if isinstance(detail, (dict, list)):
            yield from sentences(detail)
        else:
            yield str(detail)


class ShopForm(SerializerBackedForm, forms.ModelForm):
    """A row's form. It knows which fields this person changed, compared with what the
    page showed.

    The page carries the values that it was made of, so that saving an old page does not
    take back what somebody else wrote meanwhile in a field that was left alone.
    """

    refusal: DomainError | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asked = questions(type(self), self.request)
        for name in [
            name
            for name, field in self.fields.items()
            if isinstance(field, Question) and name not in asked
        ]:
            del self.fields[name]
        for field in self.fields.values():
            field.show_hidden_initial = self.instance.pk is not None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            cleaned[name] = self.filled(name, value)
        names = self.fields if self.instance.pk is None else self.changed_data
        self.run_serializer(
            {name: cleaned[name] for name in names if name in cleaned},
            None if self.instance.pk is None else self.instance,
        )
        return cleaned

    def check_state(self, row: models.Model) -> None:
        """Check again what depends on the row's state, now that it is locked. Raises
        InvalidInput.
        """
        if self.serializer_class is None:
            return
        serializer = self.serializer_class(
            row, data={}, partial=True, context={"request": self.request}
        )
        try:
            serializer.check_state(self.accepted)
        except serializers.ValidationError as error:
            errors: Any = error.detail  # by field
            name, details = next(iter(errors.items()))
            raise InvalidInput(name, details[0].code, str(details[0])) from error

    def answers(self) -> dict[str, bool]:
        """The answers to the questions that were asked; for operations, since no column
        holds them.
        """
        return {
            name: bool(self.cleaned_data.get(name))
            for name, field in self.fields.items()
            if isinstance(field, Question)
        }

    def filled(self, name: str, value: object) -> object:
        """An empty box of a column that is never empty stands for its default."""
        column = next(
            (field for field in self._meta.model._meta.concrete_fields if field.name == name), None
        )
        return (
            column.get_default()
            if value is None and column is not None and not column.null and column.has_default()
            else value
        )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.refusal is not None:
            self.refuse(self.refusal)


class WordsField(forms.CharField):
    """A list of words, typed with commas between them."""

    def prepare_value(self, value: object) -> object:
        return ", ".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: object, data: object) -> bool:
        return super().has_changed(self.prepare_value(initial), data)
