"""Invoices and credit notes: numbered without gaps, written once, and the ticket moves
with them.

Lock order everywhere: the ticket, its parts by id, last the series of numbers.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from customers.models import Customer
from inventory import operations as stock
from inventory.models import ZERO
from mechanic_shop.db.transactions import atomic
from mechanic_shop.errors import DomainError, InvalidInput

from ..lifecycle import price_limits, workflow
from ..lifecycle.allocation import apply_to_lines
from ..lifecycle.locking import lock
from ..lifecycle.snapshot import load_snapshot
from ..lifecycle.transitions import apply_transition
from ..models import (
    CreditNote,
    CreditNoteLine,
    CreditNoteLineTax,
    DocumentSeries,
    Invoice,
    InvoiceAccount,
    InvoiceLine,
    InvoiceLineTax,
    LineKind,
    ServiceTicket,
    Status,
    TicketPart,
)
from ..pricing import amounts as pricing_amounts
from ..pricing import arithmetic, engine, shop_rules
from ..pricing import sums as pricing_sums
from ..pricing.taxes import TaxComponent, TaxShare
from . import document_body, payments
from .documents.text import with_unprintable


@atomic
def issue_invoice(ticket: ServiceTicket, *, reason: str = "", by: Any) -> Invoice:
    """Write the invoice of a completed ticket: what was approved and done, and what is
    on the ticket itself, at today's tax.

    What was paid before counts on it. Raises DomainError ``already_invoiced``,
    ``ticket_not_completed``, ``parts_not_fitted``, ``approval_exceeded`` or
    ``trade_in_exceeds_total``.
    """
    lock(ticket)
    if ticket.status in (Status.INVOICED, Status.CLOSED):
        raise payments.already_invoiced(ticket, "credit it first to issue another")
    if ticket.status != Status.COMPLETED:
        raise DomainError(
            "ticket_not_completed",
            f"{ticket.number} is {ticket.status}: complete it first.",
            ticket_status=ticket.status,
        )
    ensure_fitted(ticket)
    snapshot = load_snapshot(ticket)
    units = snapshot.authorized()
    bill = snapshot.price(units)
    ensure_something_to_invoice(ticket, bill)
    if refusal := price_limits.refused_price(snapshot, bill):
        raise refusal
    deposits = payments.paid_before(ticket)
    apply_transition(ticket, Status.INVOICED, reason=reason, by=by)
    invoice = write_invoice(
        ticket, document_body.body(snapshot, units, bill), bill, deposits, by=by
    )
    write_lines(invoice, bill)
    InvoiceAccount.objects.create(invoice=invoice, balance=invoice.total)
    payments.apply_deposits(invoice, by=by)
    payments.sync_ticket_status(ticket, payments.account_of(invoice), because=invoice.number, by=by)
    return Invoice.objects.with_account().get(pk=invoice.pk)


def ensure_something_to_invoice(ticket: ServiceTicket, bill: engine.Bill) -> None:
    """Raises DomainError ``nothing_to_invoice``."""
    if not bill.lines:
        raise workflow.nothing_is_approved(ticket)


def write_invoice(
    ticket: ServiceTicket, body: dict[str, Any], bill: engine.Bill, deposits: Decimal, *, by: Any
) -> Invoice:
    today = timezone.localdate()
    due_on = today + timedelta(days=settings.SHOP_PAYMENT_DAYS)
    number = next_number(settings.SHOP_INVOICE_SERIES)
    document = {
        "kind": "invoice",
        "number": number["number"],
        "issued_on": today.isoformat(),
        "due_on": due_on.isoformat(),
        **document_body.header(ticket),
        **body,
        "deposits": pricing_amounts.money(deposits),
        "due": pricing_amounts.money(
            max(ZERO, pricing_sums.balance(bill.total, credited=ZERO, paid=deposits, refunded=ZERO))
        ),
    }
    return Invoice.objects.create(
        **number,
        **document_fields(ticket, bill, with_unprintable(document), by=by),
        due_on=due_on,
        tax_rounding=settings.SHOP_TAX_ROUNDING,
        prices_include_tax=settings.SHOP_PRICES_INCLUDE_TAX,
        deposits=deposits,
    )


def document_fields(
    ticket: ServiceTicket, bill: Any, document: dict[str, Any], *, by: Any
) -> dict[str, Any]:
    """What invoices and credit notes share."""
    return {
        "ticket": ticket,
        "customer_id": ticket.customer_id,
        "issued_on": document["issued_on"],
        "by": by,
        "currency": settings.SHOP_CURRENCY,
        "subtotal": bill.subtotal,
        "tax": bill.tax,
        "total": bill.total,
        "document": document,
    }


def write_lines(invoice: Invoice, bill: engine.Bill) -> None:
    """One row for each line of the paper, in its order."""
    on_paper = [
        line for job in invoice.document["jobs"] for line in job["lines"]
    ] + invoice.document["lines"]
    titles = {line["id"]: job["title"] for job in invoice.document["jobs"] for line in job["lines"]}
    costs = {
        id(line.item.source): getattr(line.item.source, "unit_cost", ZERO) for line in bill.lines
    }
    ordered = [*by_place(bill, invoice.document), *([bill.supplies] if bill.supplies else [])]
    rows = InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            position=told["id"],
            kind=told["kind"],
            job_title=titles.get(told["id"], ""),
            description=told["description"],
            quantity=line.item.quantity,
            unit_price=line.item.unit_price,
            net=line.net,
            tax=line.tax,
            tax_name=told["tax_name"],
            tax_rate=told["tax_rate"],
            unit_cost=costs.get(id(line.item.source), ZERO),
            part_id=told["part"] and told["part"]["id"],
            mechanic_id=told["mechanic"] and told["mechanic"]["id"],
        )
        for told, line in zip(on_paper, ordered, strict=True)
    )
    InvoiceLineTax.objects.bulk_create(
        InvoiceLineTax(
            line=row,
            name=share.tax.name,
            rate=share.tax.rate,
            number=share.tax.number,
            on_top=share.tax.on_top,
            base=share.base,
            amount=share.amount,
        )
        for row, line in zip(rows, ordered, strict=True)
        for share in line.tax_shares
    )


def by_place(bill: engine.Bill, document: dict[str, Any]) -> list[engine.Line]:
    """The bill's lines in the order of the paper: job by job, then those of no job."""
    places = {job["id"]: place for place, job in enumerate(document["jobs"])}
    last = len(places)
    return sorted(bill.lines, key=lambda line: places.get(line.item.source.job_id, last))


