"""Who comes in, and who does not: log-in, tokens, passwords, roles."""

import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import jwt
import pytest
import time_machine
from django.apps import apps
from django.contrib.admin import site
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, connections, transaction
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.test import APIClient
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from customers.models import Customer
from mechanic_shop.accounts import mail as postal
from mechanic_shop.accounts import operations, password_changes, passwords, roles, sessions, tokens
from mechanic_shop.accounts.emails import EmailField, normalize_email
from mechanic_shop.db.models import IdempotentAnswer
from mechanic_shop.errors import Busy, InvalidInput
from mechanics.models import Mechanic

User = get_user_model()
PASSWORD = "Spanner-in-the-works-7"
NEW = "Torque-to-47-newton-metres"
AUTH = "/api/v1/auth"
TOKEN, REFRESH, LOGOUT, ME = (
    f"{AUTH}/token/",
    f"{AUTH}/token/refresh/",
    f"{AUTH}/token/blacklist/",
    f"{AUTH}/me/",
)
CHANGE, RESET, CONFIRM = (
    f"{AUTH}/password/",
    f"{AUTH}/password/reset/",
    f"{AUTH}/password/reset/confirm/",
)


@pytest.fixture
def account(db: Any) -> Any:
    """A customer who logs in as alice@example.com."""
    user = User.objects.create_user("alice@example.com", PASSWORD)
    Customer.objects.create(user=user, name="Alice Axle", email=user.email)
    return user


@pytest.fixture
def walk_in(db: Any) -> Customer:
    """A customer whom the shop knows, without a log-in."""
    return Customer.objects.create(name="Wanda Walk-in", email="wanda@example.com")


@pytest.fixture
def client_api() -> APIClient:
    return APIClient()


@pytest.fixture
def run_on_commit(django_capture_on_commit_callbacks: Any) -> Any:
    """``with run_on_commit():`` mail leaves at its end."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def bearer(token: Any) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def log_in(
    client: APIClient, email: str = "alice@example.com", password: str = PASSWORD, **extra: Any
) -> Any:
    return client.post(TOKEN, {"email": email, "password": password}, **extra)


def signed(
    settings: Any,
    key: str | None = None,
    algorithm: str = "HS256",
    headers: Any = None,
    **claims: Any,
) -> str:
    now = timezone.now()
    payload = {
        "token_type": "access",
        "exp": now + timedelta(minutes=5),
        "iat": now,
        "jti": "0" * 32,
    } | claims
    return jwt.encode(
        payload,
        settings.JWT_SIGNING_KEY if key is None else key,
        algorithm=algorithm,
        headers=headers,
    )


def refused(response: Any, status: int, code: str, field: str | None = None) -> None:
    """It is the API's one shape, with this status and code (at this field)."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    if field is None:
        assert body["code"] == code
    else:
        assert (field, code) in [(error["field"], error["code"]) for error in body["errors"]]
    if status == 401:
        assert response["WWW-Authenticate"].startswith("Bearer")


# --- the user -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    ["alice@example.com", " Alice@Example.COM ", "ALICE@EXAMPLE.COM", "ａｌｉｃｅ@example.com"],
)
def test_one_mailbox_is_one_spelling(account: Any, spelling: str) -> None:
    assert normalize_email(spelling) == "alice@example.com"
    assert EmailField().run_validation(spelling) == "alice@example.com"
    assert User.objects.get_by_natural_key(spelling) == account
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(spelling, PASSWORD)


def test_the_database_refuses_a_second_spelling_that_bypassed_the_model(account: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="Alice@Example.com", password="!")])


@pytest.mark.parametrize(
    "odd",
    [
        *(
            "аlice@example.com",
            "alice@exаmple.com",
            "alice@example.com\n",
            "a\nlice@example.com",
            "alice\x00@example.com",
        ),
        *(
            "",
            "alice",
            "alice@",
            "@example.com",
            "a b@example.com",
            "a" * 260 + "@example.com",
            "ﷺ" * 50_000,
            7,
            None,
            True,
            [],
            {},
        ),
    ],
)
def test_what_is_no_plain_address_is_400(client_api: APIClient, db: Any, odd: Any) -> None:
    response = client_api.post(TOKEN, {"email": odd, "password": PASSWORD})
    assert response.status_code == 400
    assert {error["field"] for error in response.json()["errors"]} == {"email"}


def test_a_look_alike_is_refused_by_the_model_too(db: Any) -> None:
    with pytest.raises(ValidationError):
        User(email="аlice@example.com", password="!").full_clean()


def test_a_taken_email_has_its_own_code(account: Any) -> None:
    with pytest.raises(ValidationError) as refusal:
        User(email="ALICE@example.com", password="!").validate_constraints()
    assert [error.code for errors in refusal.value.error_dict.values() for error in errors] == [
        "email_taken"
    ]


