"""Imports run one way, so that each room can be read, tested and changed without those
above it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parent.parent
APPS = ("customers", "mechanics", "inventory", "tickets")
LOWER_APPS = ("customers", "mechanics", "inventory")  # which tickets imports
# What every app may use.
BASE = {"errors", "registry", "inputs", "currency", "prices", "dates"}
FRAMEWORK = {f"mechanic_shop.{name}" for name in BASE | {"db", "http", "fastpath", "observability"}}
SHARED = FRAMEWORK | {"mechanic_shop.admin", "mechanic_shop.accounts"}
# Who may import what of this project, beside itself. The first name that a module's own
# begins with counts.
MAY_IMPORT = {
    "tickets": SHARED | {"customers", "mechanics", "inventory"},
    "customers": SHARED,
    "mechanics": SHARED,
    "inventory": SHARED,
    "mechanic_shop.urls": {*APPS, "mechanic_shop"},
    **dict.fromkeys(FRAMEWORK, FRAMEWORK),
    "mechanic_shop": {"mechanic_shop"},
}


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def imported(source: str, module: str, is_package: bool = False) -> Iterator[str]:
    """The dotted names that ``module`` imports, at its top, inside functions and for
    types alike.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parents = parts[: max(len(parts) - node.level + is_package, 0)]
                base = ".".join([*parents, *filter(None, [base])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    room = next(name for name in MAY_IMPORT if is_within(module, name))
    allowed = {room, *MAY_IMPORT[room]}
    ours = [
        name
        for name in imported(source, module, is_package)
        if name.split(".")[0] in {*APPS, "mechanic_shop"}
    ]
    found = [
        f"{module} imports {name}"
        for name in ours
        if not any(is_within(name, package) for package in allowed)
    ]
    if is_within(module, "mechanic_shop.errors"):
        found += [
            f"{module} imports {name}"
            for name in imported(source, module, is_package)
            if is_within(name, "rest_framework")
        ]
    return found


def modules() -> Iterator[tuple[Path, str, bool]]:
    for room in (*APPS, "mechanic_shop"):
        for path in sorted((ROOT / room).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            yield path, ".".join(parts[:-1] if is_package else parts), is_package


def reverse_names() -> set[str]:
    """What Django adds to models of the lower apps for relations of tickets:
    ``customer.tickets``, ``part.ticket_lines``.
    """
    relations = [
        each
        for model in apps.get_models()
        if model._meta.app_label in LOWER_APPS
        for each in model._meta.related_objects
    ]
    names = {
        each.get_accessor_name()
        for each in relations
        if each.related_model._meta.app_label == "tickets"
    }
    return {name for name in names if name}


def reverse_uses(source: str, names: set[str]) -> list[str]:
    """Where code follows such a relation: by attribute, in a lookup, or by the field's
    name.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in names:
            found.append(node.attr)
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get_field"
        ):
            found += [
                arg.value
                for arg in node.args
                if isinstance(arg, ast.Constant) and arg.value in names
            ]
        text = (
            node.arg
            if isinstance(node, ast.keyword)
            else node.value
            if isinstance(node, ast.Constant)
            else None
        )
        if isinstance(text, str) and "__" in text and names & set(text.split("__")):
            found.append(text)
    return found


def test_no_lower_app_follows_a_relation_of_tickets():
    names = reverse_names()
    assert {"tickets", "ticket_lines", "assignments", "invoices"} <= names
    checked = [
        (path, name)
        for path, name, _ in modules()
        if name.split(".")[0] in LOWER_APPS and ".migrations" not in name
    ]
    assert [
        f"{name}: {use}" for path, name in checked for use in reverse_uses(path.read_text(), names)
    ] == []
    assert reverse_uses("part.ticket_lines.filter(x=1)", names) == ["ticket_lines"]
    assert reverse_uses("rows.filter(ticket_lines__issued=1); rows.only('x__tickets')", names) == [
        "ticket_lines__issued",
        "x__tickets",
    ]
    assert reverse_uses("Part._meta.get_field('assignments')", names) == ["assignments"]


# The slices of tickets, in their order.
SLICES = ("pricing", "models", "lifecycle", "work", "billing", "approvals", "reports", "desk")


def climbs(source: str, module: str, is_package: bool = False) -> list[str]:
    """The imports of a slice that reach a later one."""
    own = SLICES.index(module.split(".")[1])
    ours = [name for name in imported(source, module, is_package) if name.startswith("tickets.")]
    return [
        f"{module} imports {name}"
        for name in ours
        if (piece := name.split(".")[1]) in SLICES and SLICES.index(piece) > own
    ]


def test_no_slice_of_tickets_reaches_a_later_one():
    checked = [
        each
        for each in modules()
        if each[1].startswith("tickets.") and each[1].split(".")[1] in SLICES
    ]
    assert {name.split(".")[1] for _, name, _ in checked} == set(SLICES)
    assert [
        found
        for path, name, is_package in checked
        for found in climbs(path.read_text(), name, is_package)
    ] == []
    assert climbs("from ..billing import payments", "tickets.work.parts") == [
        "tickets.work.parts imports tickets.billing.payments"
    ]


def test_imports_run_one_way():
    checked = list(modules())
    assert {name.split(".")[0] for _, name, _ in checked} == {*APPS, "mechanic_shop"}
    assert [
        found
        for path, name, is_package in checked
        for found in violations(path.read_text(), name, is_package)
    ] == []


def test_every_app_has_its_rule():
    """A fifth room would go unchecked."""
    assert {path.parent.name for path in ROOT.glob("*/apps.py")} == set(APPS)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("customers.models", "import tickets"),
        ("customers.models", "from tickets.models import ServiceTicket"),
        ("customers.models", "def later():\n    from tickets import models"),
        ("customers.models", "if TYPE_CHECKING:\n    import tickets.models as rows"),
        ("customers.models", "from ..tickets import models"),
        ("mechanics.views", "from inventory.models import Part"),
        ("inventory.operations.stock", "from ...tickets.models import TicketPart"),
        ("tickets.views", "from mechanic_shop.urls import router"),
        ("tickets.views", "from mechanic_shop import settings"),
        ("tickets.views", "import mechanic_shop"),
        ("mechanic_shop.http.viewsets", "from tickets.models import ServiceTicket"),
        ("mechanic_shop.http.permissions", "from mechanic_shop.accounts.models import User"),
        ("mechanic_shop.accounts.views", "from customers.models import Customer"),
        ("mechanic_shop.urls_extra", "from customers import views"),
        ("mechanic_shop.errors", "from rest_framework.exceptions import APIException"),
        ("mechanic_shop.errors", "import rest_framework"),
    ],
)
def test_a_violation_is_caught(module, source):
    assert len(violations(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "tickets.desk.views",
            (
                "from customers.models import Customer\nfrom mechanics import models\nimport "
                "inventory.operations"
            ),
        ),
        ("tickets.checks", "from . import workflow\nfrom .models import ServiceTicket"),
        (
            "customers.operations",
            (
                "from mechanic_shop.errors import DomainError\nfrom mechanic_shop.accounts "
                "import operations"
            ),
        ),
        (
            "inventory.operations.stock",
            "from ..models import Part\nfrom mechanic_shop import errors",
        ),
        ("mechanic_shop.urls", "from tickets.views import ServiceTicketViewSet"),
        (
            "mechanic_shop.http.errors",
            "from rest_framework import exceptions\nfrom mechanic_shop.errors import DomainError",
        ),
        ("customers.models", "import ticketsellers"),
    ],
)
def test_what_the_rule_allows_passes(module, source):
    assert violations(source, module) == []


def test_a_package_reads_its_own_relative_imports():
    assert (
        violations(
            "from .stock import issue\nfrom ..models import Part",
            "inventory.operations",
            is_package=True,
        )
        == []
    )
    assert violations("from ...tickets import models", "inventory.operations", is_package=True) == [
        "inventory.operations imports tickets.models"
    ]


# --- sizes ----------------------------------------------------------------------------

LONGEST_FILE, LONGEST_FUNCTION = 250, 25  # lines
NOT_COUNTED = {"mechanic_shop.settings", "tickets.demo.catalog"}  # tables of data


def long_functions(source: str) -> list[str]:
    """Functions with too many lines, their docstrings apart."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if ast.get_docstring(node):
                text = node.body[0]
                lines -= (text.end_lineno or 0) - text.lineno + 1
            if lines > LONGEST_FUNCTION:
                found.append(f"{node.name}: {lines} lines")
    return found


def test_a_file_is_a_page_and_a_function_a_paragraph():
    counted = [
        (name, path.read_text())
        for path, name, _ in modules()
        if ".migrations" not in name and name not in NOT_COUNTED
    ]
    assert [name for name, source in counted if source.count("\n") > LONGEST_FILE] == []
    assert [f"{name}: {each}" for name, source in counted for each in long_functions(source)] == []
    assert long_functions("def f():\n" + "    x = 1\n" * 25) == ["f: 26 lines"]
