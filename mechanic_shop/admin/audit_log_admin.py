"""The whole audit trail as one list: also of what was deleted, and by request id."""

from contextvars import ContextVar

from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from mechanic_shop.db.models import AuditEntry

from .audit_history import changes_of
from .base import ShopModelAdmin
from .formatting import in_one_line, moment
from .mixins import ReadOnly

secrets: ContextVar[dict[int, set[str]]] = ContextVar("secrets")
"""The columns that the user of this request must not see, by content type: a page is
one object for all requests.
"""


class AuditEntryAdmin(ReadOnly, ShopModelAdmin):
    """Entries: read, never written. Of each model, as much as its own pages would show
    this user.
    """

    search_fields = ("cid", "object_repr")
    search_help_text = "Request id, or the name of what was changed"
    list_display = ("when", "row", "action", "what", "by_whom", "door", "cid")
    list_display_links = None
    list_select_related = ("actor", "content_type")
    list_filter = (("action", ChoicesDropdownFilter), ("door", ChoicesDropdownFilter))
    fieldsets = (
        (None, {"fields": (("when", "row", "action"), "what", ("by_whom", "door", "cid"))}),
    )
    readonly_fields = ("when", "row", "what", "by_whom")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        hidden = {
            ContentType.objects.get_for_model(model).pk: pages.hidden_in_trail(request)
            for model, pages in self.admin_site._registry.items()
            if isinstance(pages, ShopModelAdmin) and pages.has_view_permission(request)
        }
        secrets.set(hidden)
        return super().get_queryset(request).filter(content_type__in=hidden)

    @display(description="When", ordering="pk")
    def when(self, entry: AuditEntry) -> str:
        return in_one_line(moment(entry.timestamp))

    @display(description="Row")
    def row(self, entry: AuditEntry) -> str:
        return f"{str(entry.content_type.name).capitalize()} {entry.object_repr or entry.object_pk}"

    @display(description="What")
    def what(self, entry: AuditEntry) -> str:
        return format_html_join(
            "",
            "<div>{}</div>",
            ((change,) for change in changes_of(entry, secrets.get()[entry.content_type_id], {})),
        )