def test_createsuperuser_takes_its_answers_from_the_environment(
    db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_EMAIL", "Boss@Example.com")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", verbosity=0)
    boss = User.objects.get(email="boss@example.com")
    assert boss.is_superuser
    assert boss.is_shop_staff
    assert boss.check_password(PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", verbosity=0)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("weak", "too short"),
        ("password123", "too common"),
        ("Boss@Example.com", "similar to the e-mail"),
        ("x" * 129, "128"),
    ],
)
def test_createsuperuser_takes_no_weak_password(
    db: Any, monkeypatch: pytest.MonkeyPatch, password: str, reason: str
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match=rf"DJANGO_SUPERUSER_PASSWORD does not work: .*{reason}"):
        call_command("createsuperuser", "--noinput", "--email", "Boss@Example.com", verbosity=0)
    assert not User.objects.exists()


def test_a_user_is_named_without_the_email(account: Any) -> None:
    assert account.display_name == "Alice Axle"
    clerk = User.objects.create_user("clerk@example.com")
    assert clerk.display_name == "Shop staff"
    assert not clerk.has_usable_password()
    Mechanic.objects.create(user=clerk, name="Max Muffler", email="max@example.com")
    assert User.objects.get(pk=clerk.pk).display_name == "Max Muffler"


def test_staff_is_whoever_has_a_permission(account: Any) -> None:
    assert not account.is_shop_staff
    account.groups.add(Group.objects.get(name="mechanic"))
    assert User.objects.get(pk=account.pk).is_shop_staff
    assert User(email="x@example.com", is_staff=True).is_shop_staff


def test_the_session_hash_covers_password_and_epoch(account: Any, settings: Any) -> None:
    before = account.revision
    account.session_epoch += 1
    raised = account.revision
    account.password = make_password(PASSWORD)
    assert len({before, raised, account.revision}) == 3
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    current, settings.SECRET_KEY = account.revision, "another-secret-key-of-thirty-two-bytes"
    assert account.revision != current
    assert account.has_revision(current)
    assert not account.has_revision(None)
    assert not account.has_revision(raised)


# --- roles ----------------------------------------------------------------------------


def test_a_new_shop_has_the_roles_and_every_permission_in_them_exists(db: Any) -> None:
    for role, names in roles.ROLES.items():
        given = Group.objects.get(name=role).permissions.values_list(
            "content_type__app_label", "codename"
        )
        assert {f"{app}.{codename}" for app, codename in given} == names


def test_what_an_owner_took_away_stays_away(db: Any) -> None:
    permission = Permission.objects.get(codename="view_part")
    Group.objects.get(name="mechanic").permissions.remove(permission)
    Group.objects.get(name="advisor").delete()
    call_command("migrate", verbosity=0)
    assert not Group.objects.get(name="mechanic").permissions.filter(pk=permission.pk).exists()
    assert not Group.objects.filter(name="advisor").exists()


def test_a_permission_that_comes_later_is_handed_out(db: Any) -> None:
    Permission.objects.filter(codename="view_part").delete()
    roles.hand_out_new_permissions(apps.get_app_config("inventory"), verbosity=0)
    assert set(
        Group.objects.filter(permissions__codename="view_part").values_list("name", flat=True)
    ) == {"manager", "advisor", "mechanic"}


def test_a_migration_before_auth_exists_hands_out_nothing() -> None:
    class Nothing:
        def get_model(self, *names: str) -> Any:
            raise LookupError

    roles.hand_out_new_permissions(apps.get_app_config("inventory"), apps=Nothing())


@pytest.mark.django_db(transaction=True)
def test_roles_come_back_after_a_flush() -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    assert Group.objects.get(name="manager").permissions.count() == len(roles.ROLES["manager"])


# --- logging in -----------------------------------------------------------------------


def test_a_log_in_gives_two_tokens_that_work(client_api: APIClient, account: Any) -> None:
    response = log_in(client_api, " ALICE@example.com")
    assert response.status_code == 200
    assert response["Cache-Control"] == "no-store"
    pair = response.json()
    assert set(pair) == {"access", "refresh"}
    assert bearer(pair["access"]).get(ME).status_code == 200
    claims = jwt.decode(pair["access"], options={"verify_signature": False})
    assert set(claims) == {"token_type", "exp", "iat", "jti", "user_id", "rev"}
    assert claims["exp"] - claims["iat"] <= 15 * 60
    assert not OutstandingToken.objects.exists()
    account.refresh_from_db()
    assert account.last_login is not None


def test_unknown_wrong_and_inactive_are_one_refusal(client_api: APIClient, account: Any) -> None:
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("never@example.com")
    answers = [
        log_in(client_api, password="wrong"),
        log_in(client_api, "nobody@example.com"),
        log_in(client_api, "gone@example.com"),
        log_in(client_api, "never@example.com"),
    ]
    for answer in answers:
        refused(answer, 401, "no_active_account")
    assert (
        len(
            {
                tuple(sorted((k, v) for k, v in answer.json().items() if k != "request_id"))
                for answer in answers
            }
        )
        == 1
    )


@pytest.mark.parametrize(
    "email", ["alice@example.com", "nobody@example.com", "gone@example.com", "never@example.com"]
)
def test_every_refused_log_in_hashes_once(
    client_api: APIClient, account: Any, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("never@example.com")
    count = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda self, *args: count.append(1) or encode(self, *args)
    )
    log_in(client_api, email, "wrong")
    assert len(count) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "alice@example.com"}, "password"),
        ({"password": PASSWORD}, "email"),
        ({"email": "alice@example.com", "password": {"$ne": ""}}, "password"),
        ({"email": "alice@example.com", "password": "x" * 1_000_000}, "password"),
        ({"email": "alice@example.com", "password": ""}, "password"),
    ],
)
def test_a_log_in_of_the_wrong_shape_is_400_and_hashes_nothing(
    client_api: APIClient, account: Any, body: Any, field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "authenticate", None)
    response = client_api.post(TOKEN, body)
    assert response.status_code == 400
    assert field in {error["field"] for error in response.json()["errors"]}


