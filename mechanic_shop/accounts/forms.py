"""The log-in pages of the browsable API and of the admin: the same way in as the API's."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from rest_framework.exceptions import AuthenticationFailed, Throttled
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.forms import AuthenticationForm as UnfoldAuthenticationForm

from mechanic_shop.errors import Busy, DomainError

from . import password_changes, sessions
from .emails import MAX_EMAIL
from .passwords import MAX_PASSWORD

if TYPE_CHECKING:
    from .models import User


class LoginForm(AuthenticationForm):
    """Log in by e-mail, counted and refused as everywhere else."""

    username = UsernameField(
        label="E-mail", max_length=MAX_EMAIL, widget=forms.EmailInput(attrs={"autofocus": True})
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    error_messages = {"invalid_login": sessions.WRONG_LOGIN, "inactive": sessions.WRONG_LOGIN}

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            self.user_cache = self.log_in(email, password)
            self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data

    def log_in(self, email: str, password: str) -> "User":
        try:
            return sessions.log_in(cast(HttpRequest, self.request), email, password)
        except Throttled as refusal:
            seconds = refusal.wait  # type: ignore[attr-defined]
            raise ValidationError(
                f"Too many attempts, try again in {seconds} seconds.", "throttled"
            ) from refusal
        except Busy as refusal:
            raise ValidationError(refusal.message, refusal.code) from refusal
        except AuthenticationFailed as refusal:
            raise self.get_invalid_login_error() from refusal


class AdminLoginForm(LoginForm, UnfoldAuthenticationForm):
    """The admin's log-in: staff only; others get the error of a wrong password."""


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Change one's own password in the admin, by the API's operation."""

    def clean_old_password(self) -> str:
        # the operation looks at it, and counts the attempt
        return self.cleaned_data.get("old_password", "")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            self.change(cleaned["old_password"], cleaned["new_password1"])
        return cleaned

    def change(self, old: str, new: str) -> None:
        try:
            password_changes.change_password(self.user, old, new, by=self.user)
        except Throttled as refusal:
            self.add_error(
                "old_password",
                f"Too many attempts, try again in {getattr(refusal, 'wait', 0)} seconds.",
            )
        except DomainError as refusal:
            is_new = getattr(refusal, "field", "") == "new_password"
            # the page shows errors of boxes only
            self.add_error("new_password1" if is_new else "old_password", refusal.message)

    def save(self, commit: bool = True) -> "User":
        # this browser's session goes on with these
        self.user.refresh_from_db(fields=["password", "session_epoch"])
        return self.user
