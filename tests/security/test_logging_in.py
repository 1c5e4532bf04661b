"""Guessing who is here and with which password (API2:2023; requirements 7 to 11; crAPI
3 and 12).
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client as Browser

from customers.models import Customer

from ..answers import refused
from ..conftest import Client
from ..factories import PASSWORD, CustomerFactory, UserFactory
from ..html import Page
from .attacks import API, HTML, Hashings, browser_of, do, rows

pytestmark = pytest.mark.django_db
User = get_user_model()
TOKEN, CUSTOMERS, CHANGE = f"{API}/auth/token/", f"{API}/customers/", f"{API}/auth/password/"
RESET, CONFIRM = f"{API}/auth/password/reset/", f"{API}/auth/password/reset/confirm/"
NEW = "Torque-to-47-newton-metres"
HUGE = "x" * 1_000_000

# --- the three doors to log in by -----------------------------------------------------


def by_token(email: str, password: str) -> Any:
    return Client().post(TOKEN, {"email": email, "password": password})


def by_page(address: str) -> Callable[[str, str], Any]:
    return lambda email, password: Browser(headers={"Accept": HTML}).post(
        address, {"username": email, "password": password}
    )


DOORS: dict[str, Callable[[str, str], Any]] = {
    "token": by_token,
    "pages": by_page(f"{API}/session/login/"),
    "admin": by_page("/admin/login/"),
}


@pytest.fixture
def people(db: Any) -> dict[str, tuple[str, str]]:
    """Everybody who is refused, as (email, password)."""
    UserFactory(email="staff@example.com", role="manager", is_staff=True)
    UserFactory(email="gone@example.com", is_active=False, is_staff=True)
    User.objects.create_user("never@example.com", is_staff=True)
    return {
        "wrong password": ("staff@example.com", "wrong-and-wrong"),
        "unknown": ("nobody@example.com", PASSWORD),
        "switched off": ("gone@example.com", PASSWORD),
        "no password yet": ("never@example.com", PASSWORD),
    }


def told(response: Any) -> tuple[int, str]:
    text = response.content.decode()
    if "json" in response["Content-Type"]:
        return response.status_code, text.replace(response["X-Request-ID"], "")
    page = Page(response)
    return response.status_code, re.sub(
        r'form_key" value="[\w-]+', "", text.replace(page.csrf_token, "")
    )


@pytest.mark.parametrize("door", DOORS)
def test_a_refused_log_in_tells_nothing_about_the_account(
    people: dict[str, Any], door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement 7 (A6.3.8): the same status and body, and as much hashing: the time
    of a log-in is the time of its hashes.
    """
    hashings = Hashings(monkeypatch)
    answers, counts = set(), {}
    for name, (email, password) in people.items():
        found: list[Any] = []
        counts[name] = hashings.of(
            lambda e=email, p=password, into=found: into.append(DOORS[door](e, p))
        )
        status, text = told(found[0])
        answers.add((status, text.replace(email, "EMAIL")))
    assert len(answers) == 1
    assert counts == dict.fromkeys(people, 1)
    assert next(iter(answers))[0] == (401 if door == "token" else 200)
    # the right password takes as long
    assert hashings.of(lambda: DOORS[door]("staff@example.com", PASSWORD)) == 1


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "sent",
    [
        ("staff@example.com", HUGE),
        (HUGE + "@example.com", PASSWORD),
        ("staff@example.com", ""),
        ("", PASSWORD),
    ],
)
def test_what_can_be_no_password_is_not_hashed(
    people: dict[str, Any], door: str, sent: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement 8 (A6.2)."""
    hashings = Hashings(monkeypatch)
    assert hashings.of(lambda: DOORS[door](*sent)) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"password": {"$ne": ""}},
        {"email": {"$gt": ""}, "password": PASSWORD},
        {"email": ["staff@example.com"], "password": [PASSWORD]},
    ],
)
def test_an_operator_is_no_password(
    people: dict[str, Any], anonymous: Client, body: dict[str, Any]
) -> None:
    """crAPI 12: the body of the coupon check was the filter."""
    refused(do(anonymous, "POST", TOKEN, {"email": "staff@example.com"} | body), 400)


@pytest.mark.parametrize(
    "email", ["staff@example.com", "nobody@example.com", "gone@example.com", "never@example.com"]
)
def test_asking_for_a_reset_tells_nothing(
    people: dict[str, Any],
    anonymous: Client,
    email: str,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:
    """Requirement 7: the same answer, no hash, and no question to the database before
    the answer.
    """
    hashings = Hashings(monkeypatch)
    # SAVEPOINT and RELEASE: what is looked up waits for the commit
    with django_assert_num_queries(2):
        count = hashings.of(
            lambda: refused_never(anonymous.post(RESET, {"email": email}, HTTP_X_REQUEST_ID="same"))
        )
    assert count == 0


def refused_never(response: Any) -> None:
    assert response.status_code == 202
    assert response.json() == {
        "detail": "If the shop knows this e-mail, a message is on its way to it."
    }


# --- weak passwords at every door that sets one ---------------------------------------

WEAK = {
    "short": "Sh0rt-9ch",
    "common": "password123",
    "a number": "1902837465",
    "like the e-mail": "dora.driver@example.com",
    "like the name": "doradriver1",
    "empty": "",
}


def sign_up(password: str) -> Any:
    return Client().post(
        CUSTOMERS, {"name": "Dora Driver", "email": "dora.driver@example.com", "password": password}
    )


def written_down(password: str) -> Any:
    advisor = UserFactory(role="advisor")
    return (
        Client()
        .as_user(advisor)
        .post(
            CUSTOMERS,
            {"name": "Dora Driver", "email": "dora.driver@example.com", "password": password},
        )
    )


def dora() -> Any:
    return CustomerFactory(login=True, name="Dora Driver", email="dora.driver@example.com").user


def change(password: str) -> Any:
    return (
        Client()
        .as_user(dora())
        .post(CHANGE, {"current_password": PASSWORD, "new_password": password})
    )


def confirm(password: str) -> Any:
    from mechanic_shop.accounts import mail, passwords

    user = dora()
    uid = mail.urlsafe_base64_encode(mail.force_bytes(user.pk))
    return Client().post(
        CONFIRM,
        {"uid": uid, "token": passwords.reset_tokens.make_token(user), "new_password": password},
    )


def chief() -> Browser:
    return browser_of(UserFactory(role="manager", is_staff=True))


def new_user_in_the_admin(password: str) -> Any:
    return chief().post(
        "/admin/accounts/user/add/",
        {"email": "dora.driver@example.com", "password1": password, "password2": password},
    )


def set_in_the_admin(password: str) -> Any:
    return chief().post(
        f"/admin/accounts/user/{dora().pk}/set-password/",
        {"password1": password, "password2": password},
    )


def changed_in_the_admin(password: str) -> Any:
    user = UserFactory(email="dora.driver@example.com", role="advisor", is_staff=True)
    return browser_of(user).post(
        "/admin/password_change/",
        {"old_password": PASSWORD, "new_password1": password, "new_password2": password},
    )


SETTERS: dict[str, Callable[[str], Any]] = {
    "sign-up": sign_up,
    "front desk": written_down,
    "change": change,
    "reset": confirm,
    "new user": new_user_in_the_admin,
    "set by the manager": set_in_the_admin,
    "own, in the admin": changed_in_the_admin,
}


def hashes() -> set[str]:
    return set(
        User.objects.filter(email="dora.driver@example.com").values_list("password", flat=True)
    )


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize("door", SETTERS)
def test_a_weak_password_is_set_by_no_door(db: Any, door: str, weak: str) -> None:
    """Requirement 8 (A6.2): ten characters, not common, not a number, not like the
    owner.
    """
    if (door, weak) == ("new user", "empty"):
        return  # no password yet is a choice there: the owner sets one by a reset
    if weak == "like the name" and door in ("new user", "set by the manager", "own, in the admin"):
        return  # a log-in of the staff has no name beside its e-mail
    response = SETTERS[door](WEAK[weak])
    assert response.status_code in (200, 400)
    if response.status_code == 400:
        assert {error["code"] for error in response.json()["errors"]} <= {"weak_password", "blank"}
    user = User.objects.filter(email="dora.driver@example.com").first()
    assert user is None or user.check_password(PASSWORD)


@pytest.mark.parametrize("door", SETTERS)
def test_a_good_password_is_set_by_every_door(db: Any, door: str) -> None:
    """Ten characters do, 64 and spaces around them too, and not one is trimmed."""
    for number, good in enumerate(("Spanner-9x", " " + "wide and long sockets " * 3)):
        User.objects.filter(email__startswith="dora").delete()
        Customer.objects.filter(email__startswith="dora").delete()
        assert SETTERS[door](good).status_code in (200, 201, 204, 302), number
        user = User.objects.get(email="dora.driver@example.com")
        assert user.check_password(good)
        assert not user.check_password(good.strip()) or good == good.strip()


@pytest.mark.parametrize("door", SETTERS)
def test_a_megabyte_is_refused_before_it_is_hashed(
    db: Any, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requirement 8: work that a stranger could make the shop do."""
    hashings = Hashings(monkeypatch)
    SETTERS[door](NEW)
    plain = hashings.count
    User.objects.all().delete()
    Customer.objects.all().delete()
    hashings.count = 0
    response = SETTERS[door](HUGE)
    assert response.status_code in (200, 400, 413)
    assert hashings.count < plain, (
        "only what the test itself makes, and the present password, was hashed"
    )
    assert not User.objects.filter(
        email="dora.driver@example.com", password__contains=HUGE[:100]
    ).exists()


# --- one mailbox, one account ---------------------------------------------------------

TWINS = [
    "ALICE@EXAMPLE.COM",
    "Alice@Example.Com",
    " alice@example.com ",
    "ａｌｉｃｅ@example.com",
    "alice@ｅxample.com",
    "ᴬlice@example.com",
]
LOOK_ALIKES = [
    *(
        "аlice@example.com",
        "alice@exаmple.com",
        "alıce@example.com",
        "alice\u200b@example.com",
        "alice@example.com\u202e",
        "alicе@example.com",
    ),
    *(
        "alice@example.com\n",
        "alice@example.com\r\nBcc: eve@example.com",
        "alice\x00@example.com",
        "alice@example.com\x00",
        "\talice@example.com",
    ),
    *(
        "alice@example.com,eve@example.com",
        "alice@example.com eve@example.com",
        "<alice@example.com>",
        "alice@xn--exmple-cua.com "[:-1] + "\u00ad",
    ),
]


@pytest.mark.parametrize("spelling", TWINS)
def test_a_mailbox_is_one_account_however_it_is_spelt(
    anonymous: Client, advisor: Client, owner: Client, spelling: str
) -> None:
    """Requirement 9: at sign-up, at the front desk and when an e-mail is changed."""
    CustomerFactory(login=True, email="alice@example.com")
    body = {"name": "A", "email": spelling, "password": NEW}
    before = rows("customers", "accounts")
    refused(anonymous.post(CUSTOMERS, body), 400, "email_taken")
    refused(advisor.post(CUSTOMERS, body), 400, "email_taken")
    for client in (owner, advisor):
        path = f"{CUSTOMERS}{owner.user.customer.pk}/"
        refused(
            client.patch(path, {"email": spelling, "current_password": PASSWORD}),
            400,
            "email_taken",
        )
    assert rows("customers", "accounts") == before


@pytest.mark.parametrize("odd", LOOK_ALIKES)
def test_a_look_alike_is_no_address(
    anonymous: Client, advisor: Client, odd: str, mailoutbox: Any
) -> None:
    """Requirement 10: nobody can see the difference, and a line break would be a header
    of the mail.
    """
    CustomerFactory(login=True, email="alice@example.com")
    before = rows("customers", "accounts")
    sign_up = {"name": "A", "password": NEW}
    bodies = (
        (anonymous, CUSTOMERS, sign_up),
        (advisor, CUSTOMERS, sign_up),
        (anonymous, RESET, {}),
        (anonymous, TOKEN, {"password": NEW}),
    )
    for client, path, body in bodies:
        response = do(client, "POST", path, body | {"email": odd})
        refused(response, 400, field="email")
    assert rows("customers", "accounts") == before
    assert mailoutbox == []


# --- what needs the present password --------------------------------------------------


@pytest.mark.parametrize(
    "given", [None, "", "wrong", f"{PASSWORD} ", PASSWORD.lower(), True, [PASSWORD], {"$ne": ""}]
)
def test_a_stolen_session_does_not_take_the_account(owner: Client, given: Any) -> None:
    """Requirement 11 (T2, A7.5.1, A6.2.3): e-mail and password change only for who
    knows the present password.
    """
    before = rows("customers", "accounts")
    path = f"{CUSTOMERS}{owner.user.customer.pk}/"
    proof = {} if given is None else {"current_password": given}
    for method in ("PATCH", "PUT"):
        assert (
            do(
                owner, method, path, {"name": "Olive Owner", "email": "eve@example.com"} | proof
            ).status_code
            == 400
        )
    assert do(owner, "POST", CHANGE, {"new_password": NEW} | proof).status_code == 400
    assert rows("customers", "accounts") == before
