"""Do the money's books balance? What series, papers, accounts and tickets say about
each other, added up anew.

Lines, credit notes and payments are added here, by ``pricing``, and not by the
database: SQLite adds decimals as doubles.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.migrations.recorder import MigrationRecorder
from django.db.models import OuterRef, Subquery

from inventory.integrity_checks import one_moment
from inventory.models import ZERO
from inventory.quantities import show

from ..models import (
    AUTHORIZED,
    CreditNote,
    CreditNoteLine,
    CreditNoteLineTax,
    DocumentSeries,
    Invoice,
    InvoiceAccount,
    InvoiceLine,
    InvoiceLineTax,
    JobLine,
    Payment,
    PaymentKind,
    ServiceTicket,
    Status,
    StatusChange,
    TicketPart,
    ticket_number,
)
from ..pricing import arithmetic
from ..pricing import sums as pricing_sums
from ..pricing.amounts import money
from .approval_checks import excess_approvals, unrecorded_approvals
from .customer_checks import find_discrepancies

SETTLED = (Status.INVOICED, Status.CLOSED)
SUMS = ("subtotal", "tax", "total")
KEPT = ("credited", "paid", "refunded", "balance")


@dataclass
class Taken:
    """Of a line of an invoice: what is on it, or what was taken back."""

    quantity: Decimal = ZERO
    net: Decimal = ZERO
    tax: Decimal = ZERO


@dataclass
class Story:
    """What the rows say of one invoice."""

    number: str
    ticket: int
    total: Decimal
    stands: bool  # is anything of it left?
    credited: Decimal = ZERO
    paid: Decimal = ZERO
    refunded: Decimal = ZERO

    @property
    def balance(self) -> Decimal:
        return pricing_sums.balance(
            self.total, credited=self.credited, paid=self.paid, refunded=self.refunded
        )


def findings() -> list[str]:
    """What is wrong, a sentence each; empty when all is right. The same number of
    queries for any shop.
    """
    with one_moment():
        stories: dict[int, Story] = {}
        taken: defaultdict[int, Taken] = defaultdict(Taken)
        return [
            *wrong_numbers(),
            *wrong_credit_notes(taken),
            *wrong_invoices(stories, taken),
            *wrong_line_taxes(),
            *wrong_accounts(stories),
            *wrong_tickets(stories),
            *wrong_credit(),
            *find_discrepancies(),
            *excess_approvals(),
            *unrecorded_approvals(),
        ]


# --- series ---------------------------------------------------------------------------


def wrong_numbers() -> Iterator[str]:
    """Each series has its numbers from 1 to the last, each once."""
    given: defaultdict[str, list[int]] = defaultdict(list)
    for papers in (Invoice, CreditNote):
        for series, sequence, number in (
            papers.objects.order_by("pk").values_list("series", "sequence", "number").iterator()
        ):
            given[series].append(sequence)
            if number != f"{series}-{sequence:06d}":
                yield (
                    f"{number} is number {sequence} of {series}, and should be "
                    f"{series}-{sequence:06d}."
                )
    last = dict(DocumentSeries.objects.values_list("name", "last"))
    for series in sorted({*given, *last}):
        yield from wrong_series(series, sorted(given[series]), last.get(series, 0))


def wrong_series(series: str, numbers: list[int], last: int) -> Iterator[str]:
    before = 0
    for number in numbers:
        if number == before:
            yield f"{series}-{number:06d} was given twice."
        yield from missing(series, before + 1, number - 1)
        before = number
    yield from missing(series, before + 1, last)
    if before > last:
        yield f"{series} has come to {last}, but there is a {series}-{before:06d}."


def missing(series: str, first: int, last: int) -> Iterator[str]:
    if first == last:
        yield f"{series}-{first:06d} is missing."
    elif first < last:
        yield f"{series}-{first:06d} to {series}-{last:06d} are missing."


# --- papers ---------------------------------------------------------------------------


def wrong_credit_notes(taken: dict[int, Taken]) -> Iterator[str]:
    """Each adds up. Adds up in ``taken`` what was taken back of each line of an
    invoice.
    """
    rows = CreditNoteLine.objects.order_by("credit_note_id", "pk").values_list(
        "credit_note_id", "line_id", "quantity", "net", "tax"
    )
    for note, lines in with_lines(CreditNote.objects.order_by("pk"), rows):
        for _, line, *amounts in lines:
            so_far = taken[line]
            taken[line] = Taken(
                *map(
                    arithmetic.add,
                    zip((so_far.quantity, so_far.net, so_far.tax), amounts, strict=True),
                )
            )
        yield from wrong_paper(note, [(net, tax) for *_, net, tax in lines])


def wrong_invoices(stories: dict[int, Story], taken: dict[int, Taken]) -> Iterator[str]:
    """Each adds up, and no more was credited than is on it. Fills ``stories``."""
    rows = InvoiceLine.objects.order_by("invoice_id", "position").values_list(
        "invoice_id", "position", "pk", "quantity", "net", "tax"
    )
    # one of nothing is credited by its note
    credited = set(CreditNote.objects.values_list("invoice_id", flat=True))
    for invoice, lines in with_lines(Invoice.objects.order_by("pk"), rows):
        left = any(taken[key].quantity < quantity for _, _, key, quantity, _, _ in lines)
        stands = left if lines else invoice.pk not in credited
        stories[invoice.pk] = Story(invoice.number, invoice.ticket_id, invoice.total, stands)
        yield from wrong_paper(invoice, [(net, tax) for *_, net, tax in lines])
        for _, place, key, *amounts in lines:
            yield from credited_too_much(
                f"{invoice.number}: line {place}", Taken(*amounts), taken[key]
            )


def wrong_line_taxes() -> Iterator[str]:
    """The taxes of a line, one for each part of its tax code, come to the tax of the
    line.
    """
    for model, taxes, document in (
        (InvoiceLine, InvoiceLineTax, "invoice"),
        (CreditNoteLine, CreditNoteLineTax, "credit_note"),
    ):
        rows = taxes.objects.order_by("line_id", "pk").values_list("line_id", "amount")
        for line, own in with_lines(model.objects.order_by("pk"), rows):
            amount = arithmetic.add(each for _, each in own)
            if amount != line.tax:
                number = getattr(line, document).number
                yield (
                    f"{number}: a line has {money(line.tax)} tax, but its taxes come to "
                    f"{money(amount)}."
                )


def with_lines(papers: Any, lines: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Each paper with its lines, whose first value is its key; both in the order of
    that. Nothing is held in memory for longer.
    """
    groups = groupby(lines.iterator(), key=itemgetter(0))
    key, own = next(groups, (None, None))
    for paper in papers.iterator():
        if key == paper.pk:
            yield paper, list(own)
            key, own = next(groups, (None, None))
        else:
            yield paper, []