def test_passwords_are_not_trimmed(client_api: APIClient, account: Any) -> None:
    refused(log_in(client_api, password=f" {PASSWORD}"), 401, "no_active_account")


def test_an_old_token_sent_along_does_not_prevent_a_log_in(account: Any) -> None:
    assert log_in(bearer("old.old.old")).status_code == 200


def test_failed_log_ins_are_logged_without_secrets(
    client_api: APIClient, account: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "shop.security"):
        log_in(client_api, password="hunter2-hunter2")
    assert "log-in failed" in caplog.text
    assert "hunter2" not in caplog.text
    assert "alice" not in caplog.text


def test_a_get_shows_the_form_and_no_answer(client_api: APIClient, db: Any) -> None:
    refused(client_api.get(TOKEN), 405, "method_not_allowed")
    page = client_api.get(TOKEN, HTTP_ACCEPT="text/html")
    assert page.status_code == 405
    assert b'name="password"' in page.content
    assert b'type="password"' in page.content


@pytest.mark.parametrize("path", [f"{AUTH}/token/verify/", f"{AUTH}/", f"{AUTH}/users/"])
def test_there_are_no_other_doors(client_api: APIClient, db: Any, path: str) -> None:
    assert client_api.post(path, {}).status_code == 404


# --- the limit ------------------------------------------------------------------------


def limit(settings: Any, scope: str, rate: str) -> None:
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | {scope: rate}


def test_too_many_attempts_lock_the_pair_even_for_the_right_password(
    client_api: APIClient, account: Any, settings: Any
) -> None:
    limit(settings, "login", "3/hour")
    for spelling in ("alice@example.com", "ALICE@example.com", " alice@example.com "):
        refused(log_in(client_api, spelling, "wrong"), 401, "no_active_account")
    locked = log_in(client_api)
    refused(locked, 429, "throttled")
    assert 0 < int(locked["Retry-After"]) <= 3601
    assert locked["RateLimit-Remaining"] == "0"
    forged = log_in(client_api, HTTP_X_FORWARDED_FOR="198.51.100.7")
    refused(forged, 429, "throttled")
    # The owner elsewhere, and somebody else at this address, are not locked out.
    assert log_in(client_api, REMOTE_ADDR="192.0.2.44").status_code == 200
    User.objects.create_user("bob@example.com", PASSWORD)
    assert log_in(client_api, "bob@example.com").status_code == 200


def test_a_successful_log_in_costs_nothing(
    client_api: APIClient, account: Any, settings: Any
) -> None:
    limit(settings, "login", "2/hour")
    refused(log_in(client_api, password="wrong"), 401, "no_active_account")
    for _ in range(25):
        assert log_in(client_api).status_code == 200
    refused(log_in(client_api, password="wrong"), 401, "no_active_account")
    refused(log_in(client_api), 429, "throttled")


def test_spraying_over_accounts_runs_into_the_limit_of_the_address(
    client_api: APIClient, account: Any, settings: Any
) -> None:
    limit(settings, "login", "2/hour")
    for number in range(20):
        refused(log_in(client_api, f"user{number}@example.com", "wrong"), 401, "no_active_account")
    refused(log_in(client_api), 429, "throttled")
    assert log_in(client_api, REMOTE_ADDR="192.0.2.44").status_code == 200


def test_an_account_that_is_hammered_does_not_lock_its_neighbours_out(
    client_api: APIClient, account: Any, settings: Any
) -> None:
    limit(settings, "login", "1/hour")
    for _ in range(15):
        log_in(client_api, "bob@example.com", "wrong")
    assert log_in(client_api).status_code == 200


def in_parallel(times: int, act: Any) -> list[Any]:
    """What ``times`` threads get. SQLite in memory refuses a lock instead of waiting
    for it, so "busy" is asked again.
    """

    def run(number: int) -> Any:
        deadline = time.monotonic() + 20
        while True:
            try:
                answer = act(number)
                if answer != 503 or time.monotonic() > deadline:
                    return answer
            except OperationalError:
                if time.monotonic() > deadline:
                    raise
            finally:
                connections.close_all()
            time.sleep(0.01)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


@pytest.mark.django_db(transaction=True)
def test_forty_guesses_at_once_do_not_pass_the_limit(settings: Any) -> None:
    User.objects.create_user("alice@example.com", PASSWORD)
    limit(settings, "login", "5/hour")
    request = RequestFactory().post(TOKEN)

    def guess(_: int) -> type:
        while True:
            try:
                sessions.log_in(request, "alice@example.com", "wrong")
            except (AuthenticationFailed, Throttled) as refusal:
                return type(refusal)
            except Busy:  # another one hashes: as the shop says, try again
                time.sleep(0.01)

    results = in_parallel(40, guess)
    assert results.count(AuthenticationFailed) == 5
    assert results.count(Throttled) == 35


