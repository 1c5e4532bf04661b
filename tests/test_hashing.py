"""At most one thread in four hashes a password; the others are refused at once, and
told when to come back.
"""

import ast
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import yaml
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test import Client as Browser
from django.utils.http import urlsafe_base64_encode
from django.utils.module_loading import import_string

from customers.models import Customer
from mechanic_shop import settings as shop_settings
from mechanic_shop.accounts.hashing import MESSAGE, BoundedPBKDF2PasswordHasher, HashingSlots, slots
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.passwords import reset_tokens
from mechanic_shop.errors import Busy
from mechanic_shop.http import form_keys

from .answers import refused
from .conftest import Client, client_of
from .factories import PASSWORD
from .test_imports import ROOT, modules

NEW = "Torque-to-47-newton-metres"
API = "/api/v1"


@pytest.fixture(autouse=True)
def _the_shops_own_hasher(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = shop_settings.PASSWORD_HASHERS
    monkeypatch.setattr(BoundedPBKDF2PasswordHasher, "iterations", 1)
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | dict.fromkeys(
        ("login", "signup", "reset"), "1/hour"
    )


@pytest.fixture
def taken() -> Iterator[None]:
    """Another thread hashes."""
    assert slots.free.acquire(blocking=False)
    yield
    slots.free.release()


def form(client: Browser, page: str, **typed: str) -> Any:
    """As a page of the shop sends it: with its key, by which it has one effect, in one
    transaction.
    """
    return client.post(
        page, typed | {form_keys.FIELD: secrets.token_urlsafe(16)}, HTTP_ACCEPT="text/html"
    )


def browser_of(user: Any) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def own_record(user: Any) -> int:
    """The customer that a member of the staff is."""
    return Customer.objects.get_or_create(
        user=user, defaults={"name": "Boss", "email": user.email}
    )[0].pk


# Each takes the log-in of a customer, and that of a manager.
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "log-in": lambda user, boss: Client().post(
        f"{API}/auth/token/", {"email": user.email, "password": PASSWORD}
    ),
    "unknown log-in": lambda user, boss: Client().post(
        f"{API}/auth/token/", {"email": "nobody@example.com", "password": PASSWORD}
    ),
    "sign-up": lambda user, boss: Client().post(
        f"{API}/customers/", {"name": "N", "email": "new@example.com", "password": NEW}
    ),
    "new password": lambda user, boss: client_of(user).post(
        f"{API}/auth/password/", {"current_password": PASSWORD, "new_password": NEW}
    ),
    "reset": lambda user, boss: Client().post(
        f"{API}/auth/password/reset/confirm/",
        {
            "uid": urlsafe_base64_encode(str(user.pk).encode()),
            "token": reset_tokens.make_token(user),
            "new_password": NEW,
        },
    ),
    "new e-mail": lambda user, boss: client_of(user).patch(
        f"{API}/customers/{user.customer.pk}/",
        {"email": "other@example.com", "current_password": PASSWORD},
    ),
    "whole record": lambda user, boss: client_of(user).put(
        f"{API}/customers/{user.customer.pk}/",
        {"name": "N", "email": "other@example.com", "current_password": PASSWORD},
    ),
    "erase oneself": lambda user, boss: client_of(user).post(
        f"{API}/customers/{user.customer.pk}/erase/", {"current_password": PASSWORD}
    ),
}
# The routes of the API that take a password, by who of PROGRAMS knocks there.
ROUTES = {
    "POST /api/v1/auth/token/": {"log-in", "unknown log-in"},
    "POST /api/v1/auth/password/": {"new password"},
    "POST /api/v1/auth/password/reset/confirm/": {"reset"},
    "POST /api/v1/customers/": {"sign-up"},
    "PATCH /api/v1/customers/{id}/": {"new e-mail"},
    "PUT /api/v1/customers/{id}/": {"whole record"},
    "POST /api/v1/customers/{id}/erase/": {"erase oneself"},
}
PAGES: dict[str, Callable[[Any, Any], Any]] = {
    "log-in": lambda user, boss: form(
        Browser(), f"{API}/session/login/", username=user.email, password=PASSWORD
    ),
    "admin's log-in": lambda user, boss: form(
        Browser(), "/admin/login/", username=boss.email, password=PASSWORD
    ),
    "own password": lambda user, boss: form(
        browser_of(boss),
        "/admin/password_change/",
        old_password=PASSWORD,
        new_password1=NEW,
        new_password2=NEW,
    ),
    "own e-mail": lambda user, boss: form(
        browser_of(boss),
        f"/admin/accounts/user/{boss.pk}/change/",
        **{"email": "b@example.com", "initial-email": boss.email, "current_password": PASSWORD},
        **dict.fromkeys(("is_active", "is_staff"), "on"),
        **{f"initial-{name}": "True" for name in ("is_active", "is_staff")},
    ),
    "another's password": lambda user, boss: form(
        browser_of(boss),
        f"/admin/accounts/user/{user.pk}/set-password/",
        password1=NEW,
        password2=NEW,
    ),
    "new log-in": lambda user, boss: form(
        browser_of(boss),
        "/admin/accounts/user/add/",
        email="n@example.com",
        password1=NEW,
        password2=NEW,
    ),
    "erase oneself": lambda user, boss: form(
        browser_of(boss),
        f"/admin/customers/customer/{own_record(boss)}/erase/",
        current_password=PASSWORD,
    ),
}


