"""The customer's door without an account: whoever has a link sees one estimate, and
decides on its jobs.

The token in the address is all that is asked for, and no cookie says who it is. So
another site can make nobody's browser decide: it would have to know the token, and then
needs no browser. That is why the page's form bears no CSRF token (docs/security.md).
"""

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.views import View
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from mechanic_shop.accounts.views import OpenView
from mechanic_shop.errors import DomainError
from mechanic_shop.http import form_keys
from mechanic_shop.http.concurrency import etag_of, not_modified
from mechanic_shop.http.errors import Unavailable, from_django
from mechanic_shop.http.parsers import JSONParser
from mechanic_shop.http.renderers import JSONRenderer, to_json
from mechanic_shop.http.throttling import address_of, count_request
from mechanic_shop.observability import logs

from .. import operations
from ..billing import estimates
from ..lifecycle import snapshot
from ..models import AUTHORIZED, EDITABLE_STATUSES, Authorization, JobStatus, ShareLink
from ..pricing import money_format as printed
from ..pricing import shop_rules
from .serializers import DecideSerializer, SharedAuthorizationSerializer, SharedEstimateSerializer

NO_LINK = "This link is no longer valid. Ask the garage for a new one."
# The address is the key: no cache keeps what it opens, no search engine lists it, no
# other page is told where one came from.
PRIVATE = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


def estimate(link: ShareLink) -> dict[str, Any]:
    """What the link shows: the estimate, but for what its reader has no use for, such
    as where the customer lives.
    """
    ticket = link.ticket
    document = estimates.estimate(ticket) | {
        "decidable": ticket.status in EDITABLE_STATUSES,
        "expires_at": link.expires_at,
    }
    document["ticket"] |= {"status": ticket.status}
    return SharedEstimateSerializer(document).data


class SharedRoute(OpenView):
    """A route whose address holds a token: JSON alone, since a page of the API would
    put its address into other links.
    """

    throttle_scopes = dict.fromkeys(
        ("get", "head", "post", "put", "patch", "delete", "options"), "shared"
    )
    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)

    def link(self) -> ShareLink:
        """Unknown, expired, revoked or with a ticket that is gone: all are the same
        404.
        """
        link = operations.shared(self.kwargs["token"])
        if link is None:
            raise NotFound(NO_LINK)
        return link

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in PRIVATE.items():
            response[name] = value
        return response