# --- access tokens --------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "status"), [(-9, 200), (0, 200), (9, 200), (12, 401)])
def test_hosts_whose_clocks_differ_by_seconds_take_each_others_newest_tokens(
    client_api: APIClient, account: Any, ahead: int, status: int
) -> None:
    with time_machine.travel(timezone.now() + timedelta(seconds=ahead), tick=False):
        pair = sessions.token_pair(account)
    assert bearer(pair["access"]).get(ME).status_code == status
    assert client_api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == status


def test_a_token_ends_in_time_all_the_same(client_api: APIClient, account: Any) -> None:
    pair = sessions.token_pair(account)
    with time_machine.travel(timezone.now() + timedelta(minutes=15, seconds=1), tick=False):
        refused(bearer(pair["access"]).get(ME), 401, "token_not_valid")
    with time_machine.travel(timezone.now() + timedelta(days=14, seconds=1), tick=False):
        refused(client_api.post(REFRESH, {"refresh": pair["refresh"]}), 401, "token_not_valid")


def test_me_tells_who_i_am(account: Any) -> None:
    client = bearer(sessions.token_pair(account)["access"])
    response = client.get(ME)
    assert response.json() == {
        "id": account.pk,
        "email": "alice@example.com",
        "roles": [],
        "customer": {"id": account.customer.pk, "name": "Alice Axle"},
        "mechanic": None,
    }
    assert client.get(ME, HTTP_IF_NONE_MATCH=response["ETag"]).status_code == 304
    account.groups.add(*Group.objects.filter(name__in=["mechanic", "advisor"]))
    person = Mechanic.objects.create(user=account, name="Alice A.", email="work@example.com")
    changed = client.get(ME, HTTP_IF_NONE_MATCH=response["ETag"])
    assert changed.json()["roles"] == ["advisor", "mechanic"]
    assert changed.json()["mechanic"] == {"id": person.pk, "name": "Alice A."}


def test_me_is_a_page_for_browsers_too(account: Any) -> None:
    assert (
        bearer(sessions.token_pair(account)["access"]).get(ME, HTTP_ACCEPT="text/html").status_code
        == 200
    )


def test_the_name_of_the_scheme_has_no_case(account: Any, client_api: APIClient) -> None:
    token = sessions.token_pair(account)["access"]
    assert client_api.get(ME, HTTP_AUTHORIZATION=f"bEARER {token}").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "bearer",
        "Bearer a b",
        "Bearer x",
        "Bearer a.b.c",
        "Bearer ....",
        "Bearer \xff",
        "Bearer " + "W" * 9000,
    ],
)
def test_broken_headers_are_401(client_api: APIClient, db: Any, header: str) -> None:
    refused(client_api.get(ME, HTTP_AUTHORIZATION=header), 401, "token_not_valid")


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Token abc", "Bearerx abc"])
def test_no_token_is_401(client_api: APIClient, db: Any, header: str | None) -> None:
    refused(
        client_api.get(ME, **({} if header is None else {"HTTP_AUTHORIZATION": header})),
        401,
        "not_authenticated",
    )


def test_forged_tokens_are_401(account: Any, settings: Any) -> None:
    who = {"user_id": str(account.pk), "rev": account.revision}
    # else the refusals below would prove nothing
    assert bearer(signed(settings, **who)).get(ME).status_code == 200
    refresh = sessions.token_pair(account)["refresh"]
    forged = [
        signed(settings, key="", algorithm="none", **who),
        signed(settings, key="another-key-of-thirty-two-bytes-and-more", **who),
        signed(settings, key=settings.SECRET_KEY, **who),
        signed(settings, algorithm="HS384", **who)
        if len(settings.JWT_SIGNING_KEY) >= 48
        else "x.y.z",
        signed(
            settings,
            headers={"kid": "/dev/null", "jku": "https://evil.example/keys"},
            key="k" * 32,
            **who,
        ),
        signed(settings, headers={"crit": ["x"], "x": 1}, **who),
        signed(settings, **who | {"exp": timezone.now() - timedelta(seconds=1)}),
        signed(settings, **who | {"token_type": "refresh"}),
        signed(settings, **who | {"token_type": None}),
        signed(settings, **who | {"rev": "0" * 16}),
        signed(settings, user_id=who["user_id"]),
        signed(settings, rev=who["rev"]),
        refresh,
        sessions.token_pair(account)["access"][:-4] + "AAAA",
    ]
    for number, token in enumerate(forged):
        answer = bearer(token).get(ME)
        assert answer.status_code == 401, number
        refused(answer, 401, "token_not_valid")
    assert (
        APIClient()
        .get(ME, {"token": signed(settings, **who), "access_token": signed(settings, **who)})
        .status_code
        == 401
    )


