"""A shop of release 1.0.0, from before money, is brought up to date, and works on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from .test_backup import ON_POSTGRESQL, execute, url_of
from .test_server import PROJECT


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """The address of a new database."""
    if not ON_POSTGRESQL:
        yield url_of(str(tmp_path / "old.sqlite3"))
        return
    name = f"{connection.settings_dict['NAME']}_old"
    execute(f'CREATE DATABASE "{name}"')
    yield url_of(name)
    execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.django_db(transaction=True)
def test_what_was_settled_before_the_shop_wrote_invoices_is_read_reopened_and_invoiced(empty: str) -> None:
    environment = os.environ | {"DATABASE_URL": empty, "REDIS_URL": "", "EMAIL_URL": "dummy:", "DJANGO_SETTINGS_MODULE": "tests.uncollected"}
    done = subprocess.run([sys.executable, "-m", "tests.upgrade"], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout) == []
