"""A form that is sent twice has one effect: every form of the admin, and that of the
shared page.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import reverse

from customers.models import Customer
from inventory import tax_operations
from inventory.models import StockMovement
from mechanic_shop.db.models import IdempotentAnswer
from tickets.approvals import operations as approvals
from tickets.approvals import share_links
from tickets.billing import credit_notes, payments
from tickets.desk import requests
from tickets.models import CannedJob, Job, LaborRate, Payment, ServiceTicket
from tickets.work import canned_jobs, jobs, tickets

from .factories import (
    PASSWORD,
    CustomerFactory,
    MechanicFactory,
    PartFactory,
    UserFactory,
    VehicleFactory,
    make_ticket,
    office,
)
from .forms import Boxes, Forms
from .html import Page
from .races import at_once
from .test_admin import PAGES, SITE_ROUTES, at, browser, complaints, route_names

OTHER_FORMS = {"logout-form", "changelist-form", "login-form"}


# --- a shop, and what is typed into each form -----------------------------------------


def job_on(ticket: ServiceTicket, title: str = "Brakes") -> Job:
    line = {"kind": "fee", "description": title, "quantity": Decimal(1), "unit_price": Decimal(40)}
    return jobs.add_job(ticket, title=title, lines=[line], by=office())


def approved_job(ticket: ServiceTicket) -> Job:
    job = job_on(ticket)
    approvals.authorize(ServiceTicket.objects.get(pk=ticket.pk), approve=[job.pk], by=office())
    return Job.objects.get(pk=job.pk)


def invoice_of() -> Any:
    ticket = make_ticket("invoiced", parts=[(PartFactory(stock=9, price=Decimal(30)), 3)])
    invoice = ticket.invoices.get()
    payments.pay(invoice, amount=Decimal(10), by=office())
    return ticket.invoices.get()


def invoice_with_credit() -> Any:
    """An unpaid invoice of a customer who left money on another ticket."""
    earlier = with_deposit()
    requests.request_transition(earlier, to="cancelled", by=office())
    part = (PartFactory(stock=9, price=Decimal(30)), 3)
    return make_ticket("invoiced", customer=earlier.customer, parts=[part]).invoices.get()


def with_deposit() -> ServiceTicket:
    ticket = make_ticket()
    payments.deposit(ticket, amount=Decimal(50), by=office())
    return ServiceTicket.objects.get(pk=ticket.pk)


def with_recommendation() -> tuple[ServiceTicket, dict[str, Any]]:
    car = VehicleFactory()
    earlier, ticket = (make_ticket(vehicle=car) for _ in range(2))
    job = job_on(earlier)
    approvals.authorize(ServiceTicket.objects.get(pk=earlier.pk), decline=[job.pk], by=office())
    return ticket, {"job": job.pk}


def with_job(
    make: Callable[[ServiceTicket], Job], **typed: Any
) -> tuple[ServiceTicket, dict[str, Any]]:
    ticket = make_ticket()
    job = make(ticket)
    return ticket, {"job": job.pk, **typed}


def with_line() -> tuple[ServiceTicket, dict[str, Any]]:
    ticket = make_ticket()
    return ticket, {"line": job_on(ticket).lines.get().pk}


def with_part() -> tuple[ServiceTicket, dict[str, Any]]:
    ticket = make_ticket(parts=[(PartFactory(stock=5), 3)])
    return ticket, {"line": ticket.lines.get().pk, "quantity": "1"}


def with_mechanic() -> tuple[ServiceTicket, dict[str, Any]]:
    mechanic = MechanicFactory()
    return make_ticket(mechanics=[mechanic]), {"mechanic": mechanic.pk}


def decided() -> tuple[ServiceTicket, dict[str, Any]]:
    ticket = make_ticket()
    return ticket, {f"job_{job_on(ticket).pk}": "approve"}


def finished_job(ticket: ServiceTicket) -> Job:
    job = approved_job(ticket)
    jobs.finish_job(job, by=office())
    return job


def rate() -> LaborRate:
    return LaborRate.objects.create(name="Diagnostic", hourly=Decimal(120))


def canned() -> CannedJob:
    return canned_jobs.write_canned_job(CannedJob(), name="Oil change", by=None)


def tax_code() -> Any:
    return tax_operations.add_tax_code(name="VAT", rate=Decimal(20), by=None)


def mailed_to() -> dict[str, str]:
    return {"to": "somebody@example.com"}


CASES: dict[str, Callable[[], Any]] = {
    "customers_customer_add": lambda: (None, {"name": "New"}),
    "customers_customer_change": lambda: (CustomerFactory(), {"name": "Renamed"}),
    "customers_customer_delete": lambda: (CustomerFactory(), {}),
    "customers_customer_erase": lambda: (CustomerFactory(), {}),
    "customers_vehicle_add": lambda: (None, {"customer": CustomerFactory().pk, "plate": "NEW 1"}),
    "customers_vehicle_change": lambda: (VehicleFactory(), {"color": "red"}),
    "customers_vehicle_delete": lambda: (VehicleFactory(), {}),
    "mechanics_mechanic_add": lambda: (None, {"name": "Mia"}),
    "mechanics_mechanic_change": lambda: (MechanicFactory(), {"bio": "Fixes it."}),
    "mechanics_mechanic_delete": lambda: (MechanicFactory(), {}),
    "inventory_part_add": lambda: (None, {"sku": "NEW-1", "name": "Wiper", "price": "12.50"}),
    "inventory_part_change": lambda: (PartFactory(), {"bin": "A-1"}),
    "inventory_part_delete": lambda: (PartFactory(), {}),
    "inventory_part_receive": lambda: (PartFactory(), {"quantity": "5"}),
    "inventory_part_adjust": lambda: (
        PartFactory(stock=9),
        {"quantity": "-1", "reason": "scrap", "note": "bent"},
    ),
    "inventory_part_count": lambda: (PartFactory(stock=9), {"counted": "7"}),
    "inventory_taxcode_add": lambda: (None, {"name": "Reduced", "rate": "7"}),
    "inventory_taxcode_change": lambda: (tax_code(), {"name": "Value added"}),
    "inventory_taxcode_delete": lambda: (tax_code(), {}),
    "inventory_taxcode_set_rate": lambda: (tax_code(), {"rate": "21"}),
    "tickets_laborrate_add": lambda: (None, {"name": "Diagnostic", "hourly": "120"}),
    "tickets_laborrate_change": lambda: (rate(), {"hourly": "121"}),
    "tickets_laborrate_delete": lambda: (rate(), {}),
    "tickets_cannedjob_add": lambda: (None, {"name": "Tires"}),
    "tickets_cannedjob_change": lambda: (canned(), {"concern": "Due"}),
    "tickets_cannedjob_delete": lambda: (canned(), {}),
    "accounts_user_add": lambda: (None, {"email": "new@example.com"}),
    "accounts_user_change": lambda: (UserFactory(), {"is_staff": "on"}),
    "accounts_user_set_password": lambda: (
        UserFactory(),
        dict.fromkeys(("password1", "password2"), "Gear-box-and-clutch-5"),
    ),
    "accounts_user_log_out_everywhere": lambda: (UserFactory(), {}),
    "auth_group_add": lambda: (None, {"name": "apprentice"}),
    "auth_group_change": lambda: (group(), {"name": "front desk"}),
    "auth_group_delete": lambda: (group(), {}),
    "tickets_serviceticket_add": lambda: (
        None,
        {"customer": CustomerFactory().pk, "concern": "It squeaks"},
    ),
    "tickets_serviceticket_change": lambda: (make_ticket(), {"cause": "Dust"}),
    "tickets_serviceticket_delete": lambda: (make_ticket(), {}),
    "tickets_serviceticket_move": lambda: (make_ticket(), {"to": "approved"}),
    "tickets_serviceticket_complete": lambda: (make_ticket("approved"), {}),
    "tickets_serviceticket_add_part": lambda: (
        make_ticket(),
        {"part": PartFactory().pk, "quantity": "2"},
    ),
    "tickets_serviceticket_remove_part": with_part,
    "tickets_serviceticket_assign_mechanic": lambda: (
        make_ticket(),
        {"mechanic": MechanicFactory().pk},
    ),
    "tickets_serviceticket_remove_mechanic": with_mechanic,
    "tickets_serviceticket_add_job": lambda: (make_ticket(), {"title": "Brakes"}),
    "tickets_serviceticket_add_canned_job": lambda: (make_ticket(), {"canned_job": canned().pk}),
    "tickets_serviceticket_add_recommendation": with_recommendation,
    "tickets_serviceticket_add_line": lambda: with_job(
        job_on, kind="fee", description="Disposal", quantity="1", unit_price="8"
    ),
    "tickets_serviceticket_remove_line": with_line,
    "tickets_serviceticket_authorize": decided,
    "tickets_serviceticket_finish_job": lambda: with_job(approved_job),
    "tickets_serviceticket_cancel_job": lambda: with_job(job_on),
    "tickets_serviceticket_reopen_job": lambda: with_job(finished_job),
    "tickets_serviceticket_give_discount": lambda: (make_ticket(), {"discount_percent": "5"}),
    "tickets_serviceticket_take_deposit": lambda: (make_ticket(), {"amount": "20"}),
    "tickets_serviceticket_refund_deposit": lambda: (with_deposit(), {"amount": "5"}),
    "tickets_serviceticket_invoice": lambda: (
        make_ticket("completed", parts=[(PartFactory(stock=9), 1)]),
        {},
    ),
    "tickets_serviceticket_pay": lambda: (invoice_of().ticket, {"amount": "5"}),
    "tickets_serviceticket_email_estimate": lambda: (make_ticket(), mailed_to()),
    "tickets_invoice_pay": lambda: (invoice_of(), {"amount": "5"}),
    "tickets_invoice_apply_credit": lambda: (invoice_with_credit(), {"amount": "5"}),
    "tickets_invoice_refund": lambda: (invoice_of(), {"amount": "5"}),
    "tickets_invoice_credit": lambda: (
        invoice_of(),
        {"reason": "Goodwill", "what": "lines", "line_1": "1"},
    ),
    "tickets_invoice_email": lambda: (invoice_of(), mailed_to()),
    "tickets_creditnote_email": lambda: (credit_note(), mailed_to()),
    "tickets_payment_reverse": lambda: (invoice_of().payments.get(), {"note": "Bounced"}),
}


def group() -> Any:
    return apps.get_model("auth", "Group").objects.create(name="front")


def credit_note() -> Any:
    return credit_notes.credit(
        invoice_of(), reason="Goodwill", lines=[{"line": 1, "quantity": Decimal(1)}], by=office()
    )


# --- pressing a button twice ----------------------------------------------------------


@pytest.fixture
def root(db: Any) -> Client:
    return browser(UserFactory(email="root@example.com", is_staff=True, is_superuser=True))


def only_form(response: Any) -> Boxes:
    """The form of a page, as it is sent when nothing is typed."""
    assert response.status_code in (200, 400), response
    forms = [
        boxes
        for name, boxes in Forms(response).boxes.items()
        if name not in OTHER_FORMS and not name.endswith("/logout/")
    ]
    assert len(forms) == 1, Forms(response).boxes.keys()
    return forms[0]


def everything() -> tuple[Any, ...]:
    """All rows of the shop, and the mails that it sent; but for what is kept of forms
    and log-ins.
    """
    models = [model for model in apps.get_models() if model not in (IdempotentAnswer, Session)]
    tables = {
        model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models
    }
    return tables, len(mail.outbox)


def told(client: Client) -> list[str]:
    """What the next page will say."""
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    return [str(message) for message in CookieStorage(request)]


def fill(page: str, root: Client) -> tuple[str, Boxes]:
    """The address of a form, and what a browser sends."""
    row, typed = CASES[page]()
    address = at(page) if row is None else at(page, row.pk)
    return address, {
        **only_form(root.get(address)),
        **{name: [str(value)] for name, value in typed.items()},
    }


@pytest.mark.django_db
@pytest.mark.parametrize("page", CASES)
def test_a_form_of_the_admin_that_is_sent_twice_has_one_effect(root: Client, page: str) -> None:
    address, boxes = fill(page, root)
    before = everything()

    first = root.post(address, boxes)
    assert first.status_code == 302, complaints(first)
    once, said = everything(), told(root)
    second = root.post(address, boxes)

    assert once != before, "the form did nothing at all"
    assert everything() == once
    assert (second.status_code, second["Location"]) == (302, first["Location"])
    assert told(root) == [*said, "This form was sent twice. It was done once."]


@pytest.mark.django_db
def test_the_table_names_every_form_of_the_admin(root: Client) -> None:
    found, actions = set(), set()
    rows = {
        page.rpartition("_change")[0]: make()[0]
        for page, make in CASES.items()
        if page.endswith("_change")
    }
    invoice = invoice_of()
    rows |= {
        "tickets_invoice": invoice,
        "tickets_payment": invoice.payments.get(),
        "tickets_creditnote": credit_note(),
    }
    for page in sorted(route_names(admin.site.urls[0]) - SITE_ROUTES):
        model = next(name for name in PAGES if page.startswith(f"{name}_"))
        row = rows.get(model)
        if row is None and not page.endswith(("_add", "_changelist")):
            continue
        response = root.get(
            at(page) if page.endswith(("_add", "_changelist")) else at(page, row.pk)
        )
        if response.status_code != 200 or "html" not in response["Content-Type"]:
            continue
        forms = Forms(response).boxes
        assert all("form_key" in boxes for boxes in forms.values()), page
        actions |= {page for boxes in forms.values() if "action" in boxes}
        if set(forms) - OTHER_FORMS - {reverse("admin:logout")}:
            found.add(page)
    read_only = {"tickets_invoice_change", "tickets_payment_change", "tickets_creditnote_change"}
    assert found - read_only == set(CASES)
    assert actions == set(), "no list offers to change many rows at once"


# --- what the key does not stop -------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed",
    [{"quantity": "0"}, {"quantity": "-99", "reason": "scrap"}],
    ids=["by the form", "by the operation"],
)
def test_a_refused_form_can_be_corrected_and_sent_again(
    root: Client, typed: dict[str, str]
) -> None:
    address, boxes = fill("inventory_part_adjust", root)
    refusal = root.post(address, boxes | typed)
    assert refusal.status_code == 200
    assert only_form(refusal)["form_key"] != boxes["form_key"]
    assert root.post(address, boxes).status_code == 302
    assert StockMovement.objects.filter(reason="scrap").count() == 1


@pytest.mark.django_db
def test_save_and_add_another_works_twice(root: Client) -> None:
    address = at("customers_customer_add")
    for name in ("Ann", "Bob"):
        boxes = only_form(root.get(address)) | {"name": name, "_addanother": "1"}
        assert root.post(address, boxes)["Location"] == address
    root.post(address, boxes)
    assert sorted(Customer.objects.values_list("name", flat=True)) == ["Ann", "Bob"]


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["inventory_part_receive", "customers_customer_add"])
def test_a_form_that_was_changed_after_it_was_sent_is_asked_about(root: Client, page: str) -> None:
    address, boxes = fill(page, root)
    root.post(address, boxes)
    once = everything()
    changed = boxes | {"note": "and more", "name": "Another"}

    again = root.post(address, changed)

    assert "You sent this form before, with other values" in again.content.decode()
    assert everything() == once
    fresh = only_form(again)
    assert fresh.get("note", fresh.get("name")) in (["and more"], ["Another"])
    assert root.post(address, fresh).status_code == 302
    assert everything() != once


@pytest.mark.django_db
def test_a_deletion_that_was_refused_is_asked_for_again(root: Client) -> None:
    ticket = make_ticket()
    address = at("customers_customer_delete", ticket.customer_id)
    boxes = only_form(root.get(address))
    assert root.post(address, boxes)["Location"].endswith("/change/")
    tickets.delete(ticket, by=office())
    root.post(address, boxes)
    assert not Customer.objects.exists()


@pytest.mark.django_db
def test_a_key_is_of_one_user(root: Client, advisor: Any) -> None:
    address, boxes = fill("inventory_part_receive", root)
    for client in (root, browser(advisor.user)):
        assert client.post(address, boxes).status_code == 302
    assert StockMovement.objects.count() == 2


@pytest.mark.django_db
def test_a_window_for_a_related_row_closes_twice_with_one_row(root: Client) -> None:
    address = f"{at('customers_customer_add')}?_popup=1"
    boxes = only_form(root.get(address)) | {"name": ["Ann"]}
    assert boxes["_popup"] == ["1"]
    first, second = (root.post(address, boxes) for _ in range(2))
    assert (first.status_code, second.content) == (200, first.content)
    assert Customer.objects.count() == 1


@pytest.mark.django_db
def test_a_password_is_changed_once(root: Client) -> None:
    user = UserFactory(is_staff=True, role="advisor")
    client = browser(user)
    address = at("password_change")
    new = dict.fromkeys(("new_password1", "new_password2"), "Gear-box-and-clutch-5")
    boxes = only_form(client.get(address)) | {"old_password": PASSWORD, **new}
    first, second = (client.post(address, boxes) for _ in range(2))
    assert (first.status_code, second.status_code, second["Location"]) == (
        302,
        302,
        first["Location"],
    )


@pytest.mark.django_db
def test_what_is_kept_of_forms_names_nobody_who_was_erased(root: Client) -> None:
    boxes = only_form(root.get(at("customers_customer_add"))) | {
        "name": ["Zelda Quick"],
        "_continue": ["1"],
    }
    change = root.post(at("customers_customer_add"), boxes)["Location"]
    searched = f"{change}?_changelist_filters=q%3DZelda"
    root.post(searched, only_form(root.get(searched)) | {"phone": "555-0147"})
    customer = Customer.objects.get()
    erase = at("customers_customer_erase", customer.pk)
    assert root.post(erase, only_form(root.get(erase))).status_code == 302
    kept = list(IdempotentAnswer.objects.values_list("headers", "body"))
    assert len(kept) == 3
    assert "Zelda" not in "".join(
        f"{json.dumps(headers)} {bytes(body)!r}" for headers, body in kept
    )
    assert root.post(at("customers_customer_add"), boxes)["Location"] == change, "it stays done"
    assert Customer.objects.count() == 1


# --- the shared page ------------------------------------------------------------------


def post(client: Client, address: str, boxes: Any) -> Any:
    """As a browser sends a form without files."""
    return client.post(address, urlencode(boxes, doseq=True), "application/x-www-form-urlencoded")


@pytest.mark.django_db
def test_the_answer_of_the_shared_page_that_is_sent_twice_is_saved_once(client: Client) -> None:
    ticket = make_ticket()
    job = job_on(ticket)
    _, token = share_links.share(ServiceTicket.objects.get(pk=ticket.pk), by=office())
    page = f"/shared/{token}/"
    boxes = only_form(client.get(page))
    refused = post(client, page, boxes)
    assert refused.status_code == 400, "no choice was made"
    sent = only_form(refused) | {f"job-{job.pk}": "approve", "form_key": boxes["form_key"]}

    first = post(client, page, sent)
    once = everything()
    second = post(client, page, sent)

    assert (first.status_code, second.status_code) == (303, 303)
    assert first["Location"] == second["Location"] == f"{page}?done"
    assert everything() == once
    assert token not in json.dumps(list(IdempotentAnswer.objects.values_list("headers", flat=True)))
    changed = post(client, page, sent | {f"job-{job.pk}": "decline"})
    assert (changed.status_code, everything()) == (409, once)


# --- the browsable API ----------------------------------------------------------------

BROWSABLE: dict[str, tuple[str, Callable[[], Any], dict[str, str]]] = {
    "part-list": ("post", lambda: None, {"sku": "NEW-1", "name": "Wiper", "price": "12.50"}),
    "part-receive": ("put", PartFactory, {"quantity": "5"}),
    "serviceticket-add-part": ("put", make_ticket, {}),
    "serviceticket-deposits": ("post", make_ticket, {"amount": "20", "method": "cash"}),
    "invoice-payments": ("post", invoice_of, {"amount": "5", "method": "cash"}),
}


@pytest.mark.django_db
@pytest.mark.parametrize("route", BROWSABLE)
def test_a_form_of_the_browsable_api_that_is_sent_twice_has_one_effect(
    manager: Any, route: str
) -> None:
    method, make, typed = BROWSABLE[route]
    row = make()
    address = reverse(route, args=[row.pk] if row else [])
    forms = {
        place: boxes
        for place, boxes in Page(manager.get(address, HTTP_ACCEPT="text/html")).forms.items()
        if place in TABS
    }
    assert forms
    assert all("form_key" in boxes for boxes in forms.values())
    typed = typed or {"part": PartFactory().pk}
    sent = {**forms[f"{method}-object-form"], **typed}

    before, states, answers = everything(), [], []
    for _ in range(2):
        answers.append(
            getattr(manager, method)(address, sent, format="multipart", HTTP_ACCEPT="text/html")
        )
        states.append(everything())

    assert before != states[0] == states[1]
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert [answer.get("Idempotent-Replayed") for answer in answers] == [None, "true"]
    assert answers[1]["Content-Type"].startswith("text/html")


TABS = {
    f"{method}-{kind}"
    for method in ("post", "put")
    for kind in ("object-form", "generic-content-form")
}

# --- at once --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "page", ["tickets_invoice_pay", "inventory_part_receive", "customers_customer_add"]
)
def test_of_forms_that_are_sent_at_once_one_has_an_effect(page: str) -> None:
    user = UserFactory(email="root@example.com", is_staff=True, is_superuser=True)
    address, boxes = fill(page, browser(user))
    before = Payment.objects.count() + StockMovement.objects.count() + Customer.objects.count()

    answers = at_once(*[lambda client=browser(user): client.post(address, boxes) for _ in range(4)])

    assert [getattr(answer, "status_code", answer) for answer in answers] == [302] * 4
    assert len({answer["Location"] for answer in answers}) == 1
    assert (
        Payment.objects.count() + StockMovement.objects.count() + Customer.objects.count()
        == before + 1
    )


def test_buttons_go_dead_where_scripts_run(root: Client, client: Client) -> None:
    assert "shop/forms.js" in root.get(at("customers_customer_add")).content.decode()
