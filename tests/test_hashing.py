"""At most one thread in four hashes a password; the others are refused at once, and told when to come back."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils.http import urlsafe_base64_encode
from django.utils.module_loading import import_string

from mechanic_shop import settings as shop_settings
from mechanic_shop.accounts.hashing import MESSAGE, BoundedPBKDF2PasswordHasher, HashingSlots, slots
from mechanic_shop.accounts.passwords import reset_tokens
from mechanic_shop.errors import Busy

from .answers import refused
from .conftest import Client, client_of
from .factories import PASSWORD

NEW = "Torque-to-47-newton-metres"
API = "/api/v1"


@pytest.fixture(autouse=True)
def _the_shops_own_hasher(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = shop_settings.PASSWORD_HASHERS
    monkeypatch.setattr(BoundedPBKDF2PasswordHasher, "iterations", 1)
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | dict.fromkeys(("login", "signup", "reset"), "1/hour")


@pytest.fixture
def taken() -> Iterator[None]:
    """Another thread hashes."""
    assert slots.free.acquire(blocking=False)
    yield
    slots.free.release()


def form(client: Browser, page: str, **typed: str) -> Any:
    return client.post(page, typed, HTTP_ACCEPT="text/html")


def browser_of(user: Any) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


# Each takes the log-in of a customer, and that of a manager.
PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "log-in": lambda user, boss: Client().post(f"{API}/auth/token/", {"email": user.email, "password": PASSWORD}),
    "unknown log-in": lambda user, boss: Client().post(f"{API}/auth/token/", {"email": "nobody@example.com", "password": PASSWORD}),
    "sign-up": lambda user, boss: Client().post(f"{API}/customers/", {"name": "N", "email": "new@example.com", "password": NEW}),
    "new password": lambda user, boss: client_of(user).post(f"{API}/auth/password/", {"current_password": PASSWORD, "new_password": NEW}),
    "reset": lambda user, boss: Client().post(
        f"{API}/auth/password/reset/confirm/",
        {"uid": urlsafe_base64_encode(str(user.pk).encode()), "token": reset_tokens.make_token(user), "new_password": NEW},
    ),
    "new e-mail": lambda user, boss: client_of(user).patch(
        f"{API}/customers/{user.customer.pk}/", {"email": "other@example.com", "current_password": PASSWORD}
    ),
    "erase oneself": lambda user, boss: client_of(user).post(f"{API}/customers/{user.customer.pk}/erase/", {"current_password": PASSWORD}),
}
PAGES: dict[str, Callable[[Any, Any], Any]] = {
    "log-in": lambda user, boss: form(Browser(), f"{API}/session/login/", username=user.email, password=PASSWORD),
    "admin's log-in": lambda user, boss: form(Browser(), "/admin/login/", username=boss.email, password=PASSWORD),
    "own password": lambda user, boss: form(browser_of(boss), "/admin/password_change/", old_password=PASSWORD, new_password1=NEW, new_password2=NEW),
    "own e-mail": lambda user, boss: form(
        browser_of(boss),
        f"/admin/accounts/user/{boss.pk}/change/",
        **{"email": "b@example.com", "initial-email": boss.email, "current_password": PASSWORD},
        **dict.fromkeys(("is_active", "is_staff"), "on"),
        **{f"initial-{name}": "True" for name in ("is_active", "is_staff")},
    ),
    "another's password": lambda user, boss: form(browser_of(boss), f"/admin/accounts/user/{user.pk}/set-password/", password1=NEW, password2=NEW),
    "new log-in": lambda user, boss: form(browser_of(boss), "/admin/accounts/user/add/", email="n@example.com", password1=NEW, password2=NEW),
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
def test_a_program_is_told_when_to_come_back_and_no_attempt_is_counted(user: Any, boss: Any, door: str, request: pytest.FixtureRequest) -> None:
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
    assert answer.status_code == 401 if door == "unknown log-in" else answer.status_code < 300, answer.content


@pytest.mark.parametrize("door", PAGES)
def test_a_page_says_so_in_a_sentence_and_no_attempt_is_counted(user: Any, boss: Any, door: str, request: pytest.FixtureRequest) -> None:
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
