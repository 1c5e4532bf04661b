"""The shared estimate as a page: it works without scripts and cookies."""

from collections.abc import Collection
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.views import View

from mechanic_shop.errors import DomainError
from mechanic_shop.http import form_keys
from mechanic_shop.http.errors import Unavailable, from_django
from mechanic_shop.http.throttling import address_of, count_request
from mechanic_shop.observability import logs

from ..models import Authorization, ShareLink
from . import share_links
from .page_context import authorization_shown, contact, page
from .page_form import answer_of, undecided
from .serializers import DecideSerializer
from .views import PRIVATE, estimate

UNREADABLE_NOTE = "Your note is too long, or has characters in it that cannot be saved."
CHOOSE = "Choose one for each job, then send your answer."
REFUSALS = {
    "estimate_changed": (
        "The garage changed this estimate while you were reading it, so nothing was saved. "
        "Look at it again, then send your answer."
    ),
    "job_decided": (
        "One of these jobs was decided on in the meantime, so nothing was saved. This is how "
        "things stand now."
    ),
    "nothing_to_decide": "There is nothing left to decide on: every job has its answer already.",
    "trade_in_exceeds_total": (
        "What the garage takes in from you is worth more than the work that you chose, "
        "so nothing was saved. Choose more of the work, or call the garage."
    ),
    "ticket_locked": (
        "The garage has finished with this estimate, so your answer could not be saved. Call "
        "the garage if something is wrong."
    ),
}
FORM = "application/x-www-form-urlencoded"


class SharedPage(View):
    """The estimate as a page that works without scripts and cookies."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            response = self.counted(request, *args, **kwargs)
        except (SuspiciousOperation, BadRequest):
            response = sorry(
                400,
                "bad_request",
                "Something was missing",
                "Your answer did not arrive whole. Go back, reload the page, send it again.",
            )
        except DatabaseError as error:
            if not isinstance(from_django(error), Unavailable):
                raise
            response = sorry(
                503,
                "database_unavailable",
                "Just a moment",
                "The garage's system does not answer. Try again in a minute.",
            )
            response["Retry-After"] = str(Unavailable.wait)
        for name, value in PRIVATE.items():
            response[name] = value
        return response

    def counted(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The answer, unless this address asked too often; the limit is the one of the
        API's routes.
        """
        count = count_request(request, "shared", address_of(request))
        if count is None or not count.over:
            response = super().dispatch(request, *args, **kwargs)
        else:
            response = sorry(
                429,
                "throttled",
                "Too many visits",
                "This page was asked for very often. Try again later, or call the garage.",
            )
            response["Retry-After"] = str(count.reset)
        for name, value in (count.headers() if count else {}).items():
            response[name] = value
        return response

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        link = share_links.shared(token)
        return gone() if link is None else show(link, thanks="done" in request.GET)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        link = share_links.shared(token)
        if link is None:
            return gone()
        if request.content_type != FORM:
            return sorry(
                415,
                "unsupported_media_type",
                "Something was missing",
                "Use the form on the page to send your answer.",
            )
        try:
            response = form_keys.once(
                request,
                f"link:{link.pk}",
                lambda: self.decide(request, token, link),
                is_done=is_saved,
            )
        except form_keys.FormChanged:  # the estimate has another version since
            response = self.decide(request, token, link)
        if is_saved(response):  # only now: an answer that is kept must not hold the token
            response["Location"] = f"{address(token)}?done"
        return response

    def decide(self, request: HttpRequest, token: str, link: ShareLink) -> HttpResponse:
        sent = answer_of(request.POST)
        checked = DecideSerializer(data=sent)
        if not checked.is_valid():
            problem = UNREADABLE_NOTE if "note" in checked.errors else CHOOSE
            return show(link, sent, problem, status=400)
        document = estimate(link)
        if sent["version"] == str(document["version"]) and (
            open_units := undecided(document, sent)
        ):
            return show(link, sent, CHOOSE, missing=open_units, status=400)
        try:
            record = share_links.authorize_shared(token, **checked.validated_data)
        except DomainError as error:
            return refused(token, sent, error)
        return gone() if record is None else HttpResponse(status=303)

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = sorry(
            405,
            "method_not_allowed",
            "That does not work here",
            "Open the link in a browser to see the estimate.",
        )
        response["Allow"] = ", ".join([name.upper() for name in self.http_method_names])
        return response


def refused(token: str, sent: dict[str, Any], error: DomainError) -> HttpResponse:
    """The page as the estimate is now, with why the answer was refused."""
    logs.refusal.set(error.code)
    link = share_links.shared(token)
    if link is None:
        return gone()
    if error.code == "estimate_changed":  # a choice that was made at other prices is none
        sent = {"note": sent["note"]}
    return show(link, sent, REFUSALS.get(error.code, error.message), status=error.status)


def is_saved(response: HttpResponse) -> bool:
    return response.status_code == 303


def address(token: str) -> str:
    return reverse("shared-page", args=[token])


def sorry(status: int, code: str, title: str, text: str) -> HttpResponse:
    """A refusal as a page of the same look."""
    logs.refusal.set(code)
    context = {"title": title, "text": text, "shop": contact()}
    return HttpResponse(render_to_string("tickets/shared_sorry.html", context), status=status)


def gone() -> HttpResponse:
    return sorry(404, "not_found", "This link is no longer valid", "Ask the garage for a new one.")


def show(
    link: ShareLink,
    sent: dict[str, Any] | None = None,
    problem: str = "",
    *,
    missing: Collection[str] = (),
    thanks: bool = False,
    status: int = 200,
) -> HttpResponse:
    """The page; after a refusal with what was chosen, and why it was refused."""
    record = Authorization.objects.filter(share=link).order_by("-pk").first()
    context = page(estimate(link), sent or {}, missing) | {
        "problem": problem,
        "missing": missing,
        "record": record and authorization_shown(record),
        "thanks": thanks and record is not None and not problem,
        "expires_at": link.expires_at,
        "shop": contact(),
    }
    return HttpResponse(render_to_string("tickets/shared.html", context), status=status)
