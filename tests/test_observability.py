"""What the shop tells of itself: is it ready, a line in the log for each request, and
metrics; and what it never tells.
"""

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.test import Client as Browser
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from mechanic_shop.accounts.models import User
from mechanic_shop.db.redis import ShopRedisCache
from mechanic_shop.http.errors import from_django
from mechanic_shop.observability import health, logs, metrics, request_logging

from .conftest import Client, express
from .factories import CustomerFactory, MechanicFactory, UserFactory
from .test_express import by_django, environ
from .test_server import PROJECT, Server, is_problem

TOKEN = "only-for-scrapes-0123456789-abcdefghijklmnop"
NOBODY = "127.0.0.1:1"
Lines = Callable[[], list[dict[str, Any]]]


# --- /readyz/ -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_shop_that_can_work_is_ready(anonymous: Client) -> None:
    answer = anonymous.get("/readyz/")
    assert (answer.status_code, answer.json()) == (200, {"database": "ok", "cache": "ok"})


@pytest.fixture
def no_redis(settings: Any) -> Iterator[None]:
    before = settings.CACHES
    settings.CACHES = {
        "default": {
            "BACKEND": "mechanic_shop.db.redis.ShopRedisCache",
            "LOCATION": f"redis://{NOBODY}/0",
        }
    }
    yield
    settings.CACHES, ShopRedisCache.down_until = before, 0.0


@pytest.mark.django_db
def test_a_redis_that_does_not_answer_is_told_by_name_only(
    anonymous: Client, no_redis: None
) -> None:
    failed = value("shop_redis_failures_total")
    answer = anonymous.get("/readyz/")
    assert (answer.status_code, answer.json()) == (503, {"database": "ok", "cache": "down"})
    assert value("shop_redis_failures_total") == failed + 1


@pytest.mark.django_db
def test_missing_migrations_are_not_ready(
    anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "migrated", False)
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: targets)
    answer = anonymous.get("/readyz/")
    assert (answer.status_code, answer.json()) == (
        503,
        {"database": "migrations missing", "cache": "ok"},
    )


@pytest.fixture
def silence() -> Iterator[int]:
    """A port that takes connections and says nothing, as a database that hangs."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(100)
        yield mute.getsockname()[1]


def test_a_database_that_hangs_is_told_in_time_and_stops_nothing_else(
    tmp_path: Path, silence: int
) -> None:
    server = Server(tmp_path)
    server.environment |= {
        "DATABASE_URL": f"postgres://shop:p4ssw0rd@127.0.0.1:{silence}/shop",
        "REDIS_URL": f"redis://{NOBODY}/0",
    }
    server.environment |= {"WEB_CONCURRENCY": "1"}
    with server.running():
        for _ in range(4):  # more than there are threads
            begun = time.monotonic()
            status, _, body = server.ask("GET", "/readyz/")
            assert (status, json.loads(body)) == (503, {"database": "down", "cache": "down"})
            # it would hang for ever, and the machine may be busy
            assert time.monotonic() - begun < health.WITHIN + 8
            assert server.ask("GET", "/healthz/")[0] == 200
    assert "p4ssw0rd" not in server.log.read_text()


def test_a_database_that_is_gone_is_told(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.environment["DATABASE_URL"] = f"postgres://shop:p4ssw0rd@{NOBODY}/shop"
    with server.running():
        status, _, body = server.ask("GET", "/readyz/")
        assert (status, json.loads(body)) == (503, {"database": "down", "cache": "ok"})


# --- the log --------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _room_for_new_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests before this one may have asked for all that are told apart."""
    monkeypatch.setattr(metrics, "answered", {})
    monkeypatch.setattr(metrics, "refused", {})


