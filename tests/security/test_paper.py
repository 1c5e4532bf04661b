"""docs/security.md names tests that exist, and every row of the lists that it promises."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAPER = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", PAPER)))


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its own two lines."""
    section = PAPER.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ][2:]


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_that_is_named_exists(file: str) -> None:
    tree = ast.parse((ROOT / "tests" / file).read_text())
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert [name for where, name in NAMED if where == file and name not in there] == []


def test_nothing_that_is_named_is_overlooked() -> None:
    assert (
        len(re.findall(r"::test_\w+", PAPER))
        == len(re.findall(r"`[a-z_/]+\.py::test_\w+`", PAPER))
        > 90
    )


@pytest.mark.parametrize(
    ("heading", "first"),
    [
        ("OWASP API Security Top 10", [f"API{number}" for number in range(1, 11)]),
        ("Forty requirements", [str(number) for number in range(1, 41)]),
        ("OWASP crAPI", [*map(str, range(1, 16)), "secret:", "code:"]),
    ],
)
def test_every_row_is_there_and_shown_by_a_test(heading: str, first: list[str]) -> None:
    found = rows(heading)
    assert [cells[0].split()[0] for cells in found] == first
    assert [cells[0] for cells in found if "::test_" not in cells[-1]] == []


def test_what_is_installed_is_not_below_its_floor() -> None:
    pinned = dict(
        re.findall(
            r"^([A-Za-z-]+)(?:\[[a-z,]+\])?==([0-9.]+)",
            (ROOT / "requirements.txt").read_text(),
            re.MULTILINE,
        )
    )
    floors = rows("Floors")
    assert len(floors) >= 6
    for package, floor, _ in floors:
        assert version(pinned[package]) >= version(floor), package


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))