@pytest.mark.parametrize(
    "claims",
    [
        *(
            {"user_id": odd}
            for odd in (
                None,
                True,
                1.5,
                -1,
                "-1",
                "",
                "abc",
                "1\n",
                "١",
                "9" * 18,
                "9" * 400,
                10**30,
                [],
                {},
                ["1"],
                "1 OR 1=1",
                "\x00",
            )
        ),
        *({"rev": odd} for odd in (None, True, 0, [], {}, "é")),
        *({"exp": odd} for odd in (None, "soon", [], 10**18, 10**40, -1, True)),
        {"iat": "yesterday"},
        {"token_type": ["access"]},
    ],
)
def test_odd_claims_are_401_and_never_500(account: Any, settings: Any, claims: Any) -> None:
    for kind, send in (
        ("access", lambda token: bearer(token).get(ME)),
        ("refresh", lambda token: APIClient().post(REFRESH, {"refresh": token})),
    ):
        payload = {
            "user_id": str(account.pk),
            "rev": account.revision,
            "exp": 32503680000,
            "jti": "0" * 32,
            "token_type": kind,
        } | claims
        token = jwt.encode(payload, settings.JWT_SIGNING_KEY, algorithm="HS256")
        refused(send(token), 401, "token_not_valid")


def test_the_log_names_the_user(account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mechanic_shop.observability import logs

    bearer(sessions.token_pair(account)["access"]).get(ME)
    assert logs.user_id.get() == str(account.pk)


# --- refreshing and logging out -------------------------------------------------------


def test_a_refresh_gives_a_new_pair_and_works_once(client_api: APIClient, account: Any) -> None:
    first = sessions.token_pair(account)["refresh"]
    answer = client_api.post(REFRESH, {"refresh": first})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    second = answer.json()
    assert second["refresh"] != first
    assert bearer(second["access"]).get(ME).status_code == 200
    refused(client_api.post(REFRESH, {"refresh": first}), 401, "token_not_valid")
    assert client_api.post(REFRESH, {"refresh": second["refresh"]}).status_code == 200
    # the database never holds one
    assert set(OutstandingToken.objects.values_list("token", flat=True)) == {""}


def test_tokens_are_not_kept_for_an_idempotency_key(client_api: APIClient, account: Any) -> None:
    log_in(client_api, HTTP_IDEMPOTENCY_KEY="k1")
    client_api.post(
        REFRESH, {"refresh": sessions.token_pair(account)["refresh"]}, HTTP_IDEMPOTENCY_KEY="k2"
    )
    assert not IdempotentAnswer.objects.exists()


def test_what_is_no_refresh_token_is_refused(
    client_api: APIClient, account: Any, settings: Any
) -> None:
    pair = sessions.token_pair(account)
    expired = tokens.ShopRefreshToken.for_user(account)
    expired.set_exp(lifetime=-timedelta(seconds=1))
    other_key = signed(
        settings,
        key="another-key-of-thirty-two-bytes-and-more",
        user_id=str(account.pk),
        token_type="refresh",
        rev=account.revision,
    )
    no_jti = jwt.encode(
        {"token_type": "refresh", "exp": 32503680000, "user_id": "1"},
        settings.JWT_SIGNING_KEY,
        algorithm="HS256",
    )
    for path in (REFRESH, LOGOUT):
        for garbage in (pair["access"], "garbage", "a.b.c", "é", str(expired), other_key, no_jti):
            refused(client_api.post(path, {"refresh": garbage}), 401, "token_not_valid")
        for shapeless in ({}, {"refresh": None}, {"refresh": []}, {"refresh": ""}, [], "x"):
            assert client_api.post(path, shapeless).status_code == 400


def test_logging_out_ends_the_refresh_token_and_may_be_repeated(
    client_api: APIClient, account: Any
) -> None:
    refresh = sessions.token_pair(account)["refresh"]
    for _ in range(2):
        answer = client_api.post(LOGOUT, {"refresh": refresh})
        assert answer.status_code == 204
        assert answer.content == b""
    refused(client_api.post(REFRESH, {"refresh": refresh}), 401, "token_not_valid")
    assert BlacklistedToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_refreshes_at_once_one_succeeds() -> None:
    user = User.objects.create_user("alice@example.com", PASSWORD)
    for _ in range(3):
        refresh = sessions.token_pair(user)["refresh"]
        answers = in_parallel(
            8, lambda _, token=refresh: APIClient().post(REFRESH, {"refresh": token}).status_code
        )
        assert sorted(answers) == [200] + [401] * 7


def end_by_password(user: Any) -> None:
    password_changes.change_password(user, PASSWORD, NEW, by=user)


def end_by_admin_form(user: Any) -> None:
    user.set_password(NEW)
    user.save()


@pytest.mark.parametrize(
    "ending",
    [
        end_by_password,
        end_by_admin_form,
        sessions.end_sessions,
        lambda user: operations.deactivate(user, by=user),
        lambda user: user.delete(),
    ],
)
def test_what_ends_the_sessions_ends_access_and_refresh_at_once(
    client_api: APIClient, account: Any, ending: Any
) -> None:
    pair, used = sessions.token_pair(account), sessions.token_pair(account)["refresh"]
    client_api.post(REFRESH, {"refresh": used})
    browser = Browser()
    browser.force_login(account)
    ending(account)
    refused(bearer(pair["access"]).get(ME), 401, "token_not_valid")
    refused(client_api.post(REFRESH, {"refresh": pair["refresh"]}), 401, "token_not_valid")
    assert browser.get(ME).status_code == 401
    assert client_api.post(LOGOUT, {"refresh": pair["refresh"]}).status_code == 204


# --- the browser's session ------------------------------------------------------------


def test_a_session_reads_but_writes_only_with_the_csrf_token(account: Any) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(account)
    assert browser.get(ME).json()["email"] == account.email
    body = {"current_password": PASSWORD, "new_password": NEW}
    refused(browser.post(CHANGE, body, content_type="application/json"), 403, "csrf_failed")
    account.refresh_from_db()
    assert account.check_password(PASSWORD)


def test_the_log_in_page_is_the_same_way_in(account: Any, settings: Any) -> None:
    limit(settings, "login", "2/hour")
    page = "/api/v1/session/login/"
    browser = Browser()
    assert browser.get(page).status_code == 200
    wrong = browser.post(page, {"username": "alice@example.com", "password": "wrong"})
    assert sessions.WRONG_LOGIN in wrong.content.decode()
    assert (
        browser.post(page, {"username": "ALICE@example.com", "password": PASSWORD}).status_code
        == 302
    )
    assert browser.get(ME).status_code == 200
    browser.post(page, {"username": "alice@example.com", "password": "wrong"})
    locked = browser.post(page, {"username": "alice@example.com", "password": PASSWORD})
    assert re.search(r"Too many attempts, try again in \d+ seconds", locked.content.decode())
    refused(log_in(APIClient()), 429, "throttled")


def test_a_huge_password_in_a_form_is_not_hashed(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mechanic_shop.accounts.forms import LoginForm

    monkeypatch.setattr(sessions, "authenticate", None)
    form = LoginForm(
        RequestFactory().post("/"),
        data={"username": "alice@example.com", "password": "x" * 100_000},
    )
    assert set(form.errors) == {"password"}


def test_the_admins_form_lets_staff_in_alone(account: Any) -> None:
    from mechanic_shop.accounts.forms import AdminLoginForm

    data = {"username": "alice@example.com", "password": PASSWORD}
    request = RequestFactory().post("/")
    told = AdminLoginForm(request, data=data).errors.as_data()
    assert told.keys() == AdminLoginForm(request, data=data | {"password": "wrong"}).errors.keys()
    assert [error.message for error in told["__all__"]] == [sessions.WRONG_LOGIN]
    User.objects.update(is_staff=True)
    form = AdminLoginForm(request, data=data)
    assert form.is_valid()
    assert form.get_user() == account


def test_the_admin_shows_no_tokens() -> None:
    assert not site.is_registered(OutstandingToken)
    assert not site.is_registered(BlacklistedToken)


# --- changing the password ------------------------------------------------------------


def test_a_new_password_replaces_the_old_one(client_api: APIClient, account: Any) -> None:
    client = bearer(sessions.token_pair(account)["access"])
    answer = client.post(
        CHANGE, {"current_password": PASSWORD, "new_password": NEW}, HTTP_IDEMPOTENCY_KEY="pw"
    )
    assert answer.status_code == 204
    refused(log_in(client_api), 401, "no_active_account")
    assert log_in(client_api, password=NEW).status_code == 200
    assert NEW not in str(list(IdempotentAnswer.objects.values()))


@pytest.mark.parametrize(
    ("current", "new", "field", "code"),
    [
        ("wrong", NEW, "current_password", "wrong_password"),
        (f"{PASSWORD} ", NEW, "current_password", "wrong_password"),
        (PASSWORD, "short", "new_password", "weak_password"),
        (PASSWORD, "password123", "new_password", "weak_password"),
        (PASSWORD, "19283746501", "new_password", "weak_password"),
        (PASSWORD, "alice@example.com", "new_password", "weak_password"),
        (PASSWORD, "alice axle", "new_password", "weak_password"),
        (PASSWORD, "x" * 129, "new_password", "max_length"),
        ("x" * 1_000_000, NEW, "current_password", "max_length"),
        (PASSWORD, "", "new_password", "blank"),
        (PASSWORD, None, "new_password", "null"),
        (PASSWORD, f"{NEW}\x00", "new_password", "null_characters_not_allowed"),
    ],
)
def test_a_password_change_that_is_refused_changes_nothing(
    account: Any, current: str, new: Any, field: str, code: str
) -> None:
    client = bearer(sessions.token_pair(account)["access"])
    refused(
        client.post(CHANGE, {"current_password": current, "new_password": new}), 400, code, field
    )
    account.refresh_from_db()
    assert account.check_password(PASSWORD)
    assert client.get(ME).status_code == 200


def test_a_password_may_be_long_and_have_spaces_around(account: Any) -> None:
    long = " " + "Four score and seven oil changes ago " * 3 + " "
    password_changes.change_password(account, PASSWORD, long, by=account)
    account.refresh_from_db()
    assert account.check_password(long)


def test_only_who_is_logged_in_changes_a_password(client_api: APIClient, db: Any) -> None:
    refused(
        client_api.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW}),
        401,
        "not_authenticated",
    )