def next_number(pattern: str) -> dict[str, Any]:
    """The next number of a series. Its row stays locked until the transaction ends,
    which takes the number back if it fails.
    """
    name = pattern.replace("{year}", str(timezone.localdate().year))
    DocumentSeries.objects.get_or_create(name=name)
    DocumentSeries.objects.filter(name=name).update(last=F("last") + 1)
    sequence = DocumentSeries.objects.values_list("last", flat=True).get(name=name)
    return {"series": name, "sequence": sequence, "number": f"{name}-{sequence:06d}"}


def ensure_fitted(ticket: ServiceTicket) -> None:
    """What was returned to stock, by a credit note, is not sold again before it is
    fitted again.
    """
    missing = [
        line
        for line in TicketPart.objects.filter(ticket=ticket).authorized().select_related("part")
        if line.backordered
    ]
    if missing:
        named = ", ".join(f"{stock.show(line.backordered)} × {line.part.sku}" for line in missing)
        raise DomainError(
            "parts_not_fitted",
            (
                f"Not fitted any more: {named}. Reopen the ticket, and complete it again or "
                f"remove them."
            ),
        )


# --- credit notes ---------------------------------------------------------------------


@atomic
def credit(
    invoice: Invoice,
    *,
    reason: str,
    lines: Sequence[dict[str, Any]] = (),
    restock: bool = False,
    by: Any,
) -> CreditNote:
    """Take an invoice back: in full where no lines are named, else these: {line: its
    place on the paper, quantity?, restock?}.

    Without a quantity it is all that is left. Each line bears its share of net and tax.
    With ``restock`` parts go back on the shelf. When nothing of the invoice is left its
    ticket is completed again, and may be invoiced anew. Raises DomainError
    ``nothing_to_credit``, ``more_than_invoiced`` or ``trade_in_exceeds_total``;
    InvalidInput for a line that is not there.
    """
    ticket = invoice.ticket
    lock(ticket)
    Customer.objects.refuse_erased(ticket.customer_id)  # their tickets never open again
    rest = left_of(invoice)
    chosen = chosen_lines(invoice, rest, lines, restock)
    if not chosen and (rest or payments.account_of(invoice).is_credited):
        raise DomainError("nothing_to_credit", f"{invoice.number} is credited in full already.")
    ensure_not_below_nothing(invoice, rest, chosen)
    note = write_credit_note(invoice, chosen, reason=reason, by=by)
    put_back(ticket, note, [each for each in chosen if each["restock"]], by=by)
    account = payments.account_of(invoice)
    account.credited += note.total
    taken = {each["line"].pk: each["quantity"] for each in chosen}
    account.is_credited = all(
        taken.get(key, ZERO) + before == line.quantity for key, (line, before) in rest.items()
    )
    payments.save(account)
    if account.is_credited:
        apply_transition(ticket, Status.COMPLETED, reason=f"{note.number}: {reason}"[:500], by=by)
    else:
        payments.sync_ticket_status(ticket, account, because=note.number, by=by)
    return note


