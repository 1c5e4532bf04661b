"""The production server itself, on a port and a database of its own, and how clients
that misbehave leave it.
"""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
THREADS = 2


class Server:
    """`manage.py serve`, until SIGTERM."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.server.settings",
            "DATABASE_URL": f"sqlite:///{folder}/shop.sqlite3",
            "PORT": str(self.port),
            "THREADS": str(THREADS),
            "SECRET_KEY": "0123456789abcdef" * 3,
            "JWT_SIGNING_KEY": "fedcba9876543210" * 3,
        }
        self.log = folder / "log"

    def manage(self, command: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", command],
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    @contextmanager
    def running(self) -> Iterator["Server"]:
        self.process = self.manage("serve")
        try:
            self.wait(20)
            yield self
        finally:
            self.process.terminate()
            self.process.wait(30)

    def wait(self, seconds: float) -> None:
        """Until it answers."""
        end = time.monotonic() + seconds
        while True:
            try:
                assert self.ask("GET", "/healthz/")[0] == 200
                return
            except OSError:
                assert time.monotonic() < end, self.log.read_text()
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)

    def connect(self, *sent: bytes, timeout: float = 10) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        for part in sent:
            connection.sendall(part)
        return connection

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 10,
    ) -> tuple[int, dict, bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            client.request(method, path, body, headers or {})
            return whole(client.getresponse())
        finally:
            client.close()

    def ask_raw(self, *sent: bytes, timeout: float = 10) -> tuple[int, dict, bytes]:
        with self.connect(*sent, timeout=timeout) as connection:
            return answer_on(connection)

    def echo(self, **headers: str) -> dict[str, Any]:
        return json.loads(self.ask("GET", "/echo/", headers=headers)[2])


def whole(answer: http.client.HTTPResponse) -> tuple[int, dict, bytes]:
    return (
        answer.status,
        {name.lower(): value for name, value in answer.getheaders()},
        answer.read(),
    )


def answer_on(connection: socket.socket, method: str = "GET") -> tuple[int, dict, bytes]:
    with http.client.HTTPResponse(connection, method=method) as answer:
        answer.begin()
        return whole(answer)


def is_problem(answer: tuple[int, dict, bytes], status: int, code: str) -> bool:
    body = json.loads(answer[2])
    assert (answer[0], answer[1]["content-type"], body["status"], body["code"]) == (
        status,
        "application/problem+json",
        status,
        code,
    )
    assert body["request_id"] == answer[1]["x-request-id"]
    return True


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "large.bin").write_bytes(b"large" * 2 * MIB)
    server = Server(folder)
    assert server.manage("migrate").wait(60) == 0, server.log.read_text()
    with server.running():
        yield server


# --- requests that are whole ----------------------------------------------------------


def test_one_connection_serves_many_requests_and_head_has_no_body(server):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        client.connect()
        first = client.sock
        for method in ("GET", "HEAD", "GET", "HEAD"):
            client.request(method, "/healthz/")
            status, headers, body = whole(client.getresponse())
            assert (status, headers["content-type"], headers["content-length"]) == (
                200,
                "application/json",
                "19",
            )
            assert len(body) == (19 if method == "GET" else 0)
            assert client.sock is first
    finally:
        client.close()


def test_the_shop_works_on_its_database(server):
    assert server.ask("GET", "/readyz/")[0] == 200
    refused = server.ask(
        "POST",
        "/api/v1/auth/token/",
        '{"email": "nobody@example.com", "password": "wrong"}',
        {"Content-Type": "application/json"},
    )
    assert is_problem(refused, 401, json.loads(refused[2])["code"])


def test_a_view_sees_what_pep_3333_says(server):
    status, _, body = server.ask_raw(
        b"POST /echo/caf%C3%A9/%FF?q=%C3%A9&q=2 HTTP/1.1\r\nhost: localhost\r\nCookie: a=1\r\ncookie: b=2\r\nX-Twice: one\r\nX-Twice: two\r\n"
        b"X-Forwarded-For: 1.1.1.1\r\nX_Forwarded_For: 6.6.6.6\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody"
    )
    told = json.loads(body)
    assert (status, told["path"], told["body"]) == (200, "/echo/café/�", "body")
    assert told["meta"] == {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/echo/café/�",  # as Django reads it
        "QUERY_STRING": "q=%C3%A9&q=2",
        "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": str(server.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "4",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": "a=1; b=2",
        "HTTP_X_TWICE": "one,two",
        "HTTP_X_FORWARDED_FOR": "1.1.1.1",
        "HTTP_CONNECTION": "close",
    }


def test_a_header_that_is_not_ascii_arrives_with_every_byte(server):
    """One foreign cookie must not take the others with it, nor a forwarded address
    those behind it.
    """
    sent = (
        'Cookie: sessionid=abc; city=Orléans\r\nIf-Match: "olé"\r\nX-Forwarded-For: é, 9.9.9.9\r\n'
    ).encode()
    meta = json.loads(
        server.ask_raw(
            b"GET /echo/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + sent + b"\r\n"
        )[2]
    )["meta"]
    found = {
        name: meta[f"HTTP_{name}"].encode("latin-1").decode()
        for name in ("COOKIE", "IF_MATCH", "X_FORWARDED_FOR")
    }
    assert found == {
        "COOKIE": "sessionid=abc; city=Orléans",
        "IF_MATCH": '"olé"',
        "X_FORWARDED_FOR": "é, 9.9.9.9",
    }
    key = b"POST /api/v1/customers/ HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: caf\xc3\xa9\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    assert is_problem(server.ask_raw(key), 400, "invalid_idempotency_key")


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer",
        "Bearer a b",
        "Bearer a\r\nAuthorization: Bearer b",
        "Bearer é",
        "Bearer\xa0a.b.c",
        "Basic é",
        "é",
    ],
)
def test_an_authorization_that_cannot_be_read_is_401_on_public_routes(server, sent):
    head = (
        f"GET /api/v1/mechanics/ HTTP/1.1\r\nHost: localhost\r\nConnection: "
        f"close\r\nAuthorization: {sent}\r\n\r\n"
    )
    for encoding in ("utf-8", "latin-1"):
        assert is_problem(server.ask_raw(head.encode(encoding)), 401, "token_not_valid")
    assert (
        server.ask("GET", "/api/v1/mechanics/", headers={"Authorization": "Basic YTpi"})[0] == 200
    )


def test_a_body_in_chunks_is_a_body(server):
    status, _, body = server.ask("POST", "/echo/", iter([b"in ", b"chunks"]))
    assert (status, json.loads(body)["body"], json.loads(body)["meta"]["CONTENT_LENGTH"]) == (
        200,
        "in chunks",
        "9",
    )


def test_an_old_client_is_told_the_protocol_and_hung_up_on(server):
    status, _, body = server.ask_raw(b"GET /echo/ HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert (status, json.loads(body)["meta"]["SERVER_PROTOCOL"]) == (200, "HTTP/1.0")


def test_files_and_streams_arrive(server):
    status, headers, body = server.ask("GET", "/file/")
    assert (status, headers["content-length"], body) == (200, str(10 * MIB), b"large" * 2 * MIB)
    assert server.ask("GET", "/stream/")[::2] == (200, b"ab")


@pytest.mark.parametrize(
    "target",
    [
        *[
            b"/%00",
            b"/api/v1/customers/%00/",
            b"/%ff%fe",
            b"/\xff\xfe",
            b"/caf\xc3\xa9",
            b"//",
            b"//evil.example.com/",
            b"/..%2f..%2fetc/passwd",
        ],
        *[
            b"*",
            b"",
            b"/" + b"a" * 9000,
            b"/" + b"a" * 100_000,
            b"/%zz/?" + b"%00=%ff&" * 1000 + b"\xc3\xa9",
        ],
    ],
    ids=lambda target: target[:20].decode("latin-1") + f"-{len(target)}",
)
def test_an_odd_address_is_refused_and_the_server_lives(server, target):
    status = server.ask_raw(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")[0]
    assert 400 <= status < 500
    assert server.ask("GET", "/healthz/")[0] == 200


def test_what_django_does_not_catch_is_500_and_costs_no_thread(server):
    for _ in range(THREADS + 1):
        assert is_problem(server.ask("GET", "/ends/"), 500, "internal_error")
    assert server.ask("GET", "/healthz/")[0] == 200


# --- requests that are not ------------------------------------------------------------

START = b"POST /echo/ HTTP/1.1\r\nHost: localhost\r\n"


def test_sixty_half_sent_requests_stop_nobody_and_are_cut_off(server):
    begun = time.monotonic()
    with ExitStack() as connections:
        for _ in range(30):
            connections.enter_context(server.connect(b"GET /healthz/ HTTP/1.1\r\nHost: loc"))
        halves = [
            connections.enter_context(server.connect(START + b"Content-Length: 10\r\n\r\nhalf"))
            for _ in range(30)
        ]
        for _ in range(5):
            assert server.ask("GET", "/healthz/", timeout=2)[0] == 200
            assert server.ask("POST", "/echo/", b"whole", timeout=2)[0] == 200
        for half in halves:
            assert is_problem(answer_on(half), 408, "body_too_slow")
            assert half.recv(1) == b""  # hung up
        assert 1.5 < time.monotonic() - begun < 8


def test_who_does_not_read_stops_nobody(server):
    with ExitStack() as connections:
        for _ in range(20):
            connections.enter_context(
                server.connect(b"GET /file/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            )
        for _ in range(5):
            assert server.ask("GET", "/healthz/", timeout=2)[0] == 200


@pytest.mark.parametrize("size", [MIB + 1, 12 * MIB])
def test_a_body_over_the_limit_is_refused_whether_announced_or_not(server, size):
    """Also to a client that reads nothing before it has sent everything."""
    assert is_problem(server.ask("POST", "/echo/", b"x" * size), 413, "body_too_large")
    assert is_problem(
        server.ask("POST", "/echo/", (b"x" * (size // 8) for _ in range(9))), 413, "body_too_large"
    )


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(server):
    announced = START + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    assert is_problem(server.ask_raw(announced, timeout=1), 413, "body_too_large")


@pytest.mark.parametrize(
    "broken",
    [
        b"Content-Length: 10\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
def test_a_body_that_breaks_off_never_reaches_the_shop(server, broken):
    before = server.echo()["seen"]
    with server.connect(START + broken) as connection:
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100)[:12] in (b"", b"HTTP/1.1 400")
    server.connect(START + broken).close()
    time.sleep(0.2)
    assert server.echo()["seen"] == before + 1


def test_requests_that_are_too_many_or_wait_too_long_are_told_to_come_back(monkeypatch):
    from mechanic_shop.server import rsgi

    answers: list[tuple[int, list[tuple[str, str]], bytes]] = []
    scope = SimpleNamespace(method="GET", path="/", client="10.0.0.1:1")
    protocol = SimpleNamespace(response_bytes=lambda *answer: answers.append(answer))
    request = rsgi.Request(scope, {"x-request-id": "mine"}, protocol)
    shop = rsgi.Shop(lambda environ, start_response: pytest.fail("too late"))
    monkeypatch.setattr(rsgi, "WAITING", 1)
    assert [shop.take(request) for _ in range(2)] == [True, False]
    monkeypatch.setattr(rsgi, "PATIENCE", 0)
    shop.whole.end_one()
    shop.work()
    for status, headers, body in answers:
        assert is_problem((status, dict(headers), body), 503, "too_busy")
        assert (dict(headers)["retry-after"], dict(headers)["x-request-id"]) == ("5", "mine")
    assert len(answers) == 2


@pytest.mark.parametrize("way", ["by the loop", "past the loop"])
def test_a_client_that_the_guard_does_not_admit_is_turned_away_on_arrival(monkeypatch, way):
    from mechanic_shop.server import direct_handover, rsgi

    answers: list[tuple[int, dict[str, str], bytes]] = []
    send = lambda status, headers, body: answers.append((status, dict(headers), body))  # noqa: E731
    scope = SimpleNamespace(method="GET", path="/", client="10.0.0.1:1")
    request = rsgi.Request(scope, {}, SimpleNamespace(response_bytes=send))
    shop = rsgi.Shop(lambda environ, start_response: pytest.fail("not asked"))
    monkeypatch.setattr(shop.guard, "admits", lambda client: client != "10.0.0.1:1")
    monkeypatch.setattr(direct_handover, "request_of", lambda *_: request)
    if way == "by the loop":
        asyncio.run(shop.handle(request))
    else:
        watcher = SimpleNamespace(scope=scope, proto=SimpleNamespace(receive=None, send=None))
        direct_handover.DirectHandover(shop).hand_over(watcher, pytest.fail)
    assert is_problem(answers.pop(), 503, "too_many_connections")
    assert (answers, shop.whole.qsize()) == ([], 0)


def test_log_ins_beyond_those_that_may_wait_are_refused_without_a_thread(monkeypatch):
    from mechanic_shop.accounts.hashing import MESSAGE
    from mechanic_shop.server import rsgi
    from mechanic_shop.server.password_lane import WAITING

    answers: list[tuple[int, dict[str, str], Any]] = []
    send = lambda status, headers, body: answers.append((status, dict(headers), body))  # noqa: E731
    scope = SimpleNamespace(method="POST", path="/api/v1/auth/token/", client="10.0.0.1:1")
    requests = [
        rsgi.Request(scope, headers, SimpleNamespace(response_bytes=send, response_str=send))
        for headers in ({}, {"accept": "text/html"})
    ]
    served: list[Any] = []
    shop = rsgi.Shop(lambda environ, start_response: pytest.fail("not asked"))
    monkeypatch.setattr(shop, "answer", served.append)

    admitted = [shop.take(requests[0]) for _ in range(1 + WAITING)]
    assert admitted == [True] * (1 + WAITING)
    assert [shop.take(request) for request in requests] == [False, False]
    program, person = answers
    assert is_problem(program, 503, "login_busy")
    assert (person[0], person[1]["content-type"]) == (503, "text/html; charset=utf-8")
    assert MESSAGE in person[2]
    assert program[1]["retry-after"] == person[1]["retry-after"] == "1"

    for _ in range(1 + WAITING):
        assert shop.whole.qsize() == 1  # the others hold neither a thread nor a place in the queue
        shop.serve(shop.whole.get())
    assert (len(served), shop.whole.qsize()) == (1 + WAITING, 0)


# --- its end, and a worker's ----------------------------------------------------------


def test_sigterm_lets_a_running_request_finish(server):
    with (
        Server(server.log.parent).running() as another,
        another.connect(START + b"Content-Length: 10\r\n\r\nhalf"),
        ThreadPoolExecutor() as pool,
    ):
        running = [
            pool.submit(another.ask, "GET", "/slow/"),
            pool.submit(another.ask, "POST", "/slow/", b"body"),
        ]
        time.sleep(0.5)
        begun = time.monotonic()
        another.process.send_signal(signal.SIGTERM)
        assert [answer.result()[::2] for answer in running] == [(200, b"slow"), (200, b"slow")]
        assert another.process.wait(30) == 0
        assert time.monotonic() - begun < 15


@pytest.mark.skipif(
    not Path("/proc/self/task").exists(), reason="the worker is found in Linux's /proc"
)
def test_a_killed_worker_is_replaced(server):
    [worker] = (
        Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    )
    os.kill(int(worker), signal.SIGKILL)
    server.wait(10)
