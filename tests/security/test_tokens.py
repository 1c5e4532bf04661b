"""Tokens that nobody was given, and tokens that should have ended (API2:2023;
requirements 2 to 6; crAPI 15).
"""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.utils import timezone

from mechanic_shop.accounts import operations, password_changes, passwords, sessions

from ..answers import refused
from ..conftest import Client
from ..factories import PASSWORD, CustomerFactory, UserFactory
from .attacks import API, CALLS, HTML

pytestmark = pytest.mark.django_db
ME, REFRESH, LOGOUT = (
    f"{API}/auth/me/",
    f"{API}/auth/token/refresh/",
    f"{API}/auth/token/blacklist/",
)
OTHER_KEY = "another-key-of-thirty-two-bytes-and-more-for-sha-512-as-well-as-for-others"


def part(data: Any) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(user: Any, **changes: Any) -> dict[str, Any]:
    """What a real token of this user says, but for the changes; None leaves a claim
    out.
    """
    now = int(timezone.now().timestamp())
    found = {
        "token_type": "access",
        "exp": now + 300,
        "iat": now,
        "jti": "0" * 32,
        "user_id": str(user.pk),
        "rev": user.revision,
    } | changes
    return {name: value for name, value in found.items() if value is not None}


def signed(
    user: Any, key: Any = None, algorithm: str = "HS256", headers: Any = None, **changes: Any
) -> str:
    return jwt.encode(
        claims(user, **changes),
        settings.JWT_SIGNING_KEY if key is None else key,
        algorithm=algorithm,
        headers=headers,
    )


def unsigned(user: Any, signature: str = "", **header: Any) -> str:
    return f"{part({'typ': 'JWT'} | header)}.{part(claims(user))}.{signature}"


def hashed(user: Any, algorithm: str, digest: str) -> str:
    """Signed with our key by another algorithm, by hand: PyJWT warns of a key that is
    short for it.
    """
    text = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(claims(user))}"
    return f"{text}.{part(hmac.digest(settings.JWT_SIGNING_KEY.encode(), text.encode(), digest))}"


def real_signature(user: Any) -> str:
    return signed(user).rsplit(".", 1)[1]


def in_seconds(seconds: float) -> int:
    return int((timezone.now() + timedelta(seconds=seconds)).timestamp())


def swapped(user: Any) -> str:
    """The signature of one's own token under the claims of somebody else."""
    head, _, signature = signed(user).split(".")
    return f"{head}.{part(claims(UserFactory(role='manager')))}.{signature}"