def test_a_stolen_token_cannot_guess_the_password(account: Any, settings: Any) -> None:
    limit(settings, "login", "2/hour")
    client = bearer(sessions.token_pair(account)["access"])
    for _ in range(2):
        refused(
            client.post(CHANGE, {"current_password": "wrong", "new_password": NEW}),
            400,
            "wrong_password",
        )
    refused(
        client.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW}), 429, "throttled"
    )
    assert log_in(APIClient()).status_code == 200


def test_of_two_changes_in_one_moment_the_second_is_refused(account: Any) -> None:
    twin = User.objects.get(pk=account.pk)
    assert password_changes.store_password(account, make_password(NEW))
    assert not password_changes.store_password(twin, make_password("Another-one-123"))


# --- resetting the password -----------------------------------------------------------


def mailed(mailoutbox: Any) -> dict[str, str]:
    """uid and token, as the last mail tells them."""
    text = mailoutbox[-1].body
    return {name: re.search(rf"{name}: +(\S+)", text).group(1) for name in ("uid", "token")}


def ask(email: str, run_on_commit: Any, **extra: Any) -> Any:
    with run_on_commit():
        return APIClient().post(RESET, {"email": email}, **extra)


def test_a_reset_goes_by_mail_and_works_once(
    account: Any, mailoutbox: Any, run_on_commit: Any, settings: Any
) -> None:
    settings.SHOP_NAME = "Nuts\nand Bolts"
    old = sessions.token_pair(account)
    answer = ask(" ALICE@example.com", run_on_commit)
    assert answer.status_code == 202
    assert answer.json()["detail"]
    assert mailoutbox[0].to == ["alice@example.com"]
    assert mailoutbox[0].subject == "Nuts and Bolts: set a new password"
    assert f"POST {CONFIRM}" in mailoutbox[0].body
    body = mailed(mailoutbox) | {"new_password": NEW}
    assert APIClient().post(CONFIRM, body).status_code == 204
    assert log_in(APIClient(), password=NEW).status_code == 200
    refused(bearer(old["access"]).get(ME), 401, "token_not_valid")
    refused(APIClient().post(CONFIRM, body), 400, "invalid_token", "token")


