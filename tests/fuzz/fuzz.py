"""Schemathesis against the shop: whatever the OpenAPI schema promises is asked for, as
several people at once.

Each gets a production server (`manage.py serve`) on a demo shop of its own, so that no
run depends on another. The same seed sends the same requests; without --seconds a run
ends after a fixed number of them, with it when the time is over.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import dj_database_url
import psycopg
from psycopg import sql

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PASSWORD = "Try-the-garage-1"  # load_demo's
NO_LIMITS = dict.fromkeys(
    (
        f"THROTTLE_{scope}"
        for scope in ("ANON", "CUSTOMER", "STAFF", "LOGIN", "SIGNUP", "RESET", "SHARED")
    ),
    "off",
)
# What each shop is started with. The hurried one is a customer whom the limits stop
# again and again: 429 has to be as documented too.
ACTORS: dict[str, dict[str, str]] = {
    "anonymous": NO_LIMITS,
    "customer": NO_LIMITS,
    "manager": NO_LIMITS,
    "hurried": NO_LIMITS | {"THROTTLE_CUSTOMER": "30/second"},
}
LOGINS = {
    "customer": "customer@example.com",
    "hurried": "customer@example.com",
    "manager": "manager@example.com",
}


class Databases:
    """The loaded demo, and a copy of it for each actor. On PostgreSQL their names begin
    with test_, and they are dropped.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, os.environ.get("SHOP_TEST_DATABASE_URL", "")
        self.made: list[str] = []

    def name(self, whose: str) -> str:
        return f"test_{dj_database_url.parse(self.url)['NAME']}_fuzz_{whose}"

    def url_of(self, whose: str) -> str:
        return (
            re.sub(r"/[^/?]*(\?|$)", rf"/{self.name(whose)}\1", self.url, count=1)
            if self.url
            else f"sqlite:///{self.folder}/{whose}.sqlite3"
        )

    def make(self, whose: str, like: str = "") -> None:
        if self.url:
            template = [sql.SQL("TEMPLATE"), sql.Identifier(self.name(like))] if like else []
            self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", whose)
            self.run("CREATE DATABASE {}", whose, *template)
            self.made.append(whose)
        elif like:
            shutil.copy(self.folder / f"{like}.sqlite3", self.folder / f"{whose}.sqlite3")

    def run(self, statement: str, whose: str, *more: sql.Composable) -> None:
        with psycopg.connect(
            re.sub(r"/[^/?]*(\?|$)", r"/postgres\1", self.url, count=1), autocommit=True
        ) as connection:
            connection.execute(
                sql.SQL(" ").join(
                    [sql.SQL(statement).format(sql.Identifier(self.name(whose))), *more]
                )
            )

    def drop(self) -> None:
        for whose in self.made:
            self.run("DROP DATABASE IF EXISTS {} WITH (FORCE)", whose)