def credited_too_much(place: str, line: Taken, back: Taken) -> Iterator[str]:
    if back.quantity > line.quantity:
        yield f"{place} has {show(line.quantity)}, of which {show(back.quantity)} are credited."
    for name, there, credited in (("net", line.net, back.net), ("tax", line.tax, back.tax)):
        # of a trade-in both are less than 0
        if (credited < there) if there < 0 else (credited > there):
            yield f"{place} has {money(there)} {name}, of which {money(credited)} are credited."


def wrong_paper(paper: Any, lines: list[tuple[Decimal, Decimal]]) -> Iterator[str]:
    """The lines come to subtotal and tax, these to the total, and the document that is
    printed says the same of each.
    """
    sums = {
        "subtotal": arithmetic.add(net for net, _ in lines),
        "tax": arithmetic.add(tax for _, tax in lines),
    }
    for name, amount in sums.items():
        if amount != getattr(paper, name):
            yield (
                f"{paper.number}: its {name} is {money(getattr(paper, name))}, but its lines "
                f"come to {money(amount)}."
            )
    if arithmetic.add((paper.subtotal, paper.tax)) != paper.total:
        yield (
            f"{paper.number}: {money(paper.subtotal)} and {money(paper.tax)} tax are not "
            f"{money(paper.total)}."
        )
    try:
        yield from wrong_document(paper, lines)
    except (KeyError, TypeError, ArithmeticError):
        yield f"{paper.number}: its document cannot be read."


def wrong_document(paper: Any, lines: list[tuple[Decimal, Decimal]]) -> Iterator[str]:
    """Amounts are compared as numbers: the shop may have had a currency of other
    decimals.
    """
    told = paper.document
    for name, fact in (("number", paper.number), ("issued_on", paper.issued_on.isoformat())):
        if told[name] != fact:
            yield f"{paper.number}: its {name} is {fact}, but its document says {told[name]}."
    for name in SUMS:
        if Decimal(told[name]) != getattr(paper, name):
            yield (
                f"{paper.number}: its {name} is {money(getattr(paper, name))}, but its "
                f"document says {told[name]}."
            )
    if arithmetic.add(Decimal(tax["amount"]) for tax in told["taxes"]) != paper.tax:
        yield f"{paper.number}: the taxes of its document are not its {money(paper.tax)}."
    printed = [*(line for job in told["jobs"] for line in job["lines"]), *told["lines"]]
    if [(Decimal(line["net"]), Decimal(line["tax"])) for line in printed] != lines:
        yield f"{paper.number}: the lines of its document are others than its own."


