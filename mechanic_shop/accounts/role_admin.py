"""The page of roles, which only a superuser changes."""

from typing import Any

from django.apps import apps
from django.contrib import admin

# Imported first, so that it registers Django's page of groups, which ours replaces.
from django.contrib.auth import admin as djangos_admin  # noqa: F401
from django.contrib.auth.models import Group, Permission
from django.db.models import Field as DBField
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.module_loading import module_has_submodule

from mechanic_shop.admin.base import ShopModelAdmin


def apps_with_roles() -> set[str]:
    """The labels of apps whose permissions an owner gives to roles: Django's groups, and
    each app with a ``roles.py``. The rest of Django's permissions open nothing.
    """
    own = {app.label for app in apps.get_app_configs() if module_has_submodule(app.module, "roles")}
    return own | {"auth"}


admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(ShopModelAdmin):
    """Roles: groups of permissions. Only the owner changes them, since a person who can
    change roles can give themselves every permission.
    """

    search_fields = ("name",)
    list_display = ("name",)
    ordering = ("name",)
    filter_horizontal = ("permissions",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("permissions__content_type")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    has_delete_permission = has_change_permission

    def formfield_for_manytomany(
        self, db_field: DBField, request: HttpRequest, **kwargs: Any
    ) -> Any:
        offered = Permission.objects.filter(content_type__app_label__in=apps_with_roles())
        offered = offered.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs, queryset=offered)

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> Group:
        return Group.objects.create(name=details["name"])

    def change_object(self, request: HttpRequest, group: Group, changes: dict[str, Any]) -> None:
        group.name = changes["name"]
        group.save(update_fields=["name"])