def test_the_answer_is_the_same_for_an_unknown_email(
    account: Any, walk_in: Customer, mailoutbox: Any, run_on_commit: Any
) -> None:
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    answers = [
        ask(email, run_on_commit)
        for email in (
            "alice@example.com",
            "nobody@example.com",
            "gone@example.com",
            "wanda@example.com",
        )
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (202, answers[0].content)
    }
    assert sorted(message.to[0] for message in mailoutbox) == [
        "alice@example.com",
        "wanda@example.com",
    ]


def test_nothing_is_looked_up_before_the_answer(
    account: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        password_changes.request_reset("alice@example.com")


def test_a_walk_in_claims_their_record(
    walk_in: Customer, mailoutbox: Any, run_on_commit: Any
) -> None:
    ask("Wanda@Example.com", run_on_commit)
    walk_in.refresh_from_db()
    assert not walk_in.user.has_usable_password()
    refused(log_in(APIClient(), "wanda@example.com", ""), 400, "blank", "password")
    assert APIClient().post(CONFIRM, mailed(mailoutbox) | {"new_password": NEW}).status_code == 204
    pair = log_in(APIClient(), "wanda@example.com", NEW).json()
    assert bearer(pair["access"]).get(ME).json()["customer"] == {
        "id": walk_in.pk,
        "name": "Wanda Walk-in",
    }
    ask("wanda@example.com", run_on_commit)
    assert User.objects.filter(email="wanda@example.com").count() == 1


def ends_with_a_login(user: Any) -> None:
    sessions.log_in(RequestFactory().post(TOKEN), user.email, PASSWORD)


def ends_with_another_email(user: Any) -> None:
    operations.set_email(user, "alice@example.net")


@pytest.mark.parametrize(
    "event",
    [
        ends_with_a_login,
        ends_with_another_email,
        end_by_password,
        sessions.end_sessions,
        lambda user: operations.deactivate(user, by=user),
    ],
)
def test_a_reset_dies_with_what_happens_to_the_account(account: Any, event: Any) -> None:
    token = passwords.reset_tokens.make_token(account)
    uid = "".join(postal.urlsafe_base64_encode(postal.force_bytes(account.pk)))
    assert passwords.user_to_reset(uid, token) == account
    event(account)
    refused(
        APIClient().post(CONFIRM, {"uid": uid, "token": token, "new_password": NEW}),
        400,
        "invalid_token",
        "token",
    )


def test_a_weak_new_password_leaves_the_reset_usable(
    account: Any, mailoutbox: Any, run_on_commit: Any
) -> None:
    ask(account.email, run_on_commit)
    body = mailed(mailoutbox)
    refused(
        APIClient().post(CONFIRM, body | {"new_password": "password123"}),
        400,
        "weak_password",
        "new_password",
    )
    assert APIClient().post(CONFIRM, body | {"new_password": NEW}).status_code == 204


def test_a_reset_grows_too_old(
    account: Any, mailoutbox: Any, run_on_commit: Any, settings: Any
) -> None:
    ask(account.email, run_on_commit)
    settings.PASSWORD_RESET_TIMEOUT = -1
    refused(
        APIClient().post(CONFIRM, mailed(mailoutbox) | {"new_password": NEW}),
        400,
        "invalid_token",
        "token",
    )


@pytest.mark.parametrize(
    "uid", ["", "x", "MQ", "!!!!", "é", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "4pmg"]
)
@pytest.mark.parametrize("token", ["x", "a-b", "c0-é", "0" * 128, "zzzzzzzzzzzzzz-0"])
def test_a_nonsensical_reset_is_400(
    client_api: APIClient, account: Any, uid: str, token: str
) -> None:
    answer = client_api.post(CONFIRM, {"uid": uid, "token": token, "new_password": NEW})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == ("blank" if not uid else "invalid_token")


def test_a_repeated_confirmation_with_the_same_key_is_replayed(
    account: Any, mailoutbox: Any, run_on_commit: Any
) -> None:
    ask(account.email, run_on_commit)
    body = mailed(mailoutbox) | {"new_password": NEW}
    answers = [APIClient().post(CONFIRM, body, HTTP_IDEMPOTENCY_KEY="once") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[1]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RESET, {"email": "x@example.com"}),
        (CONFIRM, {"uid": "MQ", "token": "x", "new_password": NEW}),
    ],
)
def test_resets_have_a_limit(
    client_api: APIClient, db: Any, settings: Any, path: str, body: Any
) -> None:
    limit(settings, "reset", "2/hour")
    for _ in range(2):
        assert client_api.post(path, body).status_code in (202, 400)
    refused(client_api.post(path, body), 429, "throttled")