@pytest.fixture
def lines(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Lines:
    """The lines of requests since they were last asked for."""
    monkeypatch.setattr(request_logging, "line_of", logs.json_line)
    return lambda: [
        json.loads(line)
        for line in capfd.readouterr().err.splitlines()
        if '"shop.requests"' in line
    ]


def test_an_answered_request_leaves_one_line(advisor: Client, lines: Lines) -> None:
    customer = CustomerFactory()
    lines()
    assert (
        advisor.get(
            f"/api/v1/customers/{customer.pk}/", HTTP_X_REQUEST_ID="from-the-proxy"
        ).status_code
        == 200
    )
    [line] = lines()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", line.pop("time"))
    assert 0 < line.pop("duration_ms") < 60_000
    assert line == {
        "level": "INFO",
        "logger": "shop.requests",
        "message": "request",
        "request_id": "from-the-proxy",
        "user_id": advisor.user.pk,
        "method": "GET",
        "route": "/api/v1/customers/{id}/",
        "status": 200,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("method", "path", "route", "status", "code"),
    [
        ("get", "/api/v1/customers/", "/api/v1/customers/", 401, "not_authenticated"),
        ("get", "/api/v1/tickets/alice@example.com/", "unmatched", 404, "not_found"),
        ("put", "/api/v1/mechanics/", "/api/v1/mechanics/", 401, "not_authenticated"),
        ("get", "/api/v1/mechanics/99999/", "/api/v1/mechanics/{id}/", 404, "not_found"),
        ("get", "/api/v1/mechanics/?nmae=alice", "/api/v1/mechanics/", 400, "unknown_parameter"),
        (
            "get",
            "/admin/customers/customer/5/change/",
            "/admin/customers/customer/{id}/change/",
            302,
            None,
        ),
        ("get", "/static/nothing-5.css", "/static/", 404, "not_found"),
    ],
)
def test_a_refusal_is_told_by_its_template_and_code(
    method: str, path: str, route: str, status: int, code: str | None, lines: Lines
) -> None:
    counted = value(
        "shop_request_seconds_count", route=route, method=method.upper(), status=str(status)
    )
    refused = value("shop_refusals_total", code=code)
    answer = APIClient().generic(method.upper(), path)
    [line] = lines()
    assert (line["route"], line["method"], line["status"], line.get("code")) == (
        route,
        method.upper(),
        status,
        code,
    )
    assert line["request_id"] == answer["X-Request-ID"]
    assert line["user_id"] is None
    assert (
        value("shop_request_seconds_count", route=route, method=method.upper(), status=str(status))
        == counted + 1
    )
    assert value("shop_refusals_total", code=code) == refused + (code is not None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    [
        "mechanics/",
        "mechanics/popular/?since=2026-01-01",
        "mechanics/{key}/",
        "mechanics/99999/",
        "customers/?search=alice",
    ],
)
def test_the_express_way_leaves_the_line_that_djangos_way_leaves(
    anonymous: Client, lines: Lines, path: str
) -> None:
    path = f"/api/v1/{path.format(key=MechanicFactory().pk)}"
    asked = environ(anonymous, "GET", path, HTTP_X_REQUEST_ID="mine")
    assert express.answer(dict(asked)) is not None
    by_django(dict(asked))
    quick, slow = (
        {name: told for name, told in line.items() if name not in ("time", "duration_ms")}
        for line in lines()
    )
    assert quick == slow
    assert quick["request_id"] == "mine"
    assert not re.search(r"\d|\?", quick["route"].removeprefix("/api/v1/"))


def test_a_replay_is_told_and_counted(manager: Client, lines: Lines) -> None:
    replayed = value("shop_idempotent_replays_total")
    for _ in range(2):
        assert (
            manager.post(
                "/api/v1/customers/", {"name": "Rita"}, HTTP_IDEMPOTENCY_KEY="once"
            ).status_code
            == 201
        )
    assert [line.get("replayed") for line in lines()] == [None, True]
    assert value("shop_idempotent_replays_total") == replayed + 1


def test_the_admin_names_its_user_too(advisor: Client, lines: Lines) -> None:
    browser = Browser()
    browser.force_login(advisor.user)
    assert browser.get("/admin/").status_code == 200
    assert lines()[-1]["user_id"] == advisor.user.pk


@pytest.mark.django_db
def test_probes_are_told_only_when_something_is_wrong(
    anonymous: Client, lines: Lines, no_redis: None
) -> None:
    anonymous.get("/healthz/")
    assert lines() == []
    anonymous.get("/readyz/")
    assert [(line["route"], line["status"], line["level"]) for line in lines()] == [
        ("/readyz/", 503, "ERROR")
    ]


def written(record: logging.LogRecord) -> dict[str, Any] | None:
    """The record as it would be in the log; None where it is not."""
    if not all(rule().filter(record) for rule in (logs.RequestFilter, logs.FixedWords)):
        return None
    line = logs.JSONFormatter().format(record)
    assert "\n" not in line
    return json.loads(line)


def record(
    name: str, message: str, level: int = logging.WARNING, exc_info: Any = None, **extra: Any
) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(
        name, level, __file__, 1, message, (), exc_info, extra=extra
    )


def test_a_record_holds_its_words_and_the_known_fields_only() -> None:
    logs.begin("mine")
    line = written(
        record(
            "shop.security",
            "log-in failed\n{}",
            account="abc",
            request="GET /?email=a@example.com",
            password="hunter2",
        )
    )
    assert line is not None
    assert line.pop("time")
    assert line == {
        "level": "WARNING",
        "logger": "shop.security",
        "message": "log-in failed\n{}",
        "request_id": "mine",
        "user_id": None,
        "account": "abc",
    }


def test_a_record_for_people_stays_on_its_line() -> None:
    logs.begin("mine")
    told = record("shop.security", "log-in\nfailed", account="a\r\nb")
    logs.RequestFilter().filter(told)
    assert (
        logs.LineFormatter()
        .format(told)
        .endswith(r"WARNING shop.security request=mine user=- log-in\nfailed account=a\r\nb")
    )
    line = logs.text_line("mine", 503, {"user_id": None, "route": "/readyz/"}).decode()
    assert line.endswith(" ERROR shop.requests request=mine user=- route=/readyz/\n")


def test_a_trace_says_where_and_not_what() -> None:
    try:
        try:
            int("secret@example.com")
        except ValueError as error:
            raise RuntimeError("about secret@example.com") from error
    except RuntimeError:
        line = written(
            record(
                "django.request",
                "Internal Server Error: /secret@example.com/",
                logging.ERROR,
                sys.exc_info(),
            )
        )
    assert line is not None
    assert line["message"] == "a request failed"
    assert 'int("secret@example.com")' in line["trace"]  # the line of this file
    assert line["trace"].count("secret@example.com") == line["trace"].count('("secret@') + line[
        "trace"
    ].count('("about secret@')
    assert [part.splitlines()[-1] for part in line["trace"].split("\ncaused by\n")] == [
        "builtins.RuntimeError",
        "builtins.ValueError",
    ]


@pytest.mark.parametrize("name", ["django.security.DisallowedHost", "django.security.csrf"])
def test_what_django_says_of_a_refusal_does_not_repeat_what_was_sent(name: str) -> None:
    line = written(record(name, "Invalid HTTP_HOST header: 'secret@example.com'"))
    assert line is not None
    assert (line["message"], line["kind"]) == (
        "a request was refused",
        name.removeprefix("django.security."),
    )
    # the request's own line says it
    assert written(record("django.request", "Not Found: /secret@example.com/")) is None


@pytest.mark.django_db
def test_a_broken_constraint_is_named_without_the_row(caplog: pytest.LogCaptureFixture) -> None:
    UserFactory(email="secret@example.com")
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        User.objects.bulk_create([User(email="secret@example.com")])
    from_django(refused.value)
    line = written(caplog.records[-1])
    assert line is not None
    assert "email" in line["constraint"]
    assert "secret@example.com" not in json.dumps(line)


def test_a_failing_database_is_told_with_its_first_line_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failed = value("shop_database_failures_total")
    from_django(OperationalError("disk full\nDETAIL: secret@example.com"))
    line = written(caplog.records[-1])
    assert line is not None
    assert (line["level"], line["reason"]) == ("ERROR", "disk full")
    assert "secret@example.com" not in json.dumps(line)
    assert value("shop_database_failures_total") == failed + 1


@pytest.mark.django_db
def test_a_failed_log_in_names_account_and_address_by_pseudonyms(
    anonymous: Client, caplog: pytest.LogCaptureFixture
) -> None:
    for email, address in [
        ("alice@example.com", "10.0.0.1"),
        ("Alice@example.com", "10.0.0.1"),
        ("alice@example.com", "10.0.0.2"),
    ]:
        anonymous.post(
            "/api/v1/auth/token/",
            {"email": email, "password": "hunter2-hunter2"},
            REMOTE_ADDR=address,
        )
    first, again, elsewhere = [
        written(found) for found in caplog.records if found.name == "shop.security"
    ]
    assert first is not None
    assert again is not None
    assert elsewhere is not None
    assert (first["account"], first["address"]) == (again["account"], again["address"])
    assert (first["account"] == elsewhere["account"], first["address"] == elsewhere["address"]) == (
        True,
        False,
    )
    assert not re.search(
        r"alice|hunter2|10\.0\.0", json.dumps([first, again, elsewhere]), re.IGNORECASE
    )


def test_a_log_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "wb", buffering=0) as full:
        monkeypatch.setattr(logs, "STDERR", full.fileno())
        logs.write(b"line\n")