def left_of(invoice: Invoice) -> dict[int, tuple[InvoiceLine, Decimal]]:
    """{line: (itself, how much of it was credited)}."""
    credited: dict[int, Decimal] = {}
    for key, quantity in CreditNoteLine.objects.filter(line__invoice=invoice).values_list(
        "line_id", "quantity"
    ):
        credited[key] = credited.get(key, ZERO) + quantity
    lines = invoice.lines.select_related("part").prefetch_related("taxes").order_by("position")
    return {line.pk: (line, credited.get(line.pk, ZERO)) for line in lines}


def chosen_lines(
    invoice: Invoice,
    rest: dict[int, tuple[InvoiceLine, Decimal]],
    named: Sequence[dict[str, Any]],
    restock: bool,
) -> list[dict[str, Any]]:
    """[{line, quantity, before, restock}] of what is to be credited."""
    places = {line.position: (line, before) for line, before in rest.values()}
    if not named:
        named = [
            {"line": place} for place, (line, before) in places.items() if line.quantity > before
        ]
    found = []
    for place, each in enumerate(named):
        if each["line"] not in places:
            raise InvalidInput(
                f"lines.{place}.line",
                "line_of_another_invoice",
                f"{invoice.number} has no line {each['line']}.",
            )
        line, before = places.pop(each["line"])
        left = line.quantity - before
        quantity = each.get("quantity") or left
        if quantity > left or not left:
            detail = (
                f"{stock.show(left)} of line {line.position} are left to credit."
                if left
                else f"Line {line.position} is credited in full already."
            )
            raise DomainError("more_than_invoiced", detail, line=line.position, left=str(left))
        if line.part is not None:
            line.part.check_quantity(quantity, f"lines.{place}.quantity")
        back = each.get("restock", restock) and line.kind == "part"
        found.append({"line": line, "quantity": quantity, "before": before, "restock": back})
    return found


def ensure_not_below_nothing(
    invoice: Invoice, rest: dict[int, tuple[InvoiceLine, Decimal]], chosen: list[dict[str, Any]]
) -> None:
    """Neither the credit note nor what it leaves of the invoice comes to less than
    nothing. Raises DomainError ``trade_in_exceeds_total``.
    """
    if not any(line.kind == LineKind.TRADE_IN for line, _ in rest.values()):
        return
    taken = {each["line"].pk: each["quantity"] for each in chosen}
    back = [(line, taken[key], before) for key, (line, before) in rest.items() if key in taken]
    gone = {key: before + taken.get(key, ZERO) for key, (_, before) in rest.items()}
    left = [(line, line.quantity - gone[key], gone[key]) for key, (line, _) in rest.items()]
    way_out = "credit a trade-in together with the work on which it was counted"
    for name, rows in (("The credit note", back), (f"What is left of {invoice.number}", left)):
        sums = pricing_sums.credit_sums(
            (net, [part for _, part in taxes]) for net, taxes in (share_of(*row) for row in rows)
        )
        if sums.shortfall:
            raise price_limits.below_nothing(f"{name} would come to", sums, way_out)


def share_of(
    line: InvoiceLine, quantity: Decimal, before: Decimal
) -> tuple[Decimal, list[tuple[InvoiceLineTax, TaxShare]]]:
    """What ``quantity`` of a line bears of its net and its taxes, when ``before`` was
    credited already.
    """
    share = (quantity, line.quantity, before, shop_rules.rounding())
    return pricing_sums.part_of(line.net, *share), [
        (tax, credited_share(tax, share)) for tax in line.taxes.all()
    ]