# --- accounts -------------------------------------------------------------------------


def wrong_accounts(stories: dict[int, Story]) -> Iterator[str]:
    """Each invoice's account is what its credit notes and payments come to. Adds these
    up in ``stories``.
    """
    for invoice, total in (
        CreditNote.objects.order_by("pk").values_list("invoice_id", "total").iterator()
    ):
        stories[invoice].credited = arithmetic.add((stories[invoice].credited, total))
    deposits: defaultdict[int, Decimal] = defaultdict(Decimal)
    for ticket, invoice, kind, effect in (
        Payment.objects.order_by("pk")
        .values_list("ticket_id", "invoice_id", "kind", "effect")
        .iterator()
    ):
        if invoice is None:
            deposits[ticket] = arithmetic.add((deposits[ticket], effect))
            continue
        if kind == PaymentKind.APPLIED:
            deposits[ticket] = arithmetic.add((deposits[ticket], -effect))
        count(stories[invoice], kind, effect)
    accounts = {account.pk: account for account in InvoiceAccount.objects.iterator()}
    for key, story in stories.items():
        account = accounts.get(key)
        if account is None:
            yield f"{story.number} has no account."
            continue
        for name in KEPT:
            if getattr(account, name) != getattr(story, name):
                yield (
                    f"{story.number}: {money(getattr(account, name))} {name}, but its papers "
                    f"and payments come to {money(getattr(story, name))}."
                )
    for ticket, left in deposits.items():
        if left < 0:
            yield (
                f"{ticket_number(ticket)}: {money(-left)} more was counted on its invoices "
                f"than was paid in advance."
            )


def count(story: Story, kind: str, effect: Decimal) -> None:
    """A payment of an invoice, or a reversal of one, which takes it back on its own
    side.
    """
    if (kind == PaymentKind.REVERSAL and effect > 0) or kind == PaymentKind.REFUND:
        story.refunded = arithmetic.add((story.refunded, -effect))
    else:
        story.paid = arithmetic.add((story.paid, effect))


def wrong_credit() -> Iterator[str]:
    """What was taken from one ticket of a customer was counted on another."""
    sums: defaultdict[int, Decimal] = defaultdict(Decimal)
    for customer, effect in Payment.objects.filter(kind=PaymentKind.CREDIT).values_list(
        "customer_id", "effect"
    ):
        sums[customer] = arithmetic.add((sums[customer], effect))
    for customer, left in sums.items():
        if left:
            yield f"Customer {customer}: {money(left)} of credit was moved to or from nowhere."


# --- tickets --------------------------------------------------------------------------


def wrong_tickets(stories: dict[int, Story]) -> Iterator[str]:
    """What is invoiced or closed has one invoice that stands, nothing else has one, and
    what is closed owes nothing.
    """
    live: defaultdict[int, list[Story]] = defaultdict(list)
    for story in stories.values():
        if story.stands:
            live[story.ticket].append(story)
    known = {story.ticket for story in stories.values()}
    moved = (
        StatusChange.objects.filter(ticket=OuterRef("pk"), to_status__in=SETTLED)
        .order_by("pk")
        .values("at")[:1]
    )
    since, billable = invoices_since(), set(with_work())
    for key, status, at in (
        ServiceTicket.objects.order_by("pk").values_list("pk", "status", Subquery(moved)).iterator()
    ):
        standing = live[key]
        names = ", ".join(story.number for story in standing)
        if status not in (Status.INVOICED, Status.CLOSED):
            if standing:
                yield f"{ticket_number(key)} is {status}, but {names} stands."
            continue
        if key not in known and at is not None and since is not None and at < since:
            continue
        if not standing and status == Status.CLOSED and key not in billable:
            continue  # nothing was to be invoiced
        if len(standing) != 1:
            yield (
                f"{ticket_number(key)} is {status}, but has "
                f"{f'{names} at once' if standing else 'no invoice that stands'}."
            )
        owed = arithmetic.add(story.balance for story in standing)
        if status == Status.CLOSED and owed > 0:
            yield f"{ticket_number(key)} is closed, but {money(owed)} of {names} are not paid."


def with_work() -> Iterator[int]:
    """Tickets with something that the customer approved."""
    yield from (
        JobLine.objects.filter(job__status__in=AUTHORIZED)
        .values_list("job__ticket", flat=True)
        .distinct()
    )
    yield from TicketPart.objects.authorized().values_list("ticket", flat=True).distinct()


def invoices_since() -> Any:
    """When this database learned of invoices: what was closed before has none, and
    needs none.
    """
    rows = MigrationRecorder.Migration.objects.filter(app="tickets", name="0002_jobs_and_money")
    return rows.values_list("applied", flat=True).first()
