"""Documents by e-mail."""

from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from customers.models import Customer
from mechanic_shop.accounts.mail import in_background
from mechanic_shop.errors import InvalidInput

from . import pdf
from .layout import TITLES


def send_document(document: dict[str, Any], customer: Customer, to: str | None = None) -> str:
    """Mail a document as PDF, once this transaction is committed; returns the address.

    By default it goes to the address that the customer has today, which may not be the
    one on the document. Raises InvalidInput ``no_email`` where neither an address is
    named nor the customer has one.
    """
    address = to or customer.email
    if not address:
        raise InvalidInput("to", "no_email", "The customer has no e-mail: name an address.")
    transaction.on_commit(lambda: in_background(send, document, address))
    return address


def send(document: dict[str, Any], to: str) -> None:
    title = f"{TITLES[document['kind']]} {document['number']}"
    shop = document["shop"]
    text = "\n".join(
        [
            f"Dear {document['customer']['name']},",
            "",
            (
                f"Please find attached {title} of {shop['name']}, about "
                f"{document['ticket']['number']}."
            ),
            "",
            "Kind regards",
            *filter(None, [shop["name"], shop["phone"], shop["email"]]),
        ]
    )
    subject = " ".join(f"{shop['name']}: {title}".split())  # a header has one line
    message = EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [to])
    message.attach(pdf.file_name(document), pdf.render(document), "application/pdf")
    message.send()
