"""What leaves a job or a ticket takes its amount along: nothing that the customer did
not see is charged with it.
"""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from inventory import operations as stock
from inventory import stock_counts, tax_operations
from inventory.integrity_checks import find_discrepancies as stock_findings
from inventory.models import Part
from mechanic_shop.db import row_locks
from mechanic_shop.errors import DomainError
from tickets.billing import document_body
from tickets.billing.integrity_checks import find_discrepancies as findings
from tickets.desk import requests
from tickets.lifecycle import snapshot
from tickets.models import Job, JobLine, JobStatus, TicketPart
from tickets.work import job_lines, part_edits, tickets
from tickets.work import jobs as work_jobs
from tickets.work import parts as work_parts

from .answers import refused
from .conftest import Client
from .factories import PartFactory, office
from .test_approvals import Ticket, d, fee, tax

pytestmark = pytest.mark.django_db


def approved(*jobs: str, parts: tuple[str, ...] = ()) -> Ticket:
    ticket = Ticket(*jobs, parts=parts)
    ticket.authorize()
    return ticket


def with_part(ticket: Ticket, price: str, job: int | None = None) -> Part:
    part = PartFactory(price=d(price), stock=9)
    work_parts.add_part(
        ticket.fresh(),
        part=part,
        quantity=d("2"),
        job=None if job is None else ticket.jobs[job],
        by=office(),
    )
    return part


def authorized(ticket: Ticket) -> Any:
    return ticket.fresh().authorized_total


# --- what leaves ----------------------------------------------------------------------


def loose_part_off(ticket: Ticket, part: Part) -> None:
    work_parts.remove_part(ticket.fresh(), part=part, job=None, by=office())


def some_of_a_loose_part_off(ticket: Ticket, part: Part) -> None:
    work_parts.remove_part(ticket.fresh(), part=part, quantity=d("1"), by=office())


def loose_part_into_a_job(ticket: Ticket, part: Part) -> None:
    part_edits.edit_part(ticket.fresh(), part=part, job=ticket.jobs[0], by=office())


def part_out_of_a_job(ticket: Ticket, part: Part) -> None:
    part_edits.edit_part(ticket.fresh(), part=part, job=None, by=office())


def part_to_another_job(ticket: Ticket, part: Part) -> None:
    part_edits.edit_part(ticket.fresh(), part=part, job=ticket.jobs[1], by=office())


def part_of_a_job_off(ticket: Ticket, part: Part) -> None:
    work_parts.remove_part(ticket.fresh(), part=part, by=office())


def line_off(ticket: Ticket, part: Part) -> None:
    job_lines.remove_line(ticket.jobs[0], line=ticket.jobs[0].lines.get().pk, by=office())


def fewer_hours(ticket: Ticket, part: Part) -> None:
    line = ticket.jobs[0].lines.get()
    job_lines.edit_line(ticket.jobs[0], line=line.pk, quantity=d("0.5"), by=office())


def job_cancelled(ticket: Ticket, part: Part) -> None:
    work_jobs.cancel_job(ticket.jobs[0], by=office())


LEAVING: dict[Callable[[Ticket, Part], None], int | None] = {
    loose_part_off: None,
    some_of_a_loose_part_off: None,
    loose_part_into_a_job: None,
    part_out_of_a_job: 0,
    part_to_another_job: 0,
    part_of_a_job_off: 0,
    line_off: 0,
    fewer_hours: 0,
    job_cancelled: 0,
}


