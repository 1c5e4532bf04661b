"""The admin's site: the pages that belong to no model."""

from collections.abc import Callable, Iterator
from functools import partial, wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.dataclasses import SearchResult
from unfold.sites import UnfoldAdminSite

from mechanic_shop.db.transactions import in_rounds
from mechanic_shop.errors import DomainError
from mechanic_shop.http import form_keys
from mechanic_shop.observability import logs

EACH = 5  # rows of a model that a search shows
POPUP = "admin/popup_response.html"
SENT_BEFORE = DomainError(
    "form_sent_before",
    (
        "You sent this form before, with other values, and that was done. Nothing is done "
        "now: send it again if you mean to do both."
    ),
)


def has_effect(request: HttpRequest, response: HttpResponse) -> bool:
    """Did a form do what it was for? Then it leads to another page, or closes the
    window of a choice.
    """
    if getattr(request, "refusal", None) is not None:
        return False
    return response.status_code in (302, 303) or POPUP in (
        getattr(response, "template_name", None) or ()
    )


class ShopAdminSite(UnfoldAdminSite):
    """Unfold's site, with the shop's day as its first page.

    Unfold's own search keeps what was found in the cache for minutes, and fails on an
    odd page number; ours does neither.
    """

    index_title = "Today"

    def login(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        # Unfold's page does not send along where to go, and the setting leads to the
        # API
        if "next" not in request.GET:
            asked: Any = request.GET.copy()
            asked["next"] = reverse(f"{self.name}:index")
            request.GET = asked
        return super().login(request, extra_context)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Answer a missing permission with a page: the API's problem details are for
        programs.
        """
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def shown(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if request.user.is_authenticated:
                logs.user_id.set(str(request.user.pk))
            try:
                return in_rounds(
                    lambda: self.answer_once(request, lambda: inner(request, *args, **kwargs))
                )
            except PermissionDenied:
                return TemplateResponse(
                    request,
                    "admin/refused.html",
                    {**self.each_context(request), "title": "Not for you"},
                    status=403,
                )

        return shown

    def answer_once(self, request: HttpRequest, answer: Callable[[], Any]) -> HttpResponse:
        """Let a form that is sent twice have one effect; one that comes again with
        other values is shown again.
        """
        if request.method != "POST" or not self.has_permission(request):
            return answer()
        try:
            response = form_keys.once(
                request, f"user:{request.user.pk}", answer, is_done=partial(has_effect, request)
            )
        except form_keys.FormChanged:
            request.refusal = SENT_BEFORE  # type: ignore[attr-defined]
            return answer()
        if form_keys.REPLAYED in response:
            messages.info(request, "This form was sent twice. It was done once.")
        return response

    def search(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> HttpResponse:
        """Results of the search box: a few rows of every model that the user may see."""
        term = request.GET.get("s", "").strip()
        if not term:
            return HttpResponse()
        page_source = Paginator(list(self.found(request, term)), 100)
        context = {
            "page_obj": page_source,
            "results": page_source.page(1),
            "page_counter": 0,
            "execution_time": 0,
            "command_show_history": False,
        }
        template = (
            "unfold/helpers/command_results.html"
            if "extended" in request.GET
            else "unfold/helpers/search_results.html"
        )
        return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})

    def found(self, request: HttpRequest, term: str) -> Iterator[SearchResult]:
        # tickets, which are registered last, come first
        for model, pages in reversed(self._registry.items()):
            icon = getattr(pages, "search_icon", None)
            if icon is None or not pages.has_view_permission(request):
                continue
            rows, _ = pages.get_search_results(request, pages.get_queryset(request), term)
            for row in rows[:EACH]:
                link = reverse(
                    f"{self.name}:{model._meta.app_label}_{model._meta.model_name}_change",
                    args=(row.pk,),
                )
                yield SearchResult(
                    title=str(row), description=pages.describe(row), link=link, icon=icon
                )

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, object] | None = None
    ) -> Any:
        # needs the models, which are not there when the site is made
        from mechanic_shop.accounts.forms import (
            OwnPasswordForm,
        )

        request.current_app = self.name
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse(f"{self.name}:password_change_done"),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)
