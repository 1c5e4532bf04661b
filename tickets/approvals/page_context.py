"""The shared estimate in words and figures for people, as the page's template shows it."""

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings

from ..lifecycle.snapshot import OFFERED
from ..models import AUTHORIZED, Authorization, JobStatus
from ..pricing import amounts, shop_rules
from ..pricing import money_format as printed
from .page_form import CHOICES, choice_of, field_of, units_of, waits

DECISIONS = {"approved": "approved", "declined": "declined", "deferred": "put off"}
UNITS = {"each": "", "hour": "h"}
STATES = {
    JobStatus.PROPOSED: "Waiting for you",
    JobStatus.APPROVED: "Approved",
    JobStatus.DONE: "Done",
    JobStatus.DECLINED: "Declined",
    JobStatus.DEFERRED: "Put off",
    JobStatus.CANCELLED: "Withdrawn",
}
# people change their minds
DECIDABLE_AGAIN = (JobStatus.DECLINED, JobStatus.DEFERRED)


def contact() -> dict[str, Any]:
    shop = shop_rules.letterhead()
    return shop | {"dial": re.sub(r"[^+0-9]", "", shop["phone"])}


def page(
    document: dict[str, Any], sent: dict[str, Any], missing: Collection[str]
) -> dict[str, Any]:
    """The estimate in words and figures for people."""
    jobs = [unit_shown(unit, sent, missing) for unit in units_of(document)]
    decidable = document["decidable"]
    waiting = [job for job in jobs if waits(job, document)]
    apart = [job for job in jobs if job["status"] not in OFFERED]
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
        "taxes": [tax_shown(tax) for tax in document["taxes"]],
        "approved": money(document["authorized_total"] or document["authorized"]["total"]),
        "note": sent.get("note", ""),
    }


def tax_shown(tax: dict[str, Any]) -> dict[str, str]:
    return {
        "name": tax["name"],
        "rate": printed.number(tax["rate"]),
        "amount": money(tax["amount"]),
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
        "again": job["status"] in DECIDABLE_AGAIN,
    }


def line_shown(line: dict[str, Any]) -> dict[str, Any]:
    quantity = f"{printed.number(line['quantity'])} {UNITS.get(line['unit'], line['unit'])}".strip()
    how = f"{quantity} × {money(line['unit_price'])}" + (
        f", less {money(line['discount'])}" if Decimal(line["discount"]) else ""
    )
    # Of one thing at its price the amount says all.
    shows_sum = quantity != "1" or "less" in how
    return {
        "description": line["description"],
        "sum": how if shows_sum else "",
        "amount": money(line["amount"]),
    }


def vehicle_shown(vehicle: dict[str, Any] | None) -> dict[str, Any] | None:
    if vehicle is None:
        return None
    name = " ".join(str(vehicle[part]) for part in ("year", "make", "model") if vehicle[part])
    return vehicle | {"name": name or vehicle["plate"] or "Your vehicle"}


def authorization_shown(record: Authorization) -> dict[str, Any]:
    """What was decided last by this link."""
    decisions = [
        {"title": entry["title"], "decision": DECISIONS[entry["decision"]]}
        for entry in record.decisions
        if entry.get("kind") != "supplies"
    ]
    approved = any(entry["decision"] == JobStatus.APPROVED for entry in record.decisions)
    return {
        "at": record.at,
        "note": record.note,
        "decisions": decisions,
        "total": money(amounts.money(record.approved_total)) if approved else "",
        "supplies": any(entry.get("kind") == "supplies" for entry in record.decisions),
    }


def money(amount: str | Decimal) -> str:
    """As it is printed on documents."""
    return printed.money(str(amount), settings.SHOP_CURRENCY)