@pytest.mark.parametrize("tolerance", ["0", "10"])
@pytest.mark.parametrize("leave", LEAVING)
def test_what_leaves_takes_its_amount_along(
    settings: Any, leave: Callable[[Ticket, Part], None], tolerance: str
) -> None:
    settings.SHOP_APPROVAL_TOLERANCE, settings.SHOP_SUPPLIES = d(tolerance), (d("5"), d("0"))
    tax("10")
    ticket = Ticket("100", "200")
    part = with_part(ticket, "52.50", LEAVING[leave])
    ticket.authorize()
    assert authorized(ticket) == d(ticket.estimate["total"])
    leave(ticket, part)
    assert authorized(ticket) <= d(ticket.estimate["authorized"]["total"])
    if "proposed" in ticket.states():
        ticket.authorize()
    assert (
        authorized(ticket)
        == d(ticket.estimate["total"])
        == d(ticket.estimate["authorized"]["total"])
    )
    assert findings() == stock_findings() == []


def test_a_part_that_leaves_an_approved_job_for_the_ticket_stays_approved() -> None:
    ticket = Ticket("100")
    part = with_part(ticket, "50", 0)
    ticket.authorize()
    part_out_of_a_job(ticket, part)
    assert ticket.states() == ["approved", "approved"]
    loose_part_off(ticket, part)
    assert authorized(ticket) == 100


def test_the_place_of_a_removed_part_is_not_taken_by_another_unasked() -> None:
    ticket = approved("200", parts=("105",))
    loose_part_off(ticket, ticket.parts[0])
    with_part(ticket, "50")
    assert ticket.states() == ["approved", "proposed"]


def test_without_tolerance_a_part_that_costs_nothing_is_asked_for_too() -> None:
    ticket = approved("100")
    with_part(ticket, "0")
    assert ticket.states() == ["approved", "proposed"]


# --- what comes back ------------------------------------------------------------------


@pytest.mark.parametrize("rises", [False, True])
def test_supplies_are_approved_once_however_often_the_customer_is_asked(
    settings: Any, rises: bool
) -> None:
    settings.SHOP_SUPPLIES = (d("5"), d("0"))
    tax("10")
    ticket = Ticket()
    labor = {"kind": "labor", "description": "Work", "quantity": d("1"), "unit_price": d("180")}
    ticket.jobs = [work_jobs.add_job(ticket.row, title="Work", lines=[labor], by=office())]
    ticket.authorize()
    for _ in range(3):
        if rises:
            settings.SHOP_SUPPLIES = (settings.SHOP_SUPPLIES[0] + 1, d("0"))
        job_lines.add_line(ticket.jobs[0], **fee("1"), by=office())
        assert authorized(ticket) == 0
        record = ticket.authorize()
        assert authorized(ticket) == record.approved_total == d(ticket.estimate["total"])
    settings.SHOP_SUPPLIES = (d("20"), d("0"))
    assert ticket.estimate["reapproval_needed"]
    ticket.authorize()
    assert not ticket.estimate["reapproval_needed"]
    assert authorized(ticket) == d(ticket.estimate["total"])


def test_what_is_proposed_later_shares_an_amount_off_with_what_was_approved() -> None:
    ticket = Ticket("100")
    tickets.give_discount(ticket.fresh(), discount_amount=d("30"), by=office())
    ticket.authorize()
    late = work_jobs.add_job(ticket.fresh(), title="Late", lines=[fee("900")], by=office())
    record = ticket.authorize(approve=[late.pk], expected_total=d("970"))
    assert [each["total"] for each in record.decisions] == ["873.00", "97.00"]
    assert authorized(ticket) == 970
    assert not ticket.estimate["reapproval_needed"]


@pytest.mark.parametrize("how", ["grew", "declined", "cancelled"])
@pytest.mark.parametrize("tolerance", ["0", "50"])
def test_without_its_trade_in_the_rest_is_asked_for_again(
    settings: Any, how: str, tolerance: str
) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d(tolerance)
    ticket = Ticket("300")
    core = {"kind": "trade_in", "description": "Core", "quantity": d("1"), "unit_price": d("50")}
    given = work_jobs.add_job(ticket.fresh(), title="Core", lines=[core], by=office())
    ticket.authorize()
    assert authorized(ticket) == 250
    if how == "grew":
        job_lines.add_line(given, **fee("60"), by=office())
    elif how == "declined":
        ticket.authorize(decline=[given.pk])
    else:
        work_jobs.cancel_job(given, by=office())
    assert ticket.states()[0] == "proposed"
    assert authorized(ticket) == 0


