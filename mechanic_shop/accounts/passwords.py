"""Passwords: what is accepted as one, how it is hashed, and the token that resets it."""

from functools import partial
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.utils.http import urlsafe_base64_decode
from rest_framework import serializers

from mechanic_shop.db.transactions import outside
from mechanic_shop.errors import InvalidInput

from .models import User

MAX_PASSWORD = 128  # characters: hashing a megabyte is work that a stranger could make us do


class PasswordField(serializers.CharField):
    """A password as it was typed: never trimmed, never shown."""

    def __init__(self, **kwargs: Any) -> None:
        fixed: dict[str, Any] = {
            "max_length": MAX_PASSWORD,
            "trim_whitespace": False,
            "write_only": True,
            "style": {"input_type": "password"},
        }
        super().__init__(**fixed | kwargs)


def hash_new_password(password: str, *, email: str, name: str = "", field: str = "password") -> str:
    """The hash of a password that passes AUTH_PASSWORD_VALIDATORS; ``email`` and
    ``name`` must not be guessed from it.

    Slow on purpose, so no transaction waits for it. Raises InvalidInput
    ``weak_password`` at ``field``.
    """
    check_new_password(password, email=email, name=name, field=field)
    return outside(("new", password), partial(make_password, password))


def check_new_password(
    password: str, *, email: str, name: str = "", field: str = "password"
) -> None:
    """Raise InvalidInput ``weak_password`` at ``field`` for one that
    AUTH_PASSWORD_VALIDATORS refuse.
    """
    if len(password) > MAX_PASSWORD:
        raise InvalidInput(field, "max_length", f"Use at most {MAX_PASSWORD} characters.")
    owner: Any = User(email=email)
    owner.name = name
    try:
        validate_password(password, owner)
    except ValidationError as error:
        raise InvalidInput(field, "weak_password", " ".join(error.messages)) from error


class ResetTokens(PasswordResetTokenGenerator):
    """Tokens that work once: a new password, a raised epoch, another e-mail or a log-in
    ends them.
    """

    key_salt = "mechanic_shop.accounts.passwords.ResetTokens"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}:{user.session_epoch}"


reset_tokens = ResetTokens()


def user_to_reset(uid: str, token: str) -> User:
    """The user whose password this uid and token may set. Raises InvalidInput
    ``invalid_token``, whatever the reason.
    """
    user = User.objects.filter(pk=user_id_of(uid), is_active=True).first()
    if user is None or not reset_tokens.check_token(user, token):
        raise invalid_token()
    return user


def user_id_of(uid: str) -> int:
    """The id in a mail's ``uid``; 0, which no user has, for nonsense."""
    try:
        text = urlsafe_base64_decode(uid).decode("ascii")
    except ValueError:
        return 0
    return int(text) if text.isdigit() and len(text) <= 18 else 0


def invalid_token() -> InvalidInput:
    return InvalidInput(
        "token", "invalid_token", "This reset was used already, or is too old: ask for a new one."
    )
