"""Names that no two rows share, whatever the case and the Unicode form in which they
are typed; on both databases.
"""

import json
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction

from inventory.models import Part
from inventory.taxes import TaxCode
from mechanic_shop.db.unique_text import UniqueTextModel
from mechanic_shop.db.unique_texts import write_keys
from mechanic_shop.inputs import text_key
from mechanic_shop.observability.logs import JSONFormatter, LineFormatter, RequestFilter
from tickets.models import CannedJob, LaborRate

from .answers import refused
from .conftest import Client
from .races import at_once
from .test_admin import browser, complaints

API = "/api/v1/"
SAME = [
    *(
        ("Straße", "STRASSE"),
        ("Caf\u00c9", "cafe\u0301"),
        ("ＶＡＴ １９", "vat 19"),
        ("ΌΔΟΣ", "όδος"),
        ("ﬁt", "FIT"),
    ),
    *(("Ǆ", "ǆ"), ("ς", "Σ"), ("a\u200db", "ab"), ("x" * 3 + "ﷺ" * 36, "XXX" + "ﷺ" * 36)),
]
# route: (what a new row needs beside its text, the model, the code of the refusal)
TEXTS: dict[str, tuple[dict[str, Any], type[UniqueTextModel], str]] = {
    "tax-codes": ({"rate": "19"}, TaxCode, "name_taken"),
    "labor-rates": ({"hourly": "100"}, LaborRate, "name_taken"),
    "canned-jobs": ({}, CannedJob, "name_taken"),
    "parts": ({"name": "Pads", "price": "1"}, Part, "sku_taken"),
}
DETAILS: dict[type[models.Model], dict[str, Any]] = {
    LaborRate: {"hourly": Decimal(100)},
    Part: {"name": "Pads", "price": Decimal(1)},
}


def text_of(route: str) -> str:
    return TEXTS[route][1].unique_text


@pytest.mark.parametrize(("one", "other"), SAME)
def test_a_key_is_the_same_for_all_spellings(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)
    assert text_key(text_key(one)) == text_key(one)
    assert len(text_key("ﷺ" * 200)) <= 200


def test_letters_that_differ_stay_different() -> None:
    assert (
        len(
            {
                text_key(text)
                for text in (
                    "Cafe",
                    "Café",
                    "Каfe",
                    "Straβe",
                    "Straße",
                    "VAT-19",
                    "VAT 19",
                    "ﷺ" * 40,
                    "ﷺ" * 41,
                )
            }
        )
        == 9
    )


def test_every_text_that_is_unique_without_regard_to_case_has_a_key() -> None:
    """E-mails are plain ASCII, of which both databases fold all letters."""
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if isinstance(constraint, models.UniqueConstraint) and constraint.expressions:
                assert "email" in str(constraint.expressions), constraint
    assert {model for _, model, _ in TEXTS.values()} == {
        model for model in apps.get_models() if issubclass(model, UniqueTextModel)
    }


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize(
    "route", [route for route in TEXTS if route != "parts"]
)  # whose SKUs are plain characters
def test_the_api_takes_a_name_once(manager: Client, route: str, one: str, other: str) -> None:
    more, model, code = TEXTS[route]
    made = manager.post(f"{API}{route}/", {"name": one} | more)
    assert made.status_code == 201, made.content
    refused(manager.post(f"{API}{route}/", {"name": other} | more), 400, code, "name")
    third = manager.post(f"{API}{route}/", {"name": "Another"} | more).json()["id"]
    refused(manager.patch(f"{API}{route}/{third}/", {"name": other}), 400, code, "name")
    # its own
    assert manager.patch(f"{API}{route}/{made.json()['id']}/", {"name": other}).status_code == 200
    assert model._default_manager.count() == 2


@pytest.mark.django_db
def test_a_sku_is_plain_and_there_once(manager: Client) -> None:
    body = {"name": "Pads", "price": "1"}
    assert manager.post(f"{API}parts/", body | {"sku": "brk-1"}).status_code == 201
    refused(manager.post(f"{API}parts/", body | {"sku": "BRK-1"}), 400, "sku_taken", "sku")
    refused(manager.post(f"{API}parts/", body | {"sku": "ＢＲＫ-1"}), 400, field="sku")


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize("model", [model for _, model, _ in TEXTS.values()])
def test_the_database_takes_a_text_once(model: Any, one: str, other: str) -> None:
    details = DETAILS.get(model, {})
    model.objects.create(**{model.unique_text: one}, **details)
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**{model.unique_text: other}, **details)
    third = model.objects.create(**{model.unique_text: "Another"}, **details)
    with pytest.raises(IntegrityError), transaction.atomic():
        third.save_changes(**{model.unique_text: other})


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("page", "model", "typed"),
    [
        ("inventory/taxcode", TaxCode, {"rate": "19"}),
        ("tickets/laborrate", LaborRate, {"hourly": "100", "is_active": "on"}),
        ("tickets/cannedjob", CannedJob, {"is_active": "on"}),
    ],
)
def test_the_admin_takes_a_name_once(
    manager: Client, page: str, model: Any, typed: dict[str, str]
) -> None:
    model.objects.create(name="Straße", **DETAILS.get(model, {}))
    chief = browser(manager.user)
    assert "has this name" in complaints(
        chief.post(f"/admin/{page}/add/", {"name": "STRASSE"} | typed)
    )
    assert model.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_spellings_at_once_one_wins(manager: Client) -> None:
    names = ["Straße", "STRASSE", "strasse", "ＳＴＲＡＳＳＥ"]
    answers = at_once(
        *[
            lambda name=name: manager.post(f"{API}labor-rates/", {"name": name, "hourly": "1"})
            for name in names
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [201, 400, 400, 400]


@pytest.mark.django_db
def test_the_migration_numbers_what_was_there_twice(caplog: pytest.LogCaptureFixture) -> None:
    names = ["Straße", "STRASSE", "Strasse (2)", "x" * 40, "y" * 40]
    made = [TaxCode.objects.create(name=f"Code {place}") for place in range(5)]
    for code, name in zip(made, names, strict=True):
        # as release 1.0.0 left them: unique by SQLite's lower()
        TaxCode.objects.filter(pk=code.pk).update(name=name)
    write_keys(TaxCode, "name")
    found = list(TaxCode.objects.order_by("pk").values_list("name", "unique_key"))
    assert [name for name, _ in found] == ["Straße", "STRASSE (3)", "Strasse (2)", *names[3:]]
    assert [key for _, key in found] == [text_key(name) for name, _ in found]
    (record,) = (each for each in caplog.records if each.name == "shop.upgrade")
    RequestFilter().filter(record)
    line = json.loads(JSONFormatter().format(record))
    numbered = {
        "kind": "inventory.TaxCode",
        "row_id": made[1].pk,
        "old": "STRASSE",
        "new": "STRASSE (3)",
    }
    assert {name: line.get(name) for name in numbered} == numbered
    assert (
        LineFormatter()
        .format(record)
        .endswith(
            f"a text was numbered kind=inventory.TaxCode row_id={made[1].pk} old=STRASSE "
            f"new=STRASSE (3)"
        )
    )
    assert import_module("tickets.migrations.0019_unique_texts").Migration.dependencies