# --- what was read --------------------------------------------------------------------


@pytest.mark.parametrize("said", ["decline", "defer"])
def test_the_version_knows_what_a_declined_job_costs(advisor: Client, said: str) -> None:
    code = tax("10")
    ticket = Ticket("100")
    ticket.authorize(**{said: [ticket.jobs[0].pk]})
    seen = ticket.estimate
    tax_operations.set_rate(code, rate=d("30"), by=None)
    assert ticket.estimate["total"] == seen["total"] == "0.00"
    body = {"approve": [ticket.jobs[0].pk], "version": seen["version"]}
    refused(advisor.post(f"{ticket.api}authorizations/", body), 409, "estimate_changed")
    assert ticket.states()[0] != "approved"


@pytest.mark.parametrize("field", ["version", "expected_total"])
def test_a_move_to_approved_may_say_which_estimate_was_read(owner: Client, field: str) -> None:
    code = tax("10")
    ticket = Ticket("100")
    ticket.row.save_changes(customer=owner.user.customer)
    seen = {"version": ticket.estimate["version"], "expected_total": ticket.estimate["total"]}
    tax_operations.set_rate(code, rate=d("30"), by=None)
    facts = refused(
        owner.post(f"{ticket.api}transitions/", {"to": "approved", field: seen[field]}),
        409,
        "estimate_changed",
    )
    assert facts["total"] == "130.00"
    assert ticket.fresh().status == "estimate"
    now = ticket.estimate
    assert (
        owner.post(
            f"{ticket.api}transitions/",
            {"to": "approved", "version": now["version"], "expected_total": now["total"]},
        ).status_code
        == 200
    )
    assert authorized(ticket) == 130


def test_only_who_approves_says_which_estimate_was_read(advisor: Client) -> None:
    ticket = approved("100")
    refused(
        advisor.post(
            f"{ticket.api}transitions/", {"to": "in_progress", "expected_total": "100.00"}
        ),
        400,
        field="expected_total",
    )


# --- what the customer said no to, or was not asked about -----------------------------


def declined_part(ticket: Ticket, price: str = "40") -> Part:
    part = with_part(ticket, price)
    ticket.authorize(approve=[job.pk for job in ticket.jobs], decline_parts=[part.pk])
    return part


@pytest.mark.parametrize("tolerance", ["0", "10"])
def test_a_declined_part_is_not_approved_by_more_of_it(settings: Any, tolerance: str) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d(tolerance)
    ticket = Ticket("1000")
    part = declined_part(ticket, "4")
    work_parts.add_part(ticket.fresh(), part=part, by=office())
    assert ticket.states() == ["approved", "proposed"]
    assert ticket.row.lines.get().allocated == 0
    assert authorized(ticket) == 1000


@pytest.mark.parametrize("tolerance", ["0", "10"])
def test_a_declined_part_is_not_approved_by_moving_it(settings: Any, tolerance: str) -> None:
    settings.SHOP_APPROVAL_TOLERANCE = d(tolerance)
    ticket = Ticket("1000", "1000")
    part = with_part(ticket, "4")
    work_parts.add_part(ticket.fresh(), part=part, job=ticket.jobs[0], by=office())
    ticket.authorize(approve=[job.pk for job in ticket.jobs], decline_parts=[part.pk])
    part_edits.edit_part(ticket.fresh(), part=part, from_job=ticket.jobs[0], job=None, by=office())
    assert ticket.states() == ["approved", "approved", "proposed"]
    assert authorized(ticket) == 2000
    part_edits.edit_part(ticket.fresh(), part=part, from_job=None, job=ticket.jobs[1], by=office())
    assert ticket.states() == ["approved", "proposed"]
    assert findings() == stock_findings() == []