class Run:
    """One actor's server and fuzzer."""

    def __init__(
        self, actor: str, folder: Path, database: str, options: argparse.Namespace
    ) -> None:
        self.actor, self.options = actor, options
        self.log, self.report = folder / f"{actor}.server.log", folder / f"{actor}.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen[bytes]] = []  # the server, the fuzzer
        self.environment = environment(database, PORT=str(self.port), **ACTORS[actor])

    def serve(self) -> None:
        with self.log.open("wb") as log:
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "manage.py", "serve"],
                    cwd=PROJECT,
                    env=self.environment,
                    stdout=log,
                    stderr=log,
                )
            )
        self.wait(self.processes[0])

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(40)

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 60
        while True:
            try:
                return urllib.request.urlopen(f"{self.url}/readyz/", timeout=5).close()
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    sys.exit(f"The shop of {self.actor} did not start:\n{self.log.read_text()}")
                time.sleep(0.2)

    def start(self) -> None:
        command = [
            str(HERE / ".venv/bin/schemathesis"),
            "--config-file",
            str(HERE / "schemathesis.toml"),
            "run",
            f"{self.url}/api/v1/schema/",
        ]
        command += ["--seed", str(self.options.seed), "--no-color"]
        if self.options.seconds:
            command += ["--max-time", str(self.options.seconds)]
        else:
            # The edges of the schema are 2,000 cases and the same for everybody: the
            # one who may do most is asked for them.
            command += [
                "--phases",
                "coverage,fuzzing,stateful" if self.actor == "manager" else "fuzzing",
            ]
            command += ["--max-examples", str(self.options.examples)]
        known = {
            "FUZZ_URL": self.url,
            "FUZZ_EMAIL": LOGINS.get(self.actor, ""),
            "FUZZ_PASSWORD": PASSWORD,
        }
        known |= {
            "SCHEMATHESIS_HOOKS": "hooks",
            "PYTHONPATH": str(HERE),
            "PATH": os.environ["PATH"],
            "COLUMNS": "150",
        }
        with self.report.open("wb") as report:
            self.processes.append(
                subprocess.Popen(
                    [*command, *self.options.more],
                    cwd=self.report.parent,
                    env=known,
                    stdout=report,
                    stderr=report,
                )
            )

    def finish(self) -> bool:
        """Wait for the fuzzer, and tell how it went: with all it found, if it found
        anything.
        """
        failed = self.processes[1].wait() != 0
        told = self.report.read_text()
        cases = re.search(r"([0-9,]+) generated", told)
        count = int(cases[1].replace(",", "")) if cases else 0
        out = self.locked_out()
        failed |= bool(out) or not count
        if failed:
            print(told, *self.failures_of_the_server(), sep="\n")
        print(
            f"as {self.actor}: {count} cases, {'FAILED' if failed else 'nothing wrong'}{out}",
            flush=True,
        )
        return failed

    def locked_out(self) -> str:
        """Can the actor still log in? Else most of the answers were 401, and the run
        shows nothing.
        """
        if self.actor not in LOGINS:
            return ""
        body = json.dumps({"email": LOGINS[self.actor], "password": PASSWORD}).encode()
        request = urllib.request.Request(
            f"{self.url}/api/v1/auth/token/", body, {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=20).close()
        except OSError as error:
            return f"; the log-in did not outlive the run ({error})"
        return ""

    def failures_of_the_server(self) -> list[str]:
        return [
            line
            for line in self.log.read_text().splitlines()
            if '"ERROR"' in line or '"status":5' in line
        ][:20]


def environment(database: str, **more: str) -> dict[str, str]:
    """Nothing of the caller's: a fuzzer must never meet a real shop."""
    keys = {"SECRET_KEY": "0123456789abcdef" * 3, "JWT_SIGNING_KEY": "fedcba9876543210" * 3}
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": database,
        "EMAIL_URL": "dummy:",
        **keys,
        **more,
    }


def load_demo(databases: Databases) -> None:
    databases.make("demo")
    for command in ("migrate", "load_demo"):
        arguments = [sys.executable, "manage.py", command, "--verbosity", "0"]
        subprocess.run(
            arguments,
            cwd=PROJECT,
            env=environment(databases.url_of("demo")),
            check=True,
            stdout=subprocess.DEVNULL,
        )


def fuzz(options: argparse.Namespace, folder: Path, databases: Databases) -> list[str]:
    """All actors at once; who of them found something."""
    load_demo(databases)
    failed: list[str] = []
    runs: list[Run] = []
    for actor in options.actors:
        databases.make(actor, like="demo")
        runs.append(Run(actor, folder, databases.url_of(actor), options))
    # A fuzzer waits for its server half of the time, and the other way round: all
    # together need less time than one after another.
    try:
        for run in runs:
            run.serve()
            run.start()
        failed = [run.actor for run in runs if run.finish()]
    finally:
        for run in runs:
            run.stop()
    return failed


def stop(signum: int, frame: Any) -> None:
    """End as after Ctrl-C, so that servers and databases go too."""
    raise KeyboardInterrupt


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--as",
        dest="actors",
        nargs="+",
        choices=ACTORS,
        default=list(ACTORS),
        metavar="ACTOR",
        help=", ".join(ACTORS),
    )
    parser.add_argument(
        "--seed", type=int, default=random.randrange(2**31), help="by default another one each time"
    )
    parser.add_argument(
        "--examples",
        type=int,
        default=10,
        help="random cases for each operation, beside those at the edges of the schema",
    )
    parser.add_argument("--seconds", type=int, default=0, help="how long, instead of --examples")
    parser.add_argument(
        "more",
        nargs="*",
        help="after --: what else schemathesis is given, such as --include-path /api/v1/parts/",
    )
    options = parser.parse_args()
    print(f"Seed {options.seed}, as {', '.join(options.actors)}.", flush=True)
    with tempfile.TemporaryDirectory(prefix="shop-fuzz-") as folder:
        databases = Databases(Path(folder))
        try:
            failed = fuzz(options, Path(folder), databases)
        finally:
            databases.drop()
    if failed:
        asked = [
            f"--as {' '.join(failed)} --seed {options.seed}",
            f"--seconds {options.seconds}" if options.seconds else f"--examples {options.examples}",
        ]
        asked += ["--", *options.more] if options.more else []
        where = f" SHOP_TEST_DATABASE_URL={databases.url}" if databases.url else ""
        sys.exit(f'Again, with the same requests: make fuzz{where} ARGS="{" ".join(asked)}"')


if __name__ == "__main__":
    main()
