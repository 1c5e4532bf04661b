"""The form of the shared page: what the customer chose, as the body that the API takes."""

from typing import Any

from django.http import QueryDict

from ..models import AUTHORIZED, JobStatus

CHOICES = {"approve": "Approve", "defer": "Later", "decline": "Decline"}


def answer_of(form: QueryDict) -> dict[str, Any]:
    """The page's form as the body that the API takes."""
    chosen: dict[str, Any] = {
        f"{choice}{kind}": [] for choice in CHOICES for kind in ("", "_parts")
    }
    for name, value in form.items():
        kind, _, key = name.partition("-")
        if kind in ("job", "part") and value in CHOICES:
            chosen[value if kind == "job" else f"{value}_parts"].append(key)
    # A browser counts a line break of the note as one character, and sends two.
    note = str(form.get("note", "")).replace("\r\n", "\n")
    total = {"expected_total": form["expected_total"]} if "expected_total" in form else {}
    return chosen | total | {"note": note, "version": form.get("version", "")}


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
