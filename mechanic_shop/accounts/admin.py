"""Staff and other log-ins, and the roles. Nobody gives, or takes over, more rights than
they have.
"""

from typing import TYPE_CHECKING, Any, cast

from auditlog import admin as auditlogs_admin  # noqa: F401 - registers its page of entries, which makes room for ours
from django.contrib import admin
from django.db.models import Field as DBField
from django.db.models import Model, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.contrib.filters.admin import BooleanRadioFilter, DropdownFilter
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from mechanic_shop.admin.audit_log_admin import AuditEntryAdmin
from mechanic_shop.admin.base import ShopModelAdmin
from mechanic_shop.admin.buttons import ButtonForm, button
from mechanic_shop.admin.forms import ShopForm
from mechanic_shop.db import row_locks
from mechanic_shop.db.models import AuditEntry
from mechanic_shop.errors import DomainError

from . import (
    operations,
    password_changes,
    role_admin,  # noqa: F401 - registers the page of roles
    sessions,
)
from .admin_forms import NewUserForm, SetPasswordForm, UserForm
from .models import User
from .permission_checks import may_manage, roles_within

if TYPE_CHECKING:
    from unfold.admin import ModelAdmin


class KindFilter(DropdownFilter):
    title = "who"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin") -> list[tuple[str, str]]:
        return [("staff", "Works here"), ("customer", "Customers")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        works_here = (
            Q(is_staff=True)
            | Q(is_superuser=True)
            | Q(groups__isnull=False)
            | Q(mechanic__isnull=False)
        )
        if self.value() == "staff":
            return queryset.filter(works_here).distinct()
        return queryset.filter(customer__isnull=False) if self.value() == "customer" else queryset


@admin.register(User)
class UserAdmin(ShopModelAdmin):
    """Log-ins. A user who did something stays on record: deactivate instead of
    deleting.
    """

    form = UserForm
    search_icon = "badge"
    search_fields = ("email", "mechanic__name", "customer__name")
    search_help_text = "E-mail or name"
    list_display = ("email", "person", "role_names", "is_staff", "is_active", "last_login")
    list_filter = (
        KindFilter,
        ("is_active", BooleanRadioFilter),
        ("is_staff", BooleanRadioFilter),
        "groups",
    )
    ordering = ("email",)
    actions_detail = ("set_password", "log_out_everywhere")
    readonly_fields = ("person", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "person", "is_active")}),
        ("Rights", {"fields": ("is_staff", "groups", "is_superuser")}),
        ("Dates", {"fields": (("last_login", "date_joined"),)}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", ("password1", "password2"), "is_staff", "groups")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super()
            .get_queryset(request)
            .select_related("customer", "mechanic")
            .prefetch_related("groups")
        )

    @display(description="Name")
    def person(self, user: User) -> str:
        person = getattr(user, "mechanic", None) or getattr(user, "customer", None)
        return person.name if person else "–"

    @display(description="Roles")
    def role_names(self, user: User) -> str:
        names = [group.name for group in user.groups.all()]
        return ", ".join(["superuser", *names] if user.is_superuser else names) or "–"

    # --- who may ---

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or (not obj.is_erased and self.manages(request, obj))
        )

    def manages(self, request: HttpRequest, user: User) -> bool:
        """``may_manage``, asked once for each row of a page."""
        answers = vars(request).setdefault("managed", {})
        if user.pk not in answers:
            answers[user.pk] = may_manage(request.user, user)
        return answers[user.pk]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if not request.user.is_superuser:
            for _, options in fieldsets:
                options["fields"] = [name for name in options["fields"] if name != "is_superuser"]
        if obj is not None and obj.pk == request.user.pk:
            fieldsets[0][1]["fields"] = [*fieldsets[0][1]["fields"], "current_password"]
        return fieldsets

    def get_form(
        self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        return super().get_form(
            request, obj, change=change, **kwargs if obj else {**kwargs, "form": NewUserForm}
        )

    def formfield_for_manytomany(
        self, db_field: DBField, request: HttpRequest, **kwargs: Any
    ) -> Any:
        return super().formfield_for_manytomany(
            db_field,
            request,
            **kwargs,
            queryset=roles_within(request.user),
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            help_text="",
        )

    # --- writing ---

    def create_object(self, request: HttpRequest, details: dict[str, Any]) -> User:
        user = operations.create_login(
            details["email"], details["password"], by=cast(User, request.user)
        )
        if details.get("is_staff"):
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        return user

    def save_model(self, request: HttpRequest, obj: User, form: ShopForm, change: bool) -> None:
        if change:
            operations.lock_login(obj.pk)
            if obj.pk == request.user.pk and User.objects.get(pk=obj.pk).revision != obj.revision:
                raise DomainError(
                    "conflict", "Your log-in was changed in this very moment: look at it again."
                )
        super().save_model(request, obj, form, change)

    def change_object(self, request: HttpRequest, user: User, changes: dict[str, Any]) -> None:
        if "email" in changes:
            operations.set_email(user, changes.pop("email"), by=cast(User, request.user))
        if changes.get("is_active") is False:
            operations.deactivate(user, by=cast(User, request.user))
            del changes["is_active"]
        for name, value in changes.items():
            setattr(user, name, value)
        user.save(update_fields=list(changes))

    @button(
        "Set password",
        SetPasswordForm,
        icon="password",
        permission="accounts.change_user",
        variant=ActionVariant.WARNING,
    )
    def set_password(self, request: HttpRequest, user: User, new_hash: str) -> str:
        self.refuse_unless_managed(request, user)
        if user.pk == request.user.pk:
            raise DomainError(
                "own_password",
                (
                    "Your own password you change with the present one: “Change password”, "
                    "below your name."
                ),
            )
        if not password_changes.store_password(user, new_hash):
            raise DomainError(
                "conflict",
                "The log-in was changed in this moment, or is switched off: look at it again.",
            )
        return f"{user.email} has a new password, and is logged out everywhere."

    @button("Log out everywhere", ButtonForm, icon="logout", permission="accounts.change_user")
    def log_out_everywhere(self, request: HttpRequest, user: User) -> str:
        self.refuse_unless_managed(request, user)
        sessions.end_sessions(user, by=cast(User, request.user))
        return f"{user.email} is logged out everywhere."

    def refuse_unless_managed(self, request: HttpRequest, user: User) -> None:
        """Raises DomainError ``outranked``. Which roles the user has, is asked under
        the lock that a change of roles takes.
        """
        now = User(pk=user.pk)
        row_locks.lock(now)
        if not may_manage(request.user, now):
            raise DomainError(
                "outranked",
                f"{user.email} has rights that you do not have: somebody else must do this.",
            )


admin.site.unregister(AuditEntry)
admin.site.register(AuditEntry, AuditEntryAdmin)