@pytest.fixture
def user(owner: Client) -> Any:
    owner.user.set_password(PASSWORD)
    owner.user.save()
    return owner.user


@pytest.fixture
def boss(manager: Client) -> Any:
    manager.user.set_password(PASSWORD)
    manager.user.save()
    return manager.user


@pytest.mark.parametrize("door", PROGRAMS)
def test_a_program_is_told_when_to_come_back_and_no_attempt_is_counted(
    user: Any, boss: Any, door: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("taken")
    for _ in range(3):
        answer = PROGRAMS[door](user, boss)
        refused(answer, 503, "login_busy")
        assert answer["Retry-After"] == "1"
    slots.free.release()
    try:
        answer = PROGRAMS[door](user, boss)  # one attempt is allowed, and this is the first
    finally:
        slots.free.acquire()
    assert answer.status_code == 401 if door == "unknown log-in" else answer.status_code < 300, (
        answer.content
    )


@pytest.mark.parametrize("door", PAGES)
def test_a_page_says_so_in_a_sentence_and_no_attempt_is_counted(
    user: Any, boss: Any, door: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("taken")
    for _ in range(3):
        answer = PAGES[door](user, boss)
        assert answer.status_code == 200
        assert MESSAGE in answer.content.decode()
    slots.free.release()
    try:
        answer = PAGES[door](user, boss)
    finally:
        slots.free.acquire()
    assert answer.status_code == 302, answer.content.decode()


def test_no_more_threads_hash_than_there_are_slots_and_the_rest_does_not_wait() -> None:
    bounded, others_are_answered = HashingSlots(2), threading.Event()

    def hash_once() -> str:
        with bounded.hold(), bounded.hold():  # a second time by the same thread
            assert others_are_answered.wait(10)
        return "hashed"

    with ThreadPoolExecutor(8) as pool:
        two = [pool.submit(hash_once) for _ in range(2)]
        six = [pool.submit(hash_once).exception(5) for _ in range(6)]
        others_are_answered.set()
        assert all(isinstance(refusal, Busy) for refusal in six)
        assert [hashed.result(10) for hashed in two] == ["hashed", "hashed"]
    assert hash_once() == "hashed"


def test_one_thread_in_four_may_hash_and_every_hasher_of_the_shop_asks() -> None:
    assert slots.free._value == max(1, shop_settings.THREADS // 4)  # type: ignore[attr-defined]
    for hasher in map(get_hasher, shop_settings.PASSWORD_HASHERS):
        with slots.hold(), ThreadPoolExecutor(1) as pool:
            refusal = pool.submit(hasher.encode, PASSWORD, "salt").exception(5)
        assert isinstance(refusal, Busy)


def get_hasher(path: str) -> Any:
    return import_string(path)()


# --- outside of transactions ----------------------------------------------------------


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of every password that was hashed: did a transaction wait for it?"""
    found: list[bool] = []
    encode = BoundedPBKDF2PasswordHasher.encode

    def told(self: Any, *args: Any) -> str:
        found.append(connection.in_atomic_block)
        return encode(self, *args)

    monkeypatch.setattr(BoundedPBKDF2PasswordHasher, "encode", told)
    return found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("doors", "door"), [(doors, door) for doors in (PROGRAMS, PAGES) for door in doors]
)
def test_no_transaction_waits_for_a_hash(
    user: Any, boss: Any, doors: Any, door: str, hashed: list[bool]
) -> None:
    hashed.clear()  # of the two users
    answer = doors[door](user, boss)
    assert (
        answer.status_code == 401
        if door == "unknown log-in"
        else answer.status_code in (200, 201, 204, 302)
    ), answer.content
    if doors is PAGES:
        assert answer.status_code == 302, answer.content.decode()
    assert hashed
    assert not any(hashed)


def test_every_route_that_takes_a_password_is_here() -> None:
    assert set().union(*ROUTES.values()) == set(PROGRAMS)
    found = set()
    schema = yaml.load((ROOT / "docs" / "openapi.yaml").read_text(), yaml.CSafeLoader)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            bodies = [
                content["schema"]
                for content in operation.get("requestBody", {}).get("content", {}).values()
            ]
            named = [
                schema["components"]["schemas"][body["$ref"].rpartition("/")[2]]
                for body in bodies
                if "$ref" in body
            ]
            if any("password" in name for body in named for name in body.get("properties", {})):
                found.add(f"{method.upper()} {path}")
    assert found == set(ROUTES)


def test_everything_that_hashes_is_known() -> None:
    """A new caller belongs into the tables above."""
    callers = set()
    for path, module, _ in modules():
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef):
                callers |= {
                    f"{module}.{function.name}"
                    for call in ast.walk(function)
                    if isinstance(call, ast.Call) and hashes(call)
                }
    assert callers == {
        "customers.operations._change_login",
        "customers.operations.erase",
        "customers.serializers.validate",
        "mechanic_shop.accounts.admin_forms.clean_self",
        "mechanic_shop.accounts.admin_forms.hash_password",
        "mechanic_shop.accounts.models.create_user",  # for commands and tests: no door comes here
        "mechanic_shop.accounts.password_changes._check_change",
        "mechanic_shop.accounts.password_changes._check_current_password",
        "mechanic_shop.accounts.password_changes.change_password",
        "mechanic_shop.accounts.password_changes.check_reset",
        "mechanic_shop.accounts.sessions.log_in",
        "tickets.demo.loader.load",
    }


def hashes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "authenticate":  # Django's function, not the method of a class that reads tokens
        return isinstance(call.func, ast.Name)
    # no password, so no work
    nothing = any(isinstance(each, ast.Constant) and each.value is None for each in call.args)
    return (
        name
        in (
            "make_password",
            "check_password",
            "set_password",
            "hash_new_password",
            "check_current_password",
        )
        and not nothing
    )


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["new e-mail", "whole record", "erase oneself"])
def test_a_password_that_was_replaced_meanwhile_proves_nothing(
    user: Any, boss: Any, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced, encode = make_password(NEW), BoundedPBKDF2PasswordHasher.encode

    def and_somebody_else_sets_another(self: Any, *args: Any) -> str:
        found = encode(self, *args)
        User.objects.filter(pk=user.pk).update(password=replaced)
        return found

    monkeypatch.setattr(BoundedPBKDF2PasswordHasher, "encode", and_somebody_else_sets_another)
    before = Customer.objects.values().get(pk=user.customer.pk)
    refused(PROGRAMS[door](user, boss), 400, "wrong_password")
    assert Customer.objects.values().get(pk=user.customer.pk) == before


@pytest.mark.django_db
def test_an_own_e_mail_is_not_changed_by_a_password_of_before(
    user: Any, boss: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced, encode = make_password(NEW), BoundedPBKDF2PasswordHasher.encode

    def and_somebody_else_sets_another(self: Any, *args: Any) -> str:
        found = encode(self, *args)
        User.objects.filter(pk=boss.pk).update(password=replaced)
        return found

    monkeypatch.setattr(BoundedPBKDF2PasswordHasher, "encode", and_somebody_else_sets_another)
    email = boss.email
    answer = PAGES["own e-mail"](user, boss)
    assert "This is not your present password." in answer.content.decode()
    assert User.objects.get(pk=boss.pk).email == email