# --- the whole server: its log, its metrics -------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("observed"))
    server.environment |= {"METRICS_TOKEN": TOKEN}
    assert server.manage("migrate").wait(60) == 0, server.log.read_text()
    server.log.unlink()  # what a command prints is not what the server logs
    with server.running():
        yield server


def scrape(server: Server) -> str:
    status, headers, body = server.ask(
        "GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return body.decode()


def lines_of(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def test_every_line_of_the_server_is_json_and_none_repeats_what_was_sent(server: Server) -> None:
    secret = "secret@example.com"
    wrong = json.dumps({"email": secret, "password": "p4ssw0rd-secret"})
    bearer = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.secret"}
    asked = {
        "found": ("GET", f"/api/v1/mechanics/?search={secret}", None, {}, 200),
        "nothing": ("GET", f"/{secret}/?token=secret", None, {}, 404),
        "method": ("SECRET", "/api/v1/mechanics/", None, {}, 405),
        "who": ("GET", "/api/v1/auth/me/", None, bearer, 401),
        "wrong": ("POST", "/api/v1/auth/token/", wrong, {"Content-Type": "application/json"}, 401),
        "nonsense": (
            "POST",
            "/api/v1/auth/token/",
            f'{{"{secret}',
            {"Content-Type": "application/json"},
            400,
        ),
        "host": ("GET", "/healthz/", None, {"Host": "secret.example.com"}, 400),
        "fails": ("GET", f"/fails/{secret}/?q=secret", None, {}, 500),
        "ends": ("GET", "/ends/", None, {}, 500),
        "large": ("POST", f"/echo/?q={secret}", b"secret" * 400_000, {}, 413),
    }
    for ident, (method, path, body, headers, status) in asked.items():
        answer = server.ask(method, path, body, {"X-Request-ID": ident, **headers})
        assert (answer[0], answer[1]["x-request-id"]) == (status, ident)
    server.ask("GET", "/nothing/", headers={"X-Request-ID": "not sane: secret"})

    end = time.monotonic() + 10
    while "beside Django" not in server.log.read_text() and time.monotonic() < end:
        time.sleep(0.1)  # who is refused there has the answer before the log has the trace
    told = lines_of(server)
    found = {
        line["request_id"]: (line["status"], line.get("code"), line["route"])
        for line in told
        if line["logger"] == "shop.requests"
    }
    assert {ident: found[ident][0] for ident in asked} == {
        ident: status for ident, (*_, status) in asked.items()
    }
    assert found["found"] == (200, None, "/api/v1/mechanics/")
    assert found["fails"] == (500, "internal_error", "/fails/{word}/")
    assert found["large"] == (413, "body_too_large", "unmatched")
    assert {line["request_id"] for line in told if "trace" in line} == {"fails", "ends"}
    # the trace shows the line of tests/server/urls.py
    without_code = re.sub(r"raise ValueError\(.*?\)", "", server.log.read_text())
    assert not re.search(r"secret|p4ssw0rd|eyJ", without_code, re.IGNORECASE)


def test_the_server_counts_what_it_answers(server: Server) -> None:
    server.ask("GET", "/fails/x/")
    server.ask("INVENTED", "/no-such-thing/")
    found = scrape(server)
    assert 'shop_request_seconds_count{method="GET",route="/fails/{word}/",status="500"}' in found
    assert 'shop_request_seconds_count{method="other",route="unmatched",status="405"}' in found
    assert 'shop_refusals_total{code="internal_error"}' in found
    assert "no-such-thing" not in found
    assert "INVENTED" not in found
    assert float(
        re.search(r"^shop_worker_started_seconds (\S+)", found, re.MULTILINE)[1]
    ) == pytest.approx(time.time(), abs=600)  # type: ignore[index]


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="the workers are found in Linux's /proc"
)
def test_two_workers_tell_of_both_and_a_dead_one_is_not_forgotten(tmp_path: Path) -> None:
    server = Server(tmp_path)
    server.environment |= {
        "METRICS_TOKEN": TOKEN,
        "REDIS_URL": f"redis://{NOBODY}/0",
        "WEB_CONCURRENCY": "2",
    }
    with server.running():
        for _ in range(40):
            assert server.ask("GET", "/nothing-here/")[0] == 404
        counted = 'shop_request_seconds_count{method="GET",route="unmatched",status="404"} '
        assert [
            line
            for _ in range(8)
            for line in scrape(server).splitlines()
            if line.startswith(counted)
        ] == [f"{counted}40.0"] * 8

        main = server.process.pid
        folder = Path(
            re.search(
                rb"PROMETHEUS_MULTIPROC_DIR=([^\0]+)", Path(f"/proc/{main}/environ").read_bytes()
            )[1].decode()
        )  # type: ignore[index]
        files = sorted(path.name for path in folder.glob("*.db"))
        assert "histogram_1.db" in files
        [first, _] = workers = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        os.kill(int(first), signal.SIGKILL)
        end = time.monotonic() + 20
        while "Started worker" not in server.log.read_text().partition("Respawning")[2]:
            assert time.monotonic() < end, server.log.read_text()
            time.sleep(0.2)
        assert Path(f"/proc/{main}/task/{main}/children").read_text().split() != workers
        assert [
            line
            for _ in range(8)
            for line in scrape(server).splitlines()
            if line.startswith(counted)
        ] == [f"{counted}40.0"] * 8
        assert sorted(path.name for path in folder.glob("*.db")) == files
    assert lines_of(server)  # all of it is JSON

    metrics.make_folder(folder.parent)
    assert not folder.exists()  # the next start removes what an ended server left


# --- metrics: who may see them, and what they hold ------------------------------------


def value(name: str, **labels: str | None) -> float:
    return (
        metrics.registry.get_sample_value(name, {key: str(label) for key, label in labels.items()})
        or 0
    )


def test_metrics_are_for_staff(
    anonymous: Client, owner: Client, assigned: Client, advisor: Client, manager: Client
) -> None:
    assert [
        client.get("/metrics").status_code
        for client in (anonymous, owner, assigned, advisor, manager)
    ] == [401, 403, 403, 200, 200]
    browser = Browser()
    browser.force_login(advisor.user)
    assert browser.get("/metrics").status_code == 200
    assert browser.post("/metrics").status_code in (403, 405)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("token", "sent", "status"),
    [
        (TOKEN, f"Bearer {TOKEN}", 200),
        (TOKEN, f"bearer {TOKEN}", 200),
        (TOKEN, f"Basic {TOKEN}", 401),
        (TOKEN, f"Bearer {TOKEN}x", 401),
        (TOKEN, f"Bearer {TOKEN[:-1]}", 401),
        (TOKEN, "Bearer é", 401),
        (TOKEN, "Bearer ", 401),
        (TOKEN, "", 401),
        ("", "Bearer ", 401),
        ("", "Bearer", 401),
        ("", f"Bearer {TOKEN}", 401),
    ],
)
def test_metrics_open_to_the_scrape_token(
    settings: Any, token: str, sent: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    answer = APIClient().get(
        "/metrics",
        HTTP_AUTHORIZATION=sent,
        HTTP_ACCEPT="application/openmetrics-text;version=1.0.0,text/plain;q=0.3",
    )
    assert answer.status_code == status
    if status == 401:
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert is_problem(
            (
                401,
                {"content-type": answer["Content-Type"], "x-request-id": answer["X-Request-ID"]},
                answer.content,
            ),
            401,
            answer.json()["code"],
        )


@pytest.mark.django_db
def test_the_scrape_token_opens_nothing_else(settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    assert [
        client.get(path).status_code
        for path in ("/api/v1/customers/", "/api/v1/auth/me/", "/admin/")
    ] == [401, 401, 302]
    assert client.post("/metrics").status_code == 405


def patterns(under: str = "", found: Any = None) -> Iterator[str]:
    for pattern in get_resolver().url_patterns if found is None else found:
        route = under + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(route, pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield route


def test_every_route_has_a_template_that_people_can_read() -> None:
    named = {request_logging.template(route) for route in patterns()}
    assert [
        name for name in named if not re.fullmatch(r"(/[a-z0-9_\-]*|/\{[a-z_0-9]+\})+", name)
    ] == []
    assert {"/api/v1/tickets/{id}/add-part/", "/api/v1/mechanics/", "/readyz/", "/metrics"} <= named


def run(code: str, folder: Path, **environment: str) -> str:
    command = [sys.executable, "-c", "from mechanic_shop.observability import metrics\n" + code]
    variables = {"PATH": os.environ["PATH"], metrics.FOLDER: str(folder), **environment}
    return subprocess.run(
        command, cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def test_the_labels_have_an_end_and_fit_into_the_room_that_was_made(tmp_path: Path) -> None:
    """A hole in a mapped file, on a full disk, is the end of the process."""
    longest = max((request_logging.template(route) for route in patterns()), key=len)
    told = run(
        f"""for number in range(3000):
            metrics.time_answer(f"{{number:04}}" + "{longest}", "OPTIONS", 500, 0.1)
            metrics.count_refusal(f"a_rather_long_code_of_a_refusal_{{number}}")
print(metrics.exposition().decode())""",
        tmp_path,
    )
    assert (
        len(set(re.findall(r'shop_request_seconds_count\{.*route="(.*?)"', told)))
        == metrics.MOST + 1
    )
    assert (
        len(set(re.findall(r'shop_refusals_total\{code="(.*?)"', told))) == metrics.MOST_CODES + 1
    )
    assert {
        kind: (tmp_path / f"{kind}_0.db").stat().st_size for kind in metrics.ROOM
    } == metrics.ROOM


def test_the_files_are_written_in_full_before_they_are_mapped(tmp_path: Path) -> None:
    run("", tmp_path)
    for kind, size in metrics.ROOM.items():
        assert (tmp_path / f"{kind}_0.db").stat().st_blocks * 512 >= size


def test_processes_one_after_the_other_count_on_and_at_once_apart(tmp_path: Path) -> None:
    add = (
        "metrics.mail_failures.inc(); print(metrics.place[0], "
        "metrics.registry.get_sample_value('shop_mail_failures_total'))"
    )
    assert [run(add, tmp_path).split() for _ in range(2)] == [["0", "1.0"], ["0", "2.0"]]
    meanwhile = ["-c", f"from mechanic_shop.observability import metrics\n{add}"]
    another = f"import subprocess, sys; subprocess.check_call([sys.executable, *{meanwhile!r}])"
    told = run(
        f"{add}\nimport sys; sys.stdout.flush()\n{another}\nprint(metrics.exposition().decode())",
        tmp_path,
    )
    assert told.split()[:4] == ["0", "3.0", "1", "1.0"]
    assert "shop_mail_failures_total 4.0" in told


def test_without_a_place_to_count_a_process_tells_of_itself(tmp_path: Path) -> None:
    told = run(
        "metrics.mail_failures.inc(); print(metrics.place, metrics.exposition().decode())",
        tmp_path / "not there",
    )
    assert told.startswith("None ")
    assert "shop_mail_failures_total 1.0" in told
