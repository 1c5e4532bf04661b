"""Forms of the log-in pages: a new user, a changed one, a new password."""

from typing import Any

from django import forms
from django.contrib.auth.hashers import make_password
from rest_framework.exceptions import Throttled
from unfold.widgets import UnfoldAdminPasswordWidget

from mechanic_shop.admin.buttons import ButtonForm
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.admin.refusals import to_domain_error
from mechanic_shop.errors import DomainError

from . import operations, password_changes, passwords
from .models import EMAIL_TAKEN

PASSWORD: dict[str, Any] = {
    "strip": False,
    "max_length": passwords.MAX_PASSWORD,
    "widget": UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
}


class TwicePassword(forms.BaseForm):
    """A new password, typed twice; the hash of it is ``password_hash``."""

    password_hash: str | None = None

    def hash_password(self, email: str) -> None:
        first, second = (self.cleaned_data.get(name) or "" for name in ("password1", "password2"))
        if first != second:
            self.add_error("password2", "The two passwords differ.")
        elif first:
            try:
                self.password_hash = passwords.hash_new_password(
                    first, email=email, field="password1"
                )
            except DomainError as refusal:
                self.add_error("password1", refusal.message)


class UserForm(ShopForm):
    current_password = forms.CharField(
        label="Your present password",
        required=False,
        help_text="only for another e-mail",
        **PASSWORD,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        email = cleaned.get("email")
        if email and operations.email_is_taken(
            email, besides=self.instance if self.instance.pk else None
        ):
            self.add_error("email", EMAIL_TAKEN)
        if self.instance.pk and self.instance.pk == self.request.user.pk:
            self.clean_self(cleaned.get("current_password"))
        return cleaned

    def clean_self(self, password: str | None) -> None:
        """Refuse to lock oneself out, and ask for the password before another e-mail."""
        for name in ("is_active", "is_staff", "is_superuser"):
            if name in self.changed_data:
                self.add_error(
                    name, "Nobody takes this from themselves: ask somebody else who may."
                )
        if "email" in self.changed_data:
            try:
                password_changes.check_current_password(self.instance, password)
            except (DomainError, Throttled) as refusal:
                self.refuse(to_domain_error(refusal))


class NewUserForm(TwicePassword, UserForm):
    password1 = forms.CharField(
        label="Password",
        required=False,
        help_text=(
            "May stay empty: they then set one by “forgot password”, which mails them a link."
        ),
        **PASSWORD,
    )
    password2 = forms.CharField(label="Password again", required=False, **PASSWORD)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.hash_password(cleaned.get("email") or "")
        self.accepted = {
            name: value for name, value in cleaned.items() if name in ("email", "is_staff")
        }
        self.accepted["password"] = self.password_hash or make_password(None)
        return cleaned


class SetPasswordForm(TwicePassword, ButtonForm):
    password1 = forms.CharField(label="New password", **PASSWORD)
    password2 = forms.CharField(label="New password again", **PASSWORD)

    def clean(self) -> dict[str, Any]:
        self.hash_password(self.obj.email)
        self.accepted = {"new_hash": self.password_hash}
        return self.cleaned_data

    def notes(self) -> list[str]:
        return [
            (
                f"{self.obj.email} is logged out everywhere. Only the two of you know the new "
                f"password: they should change it."
            )
        ]
