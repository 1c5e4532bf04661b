from django.contrib.admin.apps import AdminConfig
from django.utils.module_loading import autodiscover_modules


class ShopAdminConfig(AdminConfig):
    """Django's admin, on the shop's own site."""

    default_site = "mechanic_shop.admin.site.ShopAdminSite"

    def ready(self) -> None:
        super().ready()
        autodiscover_modules("navigation")
