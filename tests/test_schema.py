"""The OpenAPI file that is committed says what the code does."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

COMMITTED = Path(__file__).resolve().parent.parent / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> str:
    fresh = tmp_path_factory.mktemp("schema") / "openapi.yaml"
    call_command("spectacular", file=str(fresh), validate=True, fail_on_warn=True)
    return fresh.read_text()


@pytest.fixture(scope="module")
def operations(schema: str) -> dict[str, Any]:
    paths = yaml.safe_load(schema)["paths"]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1/')}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def test_the_committed_file_is_not_stale(schema: str) -> None:
    assert COMMITTED.read_text() == schema, "run make schema"


def body_of(operation: dict[str, Any]) -> str:
    return operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[
        1
    ]


@pytest.mark.parametrize(
    ("call", "takes", "answers"),
    [
        ("PUT tickets/{id}/add-part/", "AddPartRequest", "ServiceTicket"),
        ("PUT tickets/{id}/remove-part/", "RemovePartRequest", "ServiceTicket"),
        ("PUT tickets/{id}/assign-mechanic/", "AssignMechanicRequest", "ServiceTicket"),
        ("PUT tickets/{id}/remove-mechanic/", "RemoveMechanicRequest", "ServiceTicket"),
        ("PUT tickets/{id}/edit-mechanics/", "EditMechanicsRequest", "ServiceTicket"),
        ("POST tickets/{id}/transitions/", "MoveRequest", "ServiceTicket"),
        ("PUT parts/{id}/receive/", "ReceiveRequest", "Part"),
        ("PUT parts/{id}/adjust/", "AdjustRequest", "Part"),
        ("PUT parts/{id}/count/", "CountRequest", "Part"),
    ],
)
def test_an_action_is_described_by_its_own_body_and_answer(
    operations: dict[str, Any], call: str, takes: str, answers: str
) -> None:
    operation = operations[call]
    assert body_of(operation) == takes
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith(
        f"/{answers}"
    )


def test_every_operation_tells_its_refusals(operations: dict[str, Any]) -> None:
    for call, operation in operations.items():
        assert {"400", "429", "503"} <= set(operation["responses"]), call
        refusal = operation["responses"]["400"]["content"]["application/problem+json"]["schema"][
            "$ref"
        ]
        assert refusal.endswith("/Problem")


OPEN = {
    "auth/token/",
    "auth/token/refresh/",
    "auth/token/blacklist/",
    "auth/password/reset/",
    "auth/password/reset/confirm/",
}
OPEN |= {"shared/{token}/", "shared/{token}/authorizations/"}
OPEN_READS = {"mechanics/", "mechanics/popular/", "mechanics/{id}/", "schema/"}


def test_the_schema_says_where_a_token_is_needed(operations: dict[str, Any]) -> None:
    for call, operation in operations.items():
        method, path = call.split(" ")
        anonymous = {} in operation.get("security", [{}])
        assert anonymous is (
            path in OPEN or (method == "GET" and path in OPEN_READS) or call == "POST customers/"
        ), call


def test_lists_are_pages_with_their_filters(operations: dict[str, Any]) -> None:
    names = {parameter["name"] for parameter in operations["GET tickets/"]["parameters"]}
    assert {
        "page",
        "page_size",
        "search",
        "ordering",
        "status",
        "customer",
        "vehicle",
        "mechanic",
        "part",
        "opened_after",
        "updated_after",
    } <= names
    for path in (
        "tickets/mine/",
        "tickets/{id}/history/",
        "parts/low-stock/",
        "parts/{id}/movements/",
        "mechanics/popular/",
    ):
        shown = operations[f"GET {path}"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]["$ref"]
        assert shown.rsplit("/", 1)[1].startswith("Paginated"), path


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Part", "cost"),
        ("Movement", "unit_cost"),
        ("Mechanic", "hourly_cost"),
        ("Customer", "notes"),
        ("ServiceTicketRequest", "odometer_in"),
    ],
)
def test_what_only_some_may_see_or_write_is_described(schema: str, name: str, field: str) -> None:
    shape = yaml.safe_load(schema)["components"]["schemas"][name]
    assert field in shape["properties"]
    assert field not in shape.get("required", [])


def parameter_of(operation: dict[str, Any], name: str) -> dict[str, Any]:
    return next(
        parameter["schema"] for parameter in operation["parameters"] if parameter["name"] == name
    )


@pytest.mark.parametrize(
    ("call", "name", "refused", "taken"),
    [
        ("GET parts/", "ordering", ["color", "name,", "+name"], ["", "name", "-price,name"]),
        ("POST parts/", "Idempotency-Key", ["", "two words", "é"], ["a", "~!"]),
    ],
)
def test_what_a_parameter_may_look_like_is_said(
    operations: dict[str, Any], call: str, name: str, refused: list[str], taken: list[str]
) -> None:
    pattern = re.compile(parameter_of(operations[call], name)["pattern"])
    assert [word for word in [*refused, *taken] if pattern.search(word)] == taken


def test_pages_are_counted_from_one(operations: dict[str, Any]) -> None:
    assert [
        parameter_of(operations["GET parts/"], name)["minimum"] for name in ("page", "page_size")
    ] == [1, 1]


@pytest.mark.parametrize(
    ("name", "field", "refused", "taken"),
    [
        ("PartRequest", "price", ["", "-1", "1.23456", "1_0", "1e3"], ["0", "9.80"]),
        ("AdjustRequest", "quantity", ["", "1.2345"], ["-1.5", "2"]),
    ],
)
def test_what_a_decimal_may_look_like_is_said(
    schema: str, name: str, field: str, refused: list[str], taken: list[str]
) -> None:
    pattern = re.compile(
        yaml.safe_load(schema)["components"]["schemas"][name]["properties"][field]["pattern"]
    )
    assert [word for word in [*refused, *taken] if pattern.search(word)] == taken