class SharedView(SharedRoute):
    serializer_class = SharedEstimateSerializer

    @extend_schema(
        summary="The estimate behind a link", auth=[], responses=SharedEstimateSerializer
    )
    def get(self, request: Any, token: str) -> Response:
        """The estimate that a link was made for, as its customer sees it. No account is
        needed; the token is the key.
        """
        data = estimate(self.link())
        tag = etag_of(to_json(data))
        if not_modified(request, tag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return Response(data, headers={"ETag": tag})


class SharedAuthorizationsView(SharedRoute):
    serializer_class = DecideSerializer

    @extend_schema(
        summary="Decide on the jobs of an estimate",
        auth=[],
        responses={201: SharedAuthorizationSerializer},
    )
    def post(self, request: Any, token: str) -> Any:
        """Approve, decline or put off jobs; all that are proposed are approved where
        none is named.

        `version` and `expected_total` are the estimate's that was read: 409
        `estimate_changed` when one is another by now, so that nobody agrees to prices
        unseen.
        """
        # before the body is looked at, and before an answer is replayed to whoever had
        # a link
        self.link()
        details: dict[str, Any] = {}

        def answer() -> Response:
            record = operations.authorize_shared(token, **details)
            if record is None:
                raise NotFound(NO_LINK)
            return Response(decided(record), status=status.HTTP_201_CREATED)

        return self.write(request, answer, lambda: details.update(self.body()))


def decided(record: Authorization) -> dict[str, Any]:
    told = {name: getattr(record, name) for name in ("at", "channel", "note", "decisions")}
    return SharedAuthorizationSerializer(
        told | {"id": record.pk, "approved_total": snapshot.money(record.approved_total)}
    ).data


# --- the page -------------------------------------------------------------------------

CHOICES = {"approve": "Approve", "defer": "Later", "decline": "Decline"}
SAID = {"approved": "approved", "declined": "declined", "deferred": "put off"}
UNITS = {"each": "", "hour": "h"}
STATES = {
    JobStatus.PROPOSED: "Waiting for you",
    JobStatus.APPROVED: "Approved",
    JobStatus.DONE: "Done",
    JobStatus.DECLINED: "Declined",
    JobStatus.DEFERRED: "Put off",
    JobStatus.CANCELLED: "Withdrawn",
}
AGAIN = (JobStatus.DECLINED, JobStatus.DEFERRED)  # people change their minds
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

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
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

    def counted(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The answer, unless this address asked too often; the limit is the one of the
        API's routes.
        """
        count = count_request(request, "shared", address_of(request))
        if count is None or not count.over:
            response: Any = super().dispatch(request, *args, **kwargs)
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
        link = operations.shared(token)
        return gone() if link is None else show(link, thanks="done" in request.GET)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        link = operations.shared(token)
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
            problem = (
                "Your note is too long, or has characters in it that cannot be saved."
                if "note" in checked.errors
                else CHOOSE
            )
            return show(link, sent, problem, status=400)
        document = estimate(link)
        if sent["version"] == str(document["version"]) and (
            open_units := undecided(document, sent)
        ):
            return show(link, sent, CHOOSE, missing=open_units, status=400)
        try:
            record = operations.authorize_shared(token, **checked.validated_data)
        except DomainError as error:
            logs.refusal.set(error.code)
            now = operations.shared(token)
            if error.code == "estimate_changed":  # a choice that was made at other prices is none
                sent = {"note": sent["note"]}
            return (
                gone()
                if now is None
                else show(now, sent, REFUSALS.get(error.code, error.message), status=error.status)
            )
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
        response["Allow"] = ", ".join(self._allowed_methods())
        return response


def is_saved(response: HttpResponse) -> bool:
    return response.status_code == 303


def address(token: str) -> str:
    return reverse("shared-page", args=[token])


def answer_of(form: Any) -> dict[str, Any]:
    """The page's form as the body that the API takes."""
    said: dict[str, Any] = {f"{choice}{kind}": [] for choice in CHOICES for kind in ("", "_parts")}
    for name, value in form.items():
        kind, _, key = name.partition("-")
        if kind in ("job", "part") and value in CHOICES:
            said[value if kind == "job" else f"{value}_parts"].append(key)
    # A browser counts a line break of the note as one character, and sends two.
    note = form.get("note", "").replace("\r\n", "\n")
    total = {"expected_total": form["expected_total"]} if "expected_total" in form else {}
    return said | total | {"note": note, "version": form.get("version", "")}


def field_of(unit: dict[str, Any]) -> str:
    """The form's field that decides on a job, or on a part outside jobs."""
    return f"part-{unit['part']}" if "part" in unit else f"job-{unit['id']}"


def choice_of(unit: dict[str, Any], sent: dict[str, Any]) -> str:
    """What the form says of a job or part; empty for nothing."""
    kind, _, key = field_of(unit).partition("-")
    fields = {choice: choice if kind == "job" else f"{choice}_parts" for choice in CHOICES}
    return next(
        (choice for choice, field in fields.items() if key in map(str, sent.get(field, ()))), ""
    )


def units_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The jobs, and the parts outside jobs."""
    return [*document["jobs"], *(line for line in document["lines"] if "part" in line)]


def waits(unit: dict[str, Any], document: dict[str, Any]) -> bool:
    """Does it wait for the customer: for the first time, or since it costs more than
    was approved?
    """
    return unit["status"] == JobStatus.PROPOSED or (
        document["reapproval_needed"] and unit["status"] in AUTHORIZED
    )


def undecided(document: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """The fields of what waits, and of which the form says nothing. On a page silence
    is no yes.
    """
    waiting = (unit for unit in units_of(document) if waits(unit, document))
    return {field_of(unit) for unit in waiting if not choice_of(unit, sent)}


def sorry(status: int, code: str, title: str, text: str) -> HttpResponse:
    """A refusal as a page of the same look."""
    logs.refusal.set(code)
    context = {"title": title, "text": text, "shop": contact()}
    return HttpResponse(render_to_string("tickets/shared_sorry.html", context), status=status)


def gone() -> HttpResponse:
    return sorry(404, "not_found", "This link is no longer valid", "Ask the garage for a new one.")


def contact() -> dict[str, Any]:
    shop = shop_rules.letterhead()
    return shop | {"dial": re.sub(r"[^+0-9]", "", shop["phone"])}


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
        "record": record and said(record),
        "thanks": thanks and record is not None and not problem,
        "expires_at": link.expires_at,
        "shop": contact(),
    }
    return HttpResponse(render_to_string("tickets/shared.html", context), status=status)


def page(
    document: dict[str, Any], sent: dict[str, Any], missing: Collection[str]
) -> dict[str, Any]:
    """The estimate in words and figures for people."""
    jobs = [unit_shown(unit, sent, missing) for unit in units_of(document)]
    decidable = document["decidable"]
    waiting = [job for job in jobs if waits(job, document)]
    apart = [job for job in jobs if job["status"] not in snapshot.OFFERED]
    return {
        "document": document,
        "issued_on": date.fromisoformat(document["issued_on"]),
        "vehicle": vehicle_shown(document["vehicle"]),
        "waiting": waiting,
        "agreed": [job for job in jobs if job["status"] in AUTHORIZED and not waits(job, document)],
        "apart": apart,
        "loose": [line_shown(line) for line in document["lines"] if "part" not in line],
        "form": decidable and bool(waiting or any(job["again"] for job in apart)),
        "decidable": decidable,
        "sums": {name: money(document[name]) for name in ("subtotal", "total")},
        "discount": money(document["discount"]) if Decimal(document["discount"]) else "",
        "taxes": [
            {
                "name": tax["name"],
                "rate": printed.number(tax["rate"]),
                "amount": money(tax["amount"]),
            }
            for tax in document["taxes"]
        ],
        "approved": money(document["authorized_total"] or document["authorized"]["total"]),
        "note": sent.get("note", ""),
    }


def unit_shown(
    job: dict[str, Any], sent: dict[str, Any], missing: Collection[str]
) -> dict[str, Any]:
    """A job, or a part outside jobs, as a card of the page."""
    chosen = choice_of(job, sent)
    lines = job.get("lines") or [job]
    share = sum((Decimal(line["share"]) for line in lines), Decimal(0))
    return job | {
        "field": field_of(job),
        "title": job.get("title") or job["description"],
        "lines": [line_shown(line) for line in lines],
        "share": money(share) if share else "",
        "total": money(job["total"]),
        "tax": money(job["tax"]) if Decimal(job["tax"]) else "",
        "state": STATES[JobStatus(job["status"])],
        "supplies": money(job["supplies"]) if Decimal(job.get("supplies", 0)) else "",
        # What is done is not undone by a no: the shop is asked about its price.
        "choices": [
            {"value": value, "label": label, "chosen": value == chosen}
            for value, label in CHOICES.items()
            if value == "approve" or job["status"] != JobStatus.DONE
        ],
        "chosen": chosen,
        "missing": field_of(job) in missing,
        "again": job["status"] in AGAIN,
    }


def line_shown(line: dict[str, Any]) -> dict[str, Any]:
    quantity = f"{printed.number(line['quantity'])} {UNITS.get(line['unit'], line['unit'])}".strip()
    how = f"{quantity} × {money(line['unit_price'])}" + (
        f", less {money(line['discount'])}" if Decimal(line["discount"]) else ""
    )
    # Of one thing at its price the amount says all.
    told = quantity != "1" or "less" in how
    return {
        "description": line["description"],
        "sum": how if told else "",
        "amount": money(line["amount"]),
    }


def vehicle_shown(vehicle: dict[str, Any] | None) -> dict[str, Any] | None:
    if vehicle is None:
        return None
    name = " ".join(str(vehicle[part]) for part in ("year", "make", "model") if vehicle[part])
    return vehicle | {"name": name or vehicle["plate"] or "Your vehicle"}


def said(record: Authorization) -> dict[str, Any]:
    told = [
        {"title": told["title"], "decision": SAID[told["decision"]]}
        for told in record.decisions
        if told.get("kind") != "supplies"
    ]
    approved = any(told["decision"] == JobStatus.APPROVED for told in record.decisions)
    return {
        "at": record.at,
        "note": record.note,
        "decisions": told,
        "total": money(snapshot.money(record.approved_total)) if approved else "",
        "supplies": any(told.get("kind") == "supplies" for told in record.decisions),
    }


def money(amount: str | Decimal) -> str:
    """As on paper."""
    return printed.money(str(amount), settings.SHOP_CURRENCY)