def write_credit_note(
    invoice: Invoice, chosen: list[dict[str, Any]], *, reason: str, by: Any
) -> CreditNote:
    for each in chosen:
        each["net"], each["taxes"] = share_of(each["line"], each["quantity"], each["before"])
        each["tax"] = arithmetic.add(part.amount for _, part in each["taxes"])
    sums = pricing_sums.credit_sums(
        (each["net"], [part for _, part in each["taxes"]]) for each in chosen
    )
    number = next_number(settings.SHOP_CREDIT_NOTE_SERIES)
    document = credit_document(invoice, chosen, sums, number["number"], reason)
    note = CreditNote.objects.create(
        **number,
        **document_fields(invoice.ticket, sums, with_unprintable(document), by=by),
        invoice=invoice,
        reason=reason,
    )
    rows = CreditNoteLine.objects.bulk_create(
        CreditNoteLine(
            credit_note=note,
            line=each["line"],
            quantity=each["quantity"],
            net=each["net"],
            tax=each["tax"],
            restocked=each["restock"],
        )
        for each in chosen
    )
    CreditNoteLineTax.objects.bulk_create(
        CreditNoteLineTax(line=row, tax=tax, base=part.base, amount=part.amount)
        for row, each in zip(rows, chosen, strict=True)
        for tax, part in each["taxes"]
    )
    return note


def credited_share(tax: InvoiceLineTax, share: tuple[Any, ...]) -> TaxShare:
    """What ``share`` of a line's quantity bears of one of its taxes."""
    component = TaxComponent(tax.name, tax.rate, tax.number, on_top=tax.on_top)
    base, amount = (pricing_sums.part_of(money, *share) for money in (tax.base, tax.amount))
    return TaxShare(component, base, amount)


def credit_document(
    invoice: Invoice, chosen: list[dict[str, Any]], sums: Any, number: str, reason: str
) -> dict[str, Any]:
    """The paper: what stood on the invoice, as far as it is taken back."""
    on_invoice = {line["id"]: line for job in invoice.document["jobs"] for line in job["lines"]} | {
        line["id"]: line for line in invoice.document["lines"]
    }
    lines = []
    for place, each in enumerate(chosen, 1):
        net, tax = each["net"], each["tax"]
        amounts = {
            "net": net,
            "tax": tax,
            "total": net + tax,
            "amount": net + tax if invoice.prices_include_tax else net,
            "share": ZERO,
            "discount": ZERO,
        }
        told = on_invoice[each["line"].position]
        lines.append(
            told
            | {
                "id": place,
                "invoice_line": told["id"],
                "quantity": f"{each['quantity']:.3f}",
                **{name: pricing_amounts.money(value) for name, value in amounts.items()},
                "taxes": [document_body.share_facts(part) for _, part in each["taxes"]],
            }
        )
    kept = (
        "paper",
        "region",
        "shop",
        "customer",
        "vehicle",
        "ticket",
        "currency",
        "prices_include_tax",
        "tax_rounding",
    )
    return {
        "kind": "credit_note",
        "number": number,
        "issued_on": timezone.localdate().isoformat(),
        **{name: invoice.document[name] for name in kept if name in invoice.document},
        "jobs": [],
        "lines": lines,
        "discount": pricing_amounts.money(ZERO),
        "taxes": [document_body.tax_facts(each) for each in sums.taxes],
        **pricing_amounts.totals(sums),
        "invoice": {"id": invoice.pk, "number": invoice.number},
        "reason": reason,
    }


def put_back(
    ticket: ServiceTicket, note: CreditNote, chosen: list[dict[str, Any]], *, by: Any
) -> None:
    """Parts that the customer gives back lie on the shelf again, and are no longer
    fitted.
    """
    jobs = {line["id"]: job["id"] for job in note.invoice.document["jobs"] for line in job["lines"]}
    back = {
        (each["line"].part_id, jobs.get(each["line"].position)): each["quantity"] for each in chosen
    }

    def effect(line: TicketPart, part: Any, by: Any) -> None:
        quantity = min(back.get((part.pk, line.job_id), ZERO), line.issued)
        if quantity:
            stock.return_to_stock(
                part, quantity, reference=note.number, unit_cost=line.unit_cost, by=by
            )
            line.save_changes(issued=line.issued - quantity)

    lines = TicketPart.objects.filter(ticket=ticket, part__in={part for part, _ in back})
    for _, part in sorted(apply_to_lines(lines, effect, by=by).items()):
        stock.fill_backorders(part)
