"""Shops of earlier versions are brought up to date, and work on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from .test_server import PROJECT


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("version", ["v1.0.0", "35a9794"])
def test_an_upgrade_keeps_every_row_and_the_shop_works_on(
    another: Callable[[str], str], version: str
) -> None:
    """What was settled before the shop wrote invoices (1.0.0) is read, reopened and
    invoiced; documents of 35a9794 are printed, and its open invoices paid.
    """
    beside = {
        "DATABASE_URL": another("old"),
        "REDIS_URL": "",
        "EMAIL_URL": "dummy:",
        "DJANGO_SETTINGS_MODULE": "tests.uncollected",
    }
    command = [sys.executable, "-m", "tests.upgrade", version]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | beside,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "\n".join(json.loads(done.stdout)) == ""
