"""Check the money: what series, documents, accounts and tickets say about each other,
added up again.

Lines, credit notes and payments are added here, by ``pricing``, and not by the
database: SQLite adds decimals as doubles.
"""

from collections import defaultdict

from inventory.integrity_checks import one_moment

from . import customer_checks
from .account_checks import InvoiceFacts, wrong_accounts, wrong_credit
from .approval_checks import excess_approvals, unrecorded_approvals
from .document_checks import LineSums, wrong_credit_notes, wrong_invoices, wrong_line_taxes
from .series_checks import wrong_numbers
from .ticket_checks import wrong_tickets


def find_discrepancies() -> list[str]:
    """What is wrong, a sentence each; empty when all is right. The same number of
    queries for any shop.
    """
    with one_moment():
        invoices: dict[int, InvoiceFacts] = {}
        taken: defaultdict[int, LineSums] = defaultdict(LineSums)
        return [
            *wrong_numbers(),
            *wrong_credit_notes(taken),
            *wrong_invoices(invoices, taken),
            *wrong_line_taxes(),
            *wrong_accounts(invoices),
            *wrong_tickets(invoices),
            *wrong_credit(),
            *customer_checks.find_discrepancies(),
            *excess_approvals(),
            *unrecorded_approvals(),
        ]
