"""The production server alone, in the foreground: nothing is installed, migrated or loaded."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

HEADERS_WITHIN = 10_000  # milliseconds: a client that sends its headers slower than this is cut off
FINISH_WITHIN = 20  # seconds that running requests have after SIGTERM; the promise is to be gone within 30


def granian_options() -> list[str]:
    """What granian is started with. Static files are WhiteNoise's: they pass the same middleware as everything else."""
    return [
        "--interface=wsgi",
        "--http=1",
        "--no-ws",
        f"--host={settings.HOST}",
        f"--port={settings.PORT}",
        f"--workers={settings.WEB_CONCURRENCY}",
        f"--blocking-threads={settings.THREADS}",
        "--backlog=1024",
        f"--http1-header-read-timeout={HEADERS_WITHIN}",
        f"--workers-kill-timeout={FINISH_WITHIN}",
        "--respawn-failed-workers",
        "--no-access-log",
        f"--working-dir={settings.BASE_DIR}",
    ]


class Command(BaseCommand):
    help = "Serve the shop on HOST and PORT with WEB_CONCURRENCY processes of THREADS threads, until SIGTERM."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        sys.stdout.flush()
        os.dup2(2, 1)  # granian logs to stdout; what a service has to say goes to stderr
        # Becoming granian, instead of starting it, leaves one process for SIGTERM to reach.
        os.execv(sys.executable, [sys.executable, "-m", "granian", *granian_options(), "mechanic_shop.wsgi:application"])  # noqa: S606
