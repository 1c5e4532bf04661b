from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    name = "mechanic_shop.accounts"
    label = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from . import renewal, schema  # noqa: F401 - drf-spectacular knows an extension once its module is imported
        from .roles import hand_out_new_permissions

        # Without a sender: it runs for every app, and before django.contrib.auth's own
        # receiver, which is connected later.
        post_migrate.connect(hand_out_new_permissions, dispatch_uid="mechanic_shop.accounts.roles")
        hide_tokens_from_admin()
        renewal.connect()
        autodiscover_modules("roles")
        self.roles = told_roles()  # kept, or its receivers would be gone with it


def told_roles() -> Any:
    """Roles are rows between users and groups, which no ``save`` writes: the library's
    own signals tell of them.
    """
    from auditlog.registry import AuditlogModelRegistry

    from .models import User

    roles = AuditlogModelRegistry(create=False, update=False, delete=False, access=False)
    roles.register(User, m2m_fields={"groups", "user_permissions"})
    return roles


def hide_tokens_from_admin() -> None:
    """simplejwt's admin pages list tokens; whoever reads a token is its user.

    Its module registers them on import, and only once: taken back here, they stay away
    from every site.
    """
    from django.contrib import admin
    from rest_framework_simplejwt.token_blacklist import admin as registers_them  # noqa: F401
    from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

    admin.site.unregister([BlacklistedToken, OutstandingToken])