def test_a_mailbox_is_not_flooded_from_many_addresses(
    account: Any, mailoutbox: Any, run_on_commit: Any, settings: Any
) -> None:
    limit(settings, "reset", "2/hour")
    for number in range(5):
        assert ask(account.email, run_on_commit, REMOTE_ADDR=f"192.0.2.{number}").status_code == 202
    assert len(mailoutbox) == 2


def test_a_mail_server_that_fails_changes_no_answer(
    account: Any, run_on_commit: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*args: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(postal, "send_mail", fail)
    assert ask(account.email, run_on_commit).status_code == 202
    assert "a mail could not be sent" in caplog.text


def test_in_production_mail_leaves_in_a_thread(settings: Any) -> None:
    import threading

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    names: list[str] = []
    postal.in_background(lambda: names.append(threading.current_thread().name)).result(timeout=10)
    assert names[0].startswith("mail")


# --- log-ins and e-mails --------------------------------------------------------------


def test_an_email_belongs_to_the_log_in_and_to_the_customer(account: Any) -> None:
    operations.set_email(account, " Alice@New.Example.com", by=account)
    account.refresh_from_db()
    assert account.email == account.customer.email == "alice@new.example.com"
    assert Customer.objects.get(user=account).email == "alice@new.example.com"


@pytest.mark.parametrize("taken", ["bob@example.com", "WANDA@example.com"])
def test_an_email_that_is_taken_changes_nothing(
    account: Any, walk_in: Customer, taken: str
) -> None:
    User.objects.create_user("bob@example.com")
    with pytest.raises(InvalidInput) as refusal:
        operations.set_email(account, taken)
    assert (refusal.value.field, refusal.value.code) == ("email", "email_taken")
    account.refresh_from_db()
    assert account.email == Customer.objects.get(user=account).email == "alice@example.com"


def test_a_log_in_is_made_from_a_hash(account: Any) -> None:
    user = operations.create_login("Carl@Example.com", make_password(PASSWORD))
    assert log_in(APIClient(), "carl@example.com").status_code == 200
    assert user.session_epoch == 0
    with pytest.raises(InvalidInput) as refusal:
        operations.create_login("ALICE@example.com", make_password(PASSWORD))
    assert refusal.value.code == "email_taken"
    assert User.objects.count() == 2  # and the transaction still works


def test_who_has_an_email(account: Any, walk_in: Customer) -> None:
    assert operations.email_is_taken("ALICE@example.com")
    assert operations.email_is_taken("wanda@example.com")
    assert not operations.email_is_taken("alice@example.com", besides=account)
    assert operations.email_is_taken("wanda@example.com", besides=account)
    assert not operations.email_is_taken("nobody@example.com")


@pytest.mark.django_db(transaction=True)
def test_sixteen_spellings_at_once_make_one_log_in() -> None:
    def register(number: int) -> bool:
        email = "dora@example.com" if number % 2 else "DORA@Example.com"
        try:
            operations.create_login(email, "!")
        except InvalidInput:
            return False
        return True

    assert in_parallel(16, register).count(True) == 1


# --- housekeeping ---------------------------------------------------------------------


def test_purge_removes_what_has_no_effect_any_more(account: Any, capsys: Any) -> None:
    old, fresh = (tokens.ShopRefreshToken.for_user(account) for _ in range(2))
    for token in (old, fresh):
        tokens.retire(token)
    OutstandingToken.objects.filter(jti=old["jti"]).update(
        expires_at=timezone.now() - timedelta(days=1)
    )
    for key, age in (("old", 25), ("new", 23)):
        kept = IdempotentAnswer.objects.create(
            owner="user:1", key=key, fingerprint="", status=204, body=b""
        )
        IdempotentAnswer.objects.filter(pk=kept.pk).update(
            created_at=timezone.now() - timedelta(hours=age)
        )
    call_command("purge")
    assert list(BlacklistedToken.objects.values_list("token__jti", flat=True)) == [fresh["jti"]]
    assert list(IdempotentAnswer.objects.values_list("key", flat=True)) == ["new"]
    assert "1 kept answers" in capsys.readouterr().out
