"""Databases beside the tests' own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

ON_POSTGRESQL = settings.ON_POSTGRESQL


def url_of(name: str) -> str:
    """The DATABASE_URL of a database beside the tests' own."""
    known = connection.settings_dict
    if not ON_POSTGRESQL:
        return f"sqlite:///{name}"
    password = f":{known['PASSWORD']}" if known["PASSWORD"] else ""
    return f"postgres://{known['USER']}{password}@{known['HOST']}:{known['PORT'] or 5432}/{name}"


@pytest.fixture
def another(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes new databases, without a table in them; they go with the test."""
    made: list[str] = []

    def make(name: str) -> str:
        if not ON_POSTGRESQL:
            return url_of(str(tmp_path / f"{name}.sqlite3"))
        made.append(f"{connection.settings_dict['NAME']}_{name}")
        execute(f'CREATE DATABASE "{made[-1]}"')
        return url_of(made[-1])

    yield make
    for name in made:
        execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
