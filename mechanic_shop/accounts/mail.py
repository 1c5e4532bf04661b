"""Mail sent in the background, so that the time of an answer does not tell whether
there was any.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.db import connections
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from mechanic_shop.observability import metrics

from .models import User
from .passwords import reset_tokens

log = logging.getLogger("shop.mail")
IN_MEMORY = "django.core.mail.backends.locmem.EmailBackend"
# Python waits for them when it ends
mail_pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")


def in_background(task: Callable[..., None], *args: Any) -> Future[None] | None:
    """Run ``task`` in a thread of its own, with the request's id in its log lines.

    Where mail is only kept in memory, as in tests, it runs at once: a thread would not
    see the test's transaction.
    """
    if settings.EMAIL_BACKEND == IN_MEMORY:
        attempt(task, *args)
        return None
    return mail_pool.submit(copy_context().run, attempt_in_thread, task, *args)


def attempt(task: Callable[..., None], *args: Any) -> None:
    try:
        task(*args)
    except Exception:  # nobody waits for the outcome, so the log must have it
        metrics.mail_failures.inc()
        log.exception("a mail could not be sent")


def attempt_in_thread(task: Callable[..., None], *args: Any) -> None:
    try:
        attempt(task, *args)
    finally:
        connections.close_all()  # no request ends here that would do it


def send_reset_mail(user: User) -> None:
    """Tell the owner of the mailbox how to set a new password."""
    context = {
        "shop": settings.SHOP_NAME,
        "path": reverse("auth-password-reset-confirm"),
        "uid": urlsafe_base64_encode(force_bytes(user.pk)),
        "token": reset_tokens.make_token(user),
        "minutes": settings.PASSWORD_RESET_TIMEOUT // 60,
    }
    subject = " ".join(f"{settings.SHOP_NAME}: set a new password".split())  # a header has one line
    send_mail(subject, render_to_string("accounts/password_reset.txt", context), None, [user.email])
