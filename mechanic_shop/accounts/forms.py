"""The log-in pages of the browsable API and of the admin: the same way in as the API's."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UsernameField
from django.core.exceptions import ValidationError
from rest_framework.exceptions import AuthenticationFailed, Throttled
from unfold.forms import AuthenticationForm as UnfoldAuthenticationForm

from . import operations
from .emails import MAX_EMAIL
from .passwords import MAX_PASSWORD


class LoginForm(AuthenticationForm):
    """Log in by e-mail, counted and refused as everywhere else."""

    username = UsernameField(label="E-mail", max_length=MAX_EMAIL, widget=forms.EmailInput(attrs={"autofocus": True}))
    password = forms.CharField(
        label="Password", strip=False, max_length=MAX_PASSWORD, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    error_messages = {"invalid_login": operations.WRONG_LOGIN, "inactive": operations.WRONG_LOGIN}

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            self.user_cache = self.log_in(email, password)
            self.confirm_login_allowed(self.user_cache)
        return self.cleaned_data

    def log_in(self, email: str, password: str) -> Any:
        try:
            return operations.log_in(self.request, email, password)
        except Throttled as refusal:
            seconds = refusal.wait  # type: ignore[attr-defined]
            raise ValidationError(f"Too many attempts, try again in {seconds} seconds.", "throttled") from refusal
        except AuthenticationFailed as refusal:
            raise self.get_invalid_login_error() from refusal


class AdminLoginForm(LoginForm, UnfoldAuthenticationForm):
    """The admin's: staff only, and others are told what a wrong password is told."""
