"""A shop of release 1.0.0, from before money, is brought up to date, and works on."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from .test_server import PROJECT


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_what_was_settled_before_the_shop_wrote_invoices_is_read_reopened_and_invoiced(
    another: Callable[[str], str],
) -> None:
    beside = {
        "DATABASE_URL": another("old"),
        "REDIS_URL": "",
        "EMAIL_URL": "dummy:",
        "DJANGO_SETTINGS_MODULE": "tests.uncollected",
    }
    command = [sys.executable, "-m", "tests.upgrade"]
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
    assert json.loads(done.stdout) == []