def test_nothing_is_held_for_a_part_that_waits_where_no_amount_was_named() -> None:
    ticket = Ticket()
    requests.request_transition(ticket.fresh(), to="approved", by=office())
    job = work_jobs.add_job(ticket.fresh(), title="Job", by=office())
    ticket.jobs = [job]
    part = with_part(ticket, "5", 0)
    part_edits.edit_part(ticket.fresh(), part=part, job=None, by=office())
    work_parts.add_part(ticket.fresh(), part=part, by=office())
    line = ticket.row.lines.get()
    assert (line.status, line.quantity, line.allocated) == ("proposed", 3, 0)


def test_a_job_that_is_deleted_gives_back_what_was_fitted() -> None:
    ticket = Ticket("100")
    part = with_part(ticket, "5", 0)
    ticket.authorize()
    work_jobs.finish_job(ticket.jobs[0], by=office())
    requests.request_transition(ticket.fresh(), to="completed", by=office())
    requests.request_transition(ticket.fresh(), to="in_progress", by=office())
    late = work_jobs.add_job(ticket.fresh(), title="Late", by=office())
    part_edits.edit_part(ticket.fresh(), part=part, job=late, by=office())
    work_jobs.delete_job(late, by=office())
    part.refresh_from_db()
    assert (part.on_hand, part.allocated) == (9, 0)
    assert findings() == stock_findings() == []


def test_what_was_approved_before_amounts_were_kept_is_protected_from_the_next_change_on() -> None:
    tax("8.81")
    ticket = Ticket("100", discount="50")
    ticket.authorize()
    type(ticket.row).objects.filter(pk=ticket.row.pk).update(authorized_total=None)
    Job.objects.update(approved_amount=None)
    tickets.give_discount(ticket.fresh(), by=office())
    assert ticket.states() == ["proposed"]


def test_cheaper_is_always_fine() -> None:
    code = tax("10")
    ticket = approved("100")
    work_jobs.finish_job(ticket.jobs[0], by=office())
    tax_operations.set_rate(code, rate=d("30"), by=None)
    tickets.give_discount(ticket.fresh(), discount_percent=d("1"), by=office())
    assert (ticket.states(), authorized(ticket)) == (["done"], d("110"))
    tickets.give_discount(ticket.fresh(), discount_percent=d("20"), by=office())
    assert not ticket.estimate["reapproval_needed"]


@pytest.mark.parametrize("supplies", [("0", "12.50"), ("5", "0")])
def test_what_is_done_after_all_costs_what_the_page_said(
    settings: Any, supplies: tuple[str, str]
) -> None:
    settings.SHOP_SUPPLIES = tuple(map(d, supplies))
    tax("10")
    ticket = Ticket(discount="10")
    part = with_part(ticket, "100")
    labor = {"kind": "labor", "description": "Work", "quantity": d("1"), "unit_price": d("80")}
    ticket.jobs = [work_jobs.add_job(ticket.fresh(), title="Work", lines=[labor], by=office())]
    ticket.authorize(decline=[ticket.jobs[0].pk], defer_parts=[part.pk])
    shown = ticket.estimate
    (job,) = shown["jobs"]
    record = ticket.authorize(
        approve=[ticket.jobs[0].pk], version=shown["version"], expected_total=d("0")
    )
    assert [each["total"] for each in record.decisions] == [job["total"], job["supplies"]]
    assert record.approved_total == d(ticket.estimate["total"])
    (line, _) = ticket.estimate["lines"]
    record = ticket.authorize(approve_parts=[part.pk])
    assert record.approved_total == d(line["total"]) + d(line["supplies"])
    assert authorized(ticket) == d(ticket.estimate["total"])