Forge = Callable[[Any], str]
FORGED: dict[str, Forge] = {
    "alg none": lambda user: unsigned(user, alg="none"),
    "alg nOnE": lambda user: unsigned(user, alg="nOnE"),
    "alg NONE with a signature": lambda user: unsigned(user, real_signature(user), alg="NONE"),
    "no alg": lambda user: unsigned(user, real_signature(user)),
    "alg is empty": lambda user: unsigned(user, alg=""),
    "alg is a list": lambda user: unsigned(user, real_signature(user), alg=["HS256"]),
    "no signature": lambda user: unsigned(user, alg="HS256"),
    "HS384 with our key": lambda user: hashed(user, "HS384", "sha384"),
    "HS512 with our key": lambda user: hashed(user, "HS512", "sha512"),
    "RS256 in the header, HMAC below": lambda user: (
        f"{part({'alg': 'RS256'})}.{part(claims(user))}.{real_signature(user)}"
    ),
    "another key": lambda user: signed(user, key=OTHER_KEY),
    "the key of the sessions": lambda user: signed(user, key=settings.SECRET_KEY),
    "an empty key": lambda user: signed(user, key=b"\x00" * 64),
    "the key is a word": lambda user: signed(user, key="secret".ljust(32, "0")),
    "jku and x5u": lambda user: signed(
        user,
        key=OTHER_KEY,
        headers={"jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/cert"},
    ),
    "a key in the header": lambda user: signed(
        user, key=OTHER_KEY, headers={"jwk": {"kty": "oct", "k": part(OTHER_KEY.encode())}}
    ),
    "kid is a path": lambda user: signed(
        user, key=b"\x00" * 64, headers={"kid": "../../../../dev/null"}
    ),
    "kid is SQL": lambda user: signed(
        user, key=OTHER_KEY, headers={"kid": "' UNION SELECT 'key' --"}
    ),
    "crit that we do not know": lambda user: signed(user, headers={"crit": ["exp2"], "exp2": 1}),
    "b64 false": lambda user: signed(user, headers={"crit": ["b64"], "b64": False}),
    "expired": lambda user: signed(user, exp=in_seconds(-1)),
    "never expires": lambda user: signed(user, exp=None),
    "not yet valid": lambda user: signed(user, nbf=in_seconds(3600)),
    "issued tomorrow": lambda user: signed(user, iat=in_seconds(86400)),
    "a refresh token": lambda user: sessions.token_pair(user)["refresh"],
    "of no kind": lambda user: signed(user, token_type=None),
    "of another kind": lambda user: signed(user, token_type="sliding"),
    "no jti": lambda user: signed(user, jti=None),
    "another's claims, own signature": swapped,
    "one bit of the signature": lambda user: (
        signed(user)[:-3] + ("AAA" if signed(user)[-3:] != "AAA" else "BBB")
    ),
    "two dots too many": lambda user: signed(user) + ".x.y",
    "deep header": lambda user: f"{part(b'[' * 5000)}.{part({})}.AAAA",
    "deep header, closed": lambda user: f"{part(b'[' * 5000 + b']' * 5000)}.{part({})}.AAAA",
    "header of 60 kB": lambda user: (
        f"{part({'alg': 'HS256', 'x': 'x' * 45_000})}.{part(claims(user))}.AAAA"
    ),
    "no revision": lambda user: signed(user, rev=None),
    "another revision": lambda user: signed(user, rev="0" * 16),
    "a revision cut to nothing": lambda user: signed(user, rev=""),
    "nobody's id": lambda user: signed(user, user_id="987654321"),
    "no id": lambda user: signed(user, user_id=None),
    **{
        f"user_id {odd!r}": lambda user, odd=odd: signed(user, user_id=odd)
        for odd in (1, True, "1 OR 1=1", "1\n", "١", [], {"$ne": ""}, "9" * 400)
    },
    **{
        f"exp {odd!r}": lambda user, odd=odd: signed(user, exp=odd)
        for odd in ("soon", 10**40, -1, [1], True)
    },
}


@pytest.fixture
def victim(db: Any) -> Any:
    return CustomerFactory(login=True).user


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_401_wherever_it_is_shown(
    victim: Any, anonymous: Client, name: str
) -> None:
    """Requirement 2 (A9.1), crAPI 15: on a private route, on a public one, for people
    and programs, twice; never 500.
    """
    token = FORGED[name](victim)
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    for path in (ME, f"{API}/mechanics/", f"{API}/mechanics/popular/", ME):
        for accept in ("application/json", HTML):
            response = anonymous.get(path, HTTP_ACCEPT=accept)
            assert response.status_code == 401, (path, accept)
            assert response["WWW-Authenticate"].startswith("Bearer")
    refused(anonymous.get(ME), 401, "token_not_valid")
    if name != "a refresh token":
        for path in (REFRESH, LOGOUT):
            response = Client().post(path, {"refresh": token})
            refused(response, 401, "token_not_valid")


def test_a_token_made_by_these_helpers_is_a_real_one(victim: Any, anonymous: Client) -> None:
    """Else the test above would prove nothing."""
    assert (
        anonymous.get(ME, HTTP_AUTHORIZATION=f"Bearer {signed(victim)}").json()["id"] == victim.pk
    )
    assert (
        Client().post(REFRESH, {"refresh": signed(victim, token_type="refresh")}).status_code == 200
    )
    assert len(FORGED) >= 23


