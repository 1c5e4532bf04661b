"""The production server alone, in the foreground: nothing is installed, migrated or
loaded.
"""

import logging
import os
import resource
import socket
import sys
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management.base import BaseCommand, CommandError

from mechanic_shop.observability import metrics

log = logging.getLogger("shop.server")
HEADERS_WITHIN = 10_000  # milliseconds: a client that sends its headers slower than this is cut off
CONNECTIONS = 4096  # of each process; the next wait to be accepted
OTHER_FILES = 256  # what a process opens besides: databases, Redis, static files
# bytes of a connection: the headers must fit, and what a slow reader has not read yet
# stays below twice that
BUFFER = 65_536
# Of granian's allocator, jemalloc: give memory back to the system after a second, not
# at the next use or never.
GIVE_MEMORY_BACK = {
    "_RJEM_MALLOC_CONF": "background_thread:true,dirty_decay_ms:1000,muzzy_decay_ms:0"
}
FINISH_WITHIN = (
    20  # seconds that running requests have after SIGTERM; the promise is to be gone within 30
)


def granian_options() -> list[str]:
    """What granian is started with. Static files are WhiteNoise's: they pass the same
    middleware as everything else.
    """
    return [
        "--interface=asgi",
        "--loop=asyncio",
        "--http=1",
        "--no-ws",
        f"--host={settings.HOST}",
        f"--port={settings.PORT}",
        f"--workers={settings.WEB_CONCURRENCY}",
        "--backlog=1024",
        f"--backpressure={room_for_connections()}",
        f"--http1-buffer-size={BUFFER}",
        "--runtime-blocking-threads=4",  # they read static files, and wait for no client
        f"--http1-header-read-timeout={HEADERS_WITHIN}",
        f"--workers-kill-timeout={FINISH_WITHIN}",
        "--respawn-failed-workers",
        "--no-access-log",  # the shop has its own
        *(
            [f"--log-config={settings.BASE_DIR / 'mechanic_shop' / 'granian_log.json'}"]
            if settings.LOG_FORMAT == "json"
            else []
        ),
        f"--working-dir={settings.BASE_DIR}",
    ]


def room_for_connections() -> int:
    """Raise the limit of open files as far as CONNECTIONS need it and the system lets
    it: at that limit a server accepts nobody.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return (
        CONNECTIONS
        if soft == resource.RLIM_INFINITY
        else max(1, min(CONNECTIONS, soft - OTHER_FILES))
    )


def refuse_a_taken_address() -> None:
    """Say it in a sentence: granian would print a backtrace, or share the port with
    another server.
    """
    family = socket.AF_INET6 if ":" in settings.HOST else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # what a server that has just ended left behind is no obstacle
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.HOST, settings.PORT))
        except OSError as error:
            raise CommandError(
                f"Nothing can listen on HOST {settings.HOST}, PORT {settings.PORT} "
                f"({error.strerror}): set another."
            ) from None


def refuse_without_static_files() -> None:
    """Each page would else be an error: it looks the names of its files up in what
    ``collectstatic`` wrote.
    """
    manifest = getattr(staticfiles_storage, "manifest_name", None)
    if manifest and not Path(settings.STATIC_ROOT, manifest).is_file():
        raise CommandError(
            "The static files were not collected, so no page could be shown: run make "
            "setup, or manage.py collectstatic, first."
        )


def shared_counts() -> dict[str, str]:
    """Where several processes count together; the metrics are no reason not to serve."""
    if settings.WEB_CONCURRENCY == 1:
        return {}
    try:
        return {metrics.FOLDER: str(metrics.make_folder(settings.VAR_DIR / "metrics"))}
    except OSError as error:
        log.warning(
            "there is no folder for metrics: each process tells of itself alone",
            extra={"reason": error.strerror},
        )
        return {}


class Command(BaseCommand):
    help = (
        "Serve the shop on HOST and PORT with WEB_CONCURRENCY processes of THREADS threads, "
        "until SIGTERM."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        refuse_without_static_files()
        refuse_a_taken_address()
        self.greet()
        os.dup2(2, 1)  # granian logs to stdout; what a service has to say goes to stderr
        # Becoming granian, instead of starting it, leaves one process for SIGTERM to
        # reach.
        environment = (
            {name: value for name, value in os.environ.items() if name != metrics.FOLDER}
            | shared_counts()
            | GIVE_MEMORY_BACK
        )
        application = "mechanic_shop.server.rsgi:application"
        command = [sys.executable, "-m", "granian", *granian_options(), application]
        os.execve(sys.executable, command, environment)  # noqa: S606

    def greet(self) -> None:
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        greeting = (
            f"{settings.SHOP_NAME}: http://{host}:{settings.PORT}/ · API docs at "
            f"/api/v1/docs/ · staff at /admin/ · stop with Ctrl-C"
        )
        if settings.LOG_FORMAT == "json":
            log.info(greeting)
        else:
            self.stderr.write(greeting)
        sys.stderr.flush()