# --- locks ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["remove a part", "edit a line", "decide", "cancel a job"])
def test_what_may_go_back_to_the_customer_locks_its_parts_in_their_order(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who needs two of these parts for another ticket would wait for the one,
    and hold the other.
    """
    code = tax("10")
    low, high = sorted(
        (PartFactory(price=d("5"), stock=50) for _ in range(2)), key=lambda part: part.pk
    )
    ticket = Ticket("100", "100", "100")
    first, second = (low, high) if how != "decide" else (high, low)
    work_parts.add_part(ticket.fresh(), part=first, job=ticket.jobs[0], by=office())
    work_parts.add_part(ticket.fresh(), part=second, job=ticket.jobs[1], by=office())
    core = {"kind": "trade_in", "description": "Core", "quantity": d("1"), "unit_price": d("150")}
    job_lines.add_line(
        ticket.jobs[1 if how in ("decide", "cancel a job") else 2], **core, by=office()
    )
    ticket.authorize()
    if how in ("remove a part", "edit a line"):
        tax_operations.set_rate(code, rate=d("30"), by=None)
    line = ticket.jobs[1].lines.first()
    touched = record_parts(monkeypatch)
    {
        "remove a part": lambda: work_parts.remove_part(ticket.fresh(), part=high, by=office()),
        "edit a line": lambda: job_lines.edit_line(
            ticket.jobs[1], line=line.pk, quantity=d("2"), by=office()
        ),
        "decide": lambda: ticket.authorize(defer=[ticket.jobs[1].pk]),
        "cancel a job": lambda: work_jobs.cancel_job(ticket.jobs[1], by=office()),
    }[how]()
    assert touched[0] == {low.pk, high.pk}


def record_parts(monkeypatch: pytest.MonkeyPatch) -> list[set[int]]:
    """The keys of the parts that each lock takes from now on."""
    touched: list[set[int]] = []
    lock_keys, lock_parts = row_locks.lock_keys, stock_counts.lock_parts

    def by_keys(model: Any, keys: Any) -> Any:
        touched.append(set(keys))
        return lock_keys(model, touched[-1])

    def by_parts(keys: Any) -> Any:
        touched.append(set(keys))
        return lock_parts(touched[-1])

    monkeypatch.setattr(row_locks, "lock_keys", by_keys)
    monkeypatch.setattr(stock, "lock_parts", by_parts)
    return touched


# --- anything in any order ------------------------------------------------------------


class Shop:
    """Does something at random to an approved ticket, and knows what the customer said
    yes to.
    """

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.ticket = Ticket("100", "60.55", "33.33")
        self.parts = [PartFactory(price=d(price), stock=500) for price in ("9.99", "52.50", "105")]
        self.agreed: dict[tuple[str, int], dict[str, Decimal]] = {}

    def quantity(self) -> Decimal:
        return Decimal(self.dice.randint(1, 3))

    def job(self) -> Job | None:
        return self.dice.choice([None, *Job.objects.filter(ticket=self.ticket.row)])

    def add_part(self) -> None:
        work_parts.add_part(
            self.ticket.fresh(),
            part=self.dice.choice(self.parts),
            quantity=self.quantity(),
            job=self.job(),
            by=office(),
        )

    def line(self) -> TicketPart:
        return self.dice.choice(list(self.ticket.row.lines.all()))

    def remove_part(self) -> None:
        line = self.line()
        quantity = self.dice.choice([None, Decimal(1)])
        work_parts.remove_part(
            self.ticket.fresh(), part=line.part, job=line.job, quantity=quantity, by=office()
        )

    def move_part(self) -> None:
        line = self.line()
        part_edits.edit_part(
            self.ticket.fresh(), part=line.part, from_job=line.job, job=self.job(), by=office()
        )

    def add_line(self) -> None:
        job_lines.add_line(
            self.dice.choice(self.ticket.jobs),
            **fee(self.dice.choice(["0", "7.77", "40"])),
            by=office(),
        )

    def remove_line(self) -> None:
        line = self.dice.choice(list(JobLine.objects.filter(job__ticket=self.ticket.row)))
        job_lines.remove_line(line.job, line=line.pk, by=office())

    def edit_line(self) -> None:
        line = self.dice.choice(list(JobLine.objects.filter(job__ticket=self.ticket.row)))
        job_lines.edit_line(line.job, line=line.pk, quantity=self.quantity(), by=office())

    def cancel_or_reopen(self) -> None:
        job = self.dice.choice(self.ticket.jobs)
        job.refresh_from_db()
        (work_jobs.reopen_job if job.status == JobStatus.CANCELLED else work_jobs.cancel_job)(
            job, by=office()
        )

    def decide(self) -> None:
        """Anything of anything."""
        sheet = snapshot.load_snapshot(self.ticket.fresh())
        said: dict[str, list[int]] = {}
        for unit in self.dice.sample(sheet.units, self.dice.randint(1, len(sheet.units))):
            answer = self.dice.choice(["approve", "approve", "approve", "decline", "defer"])
            is_job = isinstance(unit, Job)
            said.setdefault(answer if is_job else f"{answer}_parts", []).append(
                unit.pk if is_job else unit.part_id
            )
        self.authorize(**said)

    def authorize(self, **said: list[int]) -> None:
        for told in self.ticket.authorize(**said).decisions:
            if told["kind"] != "supplies":
                said_yes = told["decision"] == JobStatus.APPROVED
                self.agreed[(told["kind"], told["job"] or told["part"])] = (
                    contents(told["lines"]) if said_yes else {}
                )

    def act(self) -> None:
        choices = [
            self.add_part,
            self.remove_part,
            self.move_part,
            self.add_line,
            self.remove_line,
            self.edit_line,
            self.cancel_or_reopen,
        ]
        try:
            self.dice.choice([*choices, self.decide, self.decide, self.decide])()
        except (DomainError, IndexError):
            pass  # the shop refuses it, or there is nothing to do it to

    def check(self) -> None:
        sheet = snapshot.load_snapshot(self.ticket.fresh())
        bill, total = sheet.authorized_bill(), sheet.ticket.authorized_total
        assert total is None or bill.total <= total <= bill.total + sheet.rounding_of(
            sheet.units
        ), (bill.total, total)
        for unit in sheet.authorized():
            kind, key = ("job", unit.pk) if isinstance(unit, Job) else ("part", unit.part_id)
            lines = [document_body.line_facts(line, 1) for line in sheet.price([unit]).lines]
            self.refuse_unasked(
                contents(lines), self.agreed.get((kind, key), {}), is_part=kind == "part"
            )

    def refuse_unasked(
        self, found: dict[str, Decimal], agreed: dict[str, Decimal], *, is_part: bool
    ) -> None:
        everywhere = {
            name: sum(there.get(name, Decimal(0)) for there in self.agreed.values())
            for name in found
        }
        for name, quantity in found.items():
            assert quantity <= (everywhere[name] if is_part else agreed.get(name, Decimal(0))), (
                name,
                quantity,
                agreed,
            )


def contents(lines: list[dict[str, Any]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in lines:
        name = f"{line['description']} at {line['unit_price']}"
        found[name] = found.get(name, Decimal(0)) + Decimal(line["quantity"])
    return found


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_authorized_that_the_customer_was_not_asked_for(
    settings: Any, seed: int
) -> None:
    settings.SHOP_SUPPLIES = (d("5"), d("0")) if seed % 2 else (d("0"), d("12.50"))
    settings.SHOP_TAX_ROUNDING = "line" if seed % 3 else "group"
    tax("8.25")
    shop = Shop(seed)
    for _ in range(60):
        shop.act()
        shop.check()
    if "proposed" in shop.ticket.states():
        shop.authorize()
    shop.check()
    assert findings() == stock_findings() == []