@pytest.mark.parametrize("place", ["query", "form", "cookie", "another header", "basic"])
def test_a_token_is_taken_from_its_header_alone(victim: Any, anonymous: Client, place: str) -> None:
    """Requirement 3 (A14.2.1): addresses are logged, cookies are sent along by
    browsers.
    """
    token = signed(victim)
    headers: dict[str, dict[str, str]] = {
        "cookie": {"HTTP_COOKIE": f"access={token}; Authorization=Bearer {token}; jwt={token}"},
        "another header": {
            "HTTP_X_ACCESS_TOKEN": token,
            "HTTP_PROXY_AUTHORIZATION": f"Bearer {token}",
            "HTTP_X_AUTHORIZATION": f"Bearer {token}",
        },
        "basic": {
            "HTTP_AUTHORIZATION": "Basic "
            + base64.b64encode(f"{victim.email}:{PASSWORD}".encode()).decode()
        },
    }
    query = (
        dict.fromkeys(("token", "access", "access_token", "jwt", "authorization"), token)
        if place == "query"
        else {}
    )
    if place == "form":
        response = anonymous.generic(
            "GET", ME, f"access_token={token}", "application/x-www-form-urlencoded"
        )
    else:
        response = anonymous.get(ME, query, **headers.get(place, {}))
    refused(response, 401, "not_authenticated")


def deleted(user: Any) -> None:
    user.customer.delete()
    user.delete()


def password_by_reset(user: Any) -> None:
    password_changes.reset_password(
        user, passwords.hash_new_password("Torque-to-47-newton", email=user.email)
    )


ENDINGS: dict[str, Callable[[Any], Any]] = {
    "deleted": deleted,
    "switched off": lambda user: operations.deactivate(user, by=None),
    "new password": lambda user: password_changes.change_password(
        user, PASSWORD, "Torque-to-47-newton", by=user
    ),
    "reset": password_by_reset,
    "logged out everywhere": sessions.end_sessions,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_token_ends_with_what_it_stood_for(victim: Any, anonymous: Client, ending: str) -> None:
    """Requirement 4 (A7.4.2, A7.4.3): access and refresh at once, although this process
    knew the token a moment ago.
    """
    pair = sessions.token_pair(victim)
    header = {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}
    for _ in range(2):
        assert anonymous.get(ME, **header).status_code == 200
    ENDINGS[ending](victim)
    refused(anonymous.get(ME, **header), 401, "token_not_valid")
    # a cached page is no way round it
    refused(anonymous.get(f"{API}/mechanics/", **header), 401, "token_not_valid")
    refused(anonymous.post(REFRESH, {"refresh": pair["refresh"]}), 401, "token_not_valid")


def test_a_used_refresh_token_is_dead_and_the_new_one_lives(victim: Any, anonymous: Client) -> None:
    """Requirement 5; of eight at once one succeeds: tests/test_accounts.py."""
    first = sessions.token_pair(victim)["refresh"]
    second = anonymous.post(REFRESH, {"refresh": first}).json()["refresh"]
    for dead in (first, first):
        refused(anonymous.post(REFRESH, {"refresh": dead}), 401, "token_not_valid")
    assert anonymous.post(REFRESH, {"refresh": second}).status_code == 200


def test_a_token_says_nothing_about_a_person(victim: Any) -> None:
    """Requirement 6 (A14.1.1): fifteen minutes, and no e-mail, name or role in it."""
    pair = sessions.token_pair(victim)
    for token, most in ((pair["access"], 15 * 60), (pair["refresh"], 14 * 86400)):
        found = jwt.decode(token, options={"verify_signature": False})
        assert set(found) == {"token_type", "exp", "iat", "jti", "user_id", "rev"}
        assert 0 < found["exp"] - found["iat"] <= most
        assert victim.email not in str(found)
    assert len(settings.JWT_SIGNING_KEY.encode()) >= 32
    assert settings.JWT_SIGNING_KEY != settings.SECRET_KEY


def test_there_is_one_way_to_get_a_token(anonymous: Client) -> None:
    """crAPI 3: the older route without the limit."""
    assert sorted(call.route for call in CALLS if call.route.startswith("auth-token")) == [
        "auth-token",
        "auth-token-blacklist",
        "auth-token-refresh",
    ]
    for path in (
        "/api/v0/auth/token/",
        "/api/v2/auth/token/",
        "/api/auth/token/",
        "/auth/token/",
        f"{API}/auth/token/verify/",
        f"{API}/auth/login/",
    ):
        refused(anonymous.post(path, {"email": "a@example.com", "password": PASSWORD}), 404)
