"""Django's command, which by itself takes any password that comes from the environment."""

import os
from typing import Any

from django.contrib.auth.management.commands import createsuperuser
from django.core.management.base import CommandError

from mechanic_shop.accounts.passwords import check_new_password
from mechanic_shop.errors import InvalidInput

VARIABLE = "DJANGO_SUPERUSER_PASSWORD"


class Command(createsuperuser.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        password = os.environ.get(VARIABLE, "")
        if not options["interactive"] and password:
            email = options["email"] or os.environ.get("DJANGO_SUPERUSER_EMAIL", "")
            try:
                check_new_password(password, email=email)
            except InvalidInput as refusal:
                raise CommandError(f"{VARIABLE} does not work: {refusal.message}") from refusal
        return super().handle(*args, **options)
