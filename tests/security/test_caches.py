"""One person's answer to another, an old answer to anybody, and names of hosts that a
client made up (API8:2023; requirements 32 and 34).
"""

from typing import Any

import pytest
from django.core.cache import cache

from mechanic_shop.accounts.operations import deactivate
from mechanics.models import Mechanic

from ..answers import refused
from ..conftest import Client, client_of
from ..factories import MechanicFactory, PartFactory, UserFactory
from ..test_matrix import World
from .attacks import API, HTML, READS, browser_of, do, text_of, there

pytestmark = [pytest.mark.django_db, pytest.mark.wide]
MECHANICS, POPULAR, PARTS = f"{API}/mechanics/", f"{API}/mechanics/popular/", f"{API}/parts/"
CACHED = [MECHANICS, POPULAR, PARTS, f"{API}/parts/low-stock/"]

# --- hosts ----------------------------------------------------------------------------

FORGED = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Host": "evil.example",
    "X-Original-Host": "evil.example",
    "X-HTTP-Host-Override": "evil.example",
    "Forwarded": "for=1.2.3.4;host=evil.example;proto=https",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Scheme": "https",
    "X-Forwarded-Port": "444",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Original-URL": "/admin/evil.example",
    "X-Rewrite-URL": "/admin/evil.example",
    "X-Forwarded-For": "evil.example",
    "Referer": "https://evil.example/",
    "Origin": "https://evil.example",
}


@pytest.mark.parametrize("accept", ["application/json", HTML])
def test_a_forged_host_is_in_no_answer_and_in_no_cache(
    world: World, manager: Client, accept: str
) -> None:
    """Requirement 32 (A4.1.3), crAPI's secret: in no body, link, header or page that
    the next reader gets; nor does it lead past a permission.
    """
    headers = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in FORGED.items()}
    MechanicFactory.create_batch(2)
    for call in READS:
        path = there(world, call) + ("?page_size=1" if call.lists else "")
        cache.clear()
        honest = do(manager, "GET", path, HTTP_ACCEPT=accept)
        cache.clear()
        for response in (
            do(manager, "GET", path, HTTP_ACCEPT=accept, **headers),
            do(manager, "GET", path, HTTP_ACCEPT=accept),
        ):
            assert response.status_code == honest.status_code, str(call)
            told = text_of(response) + str(dict(response.items()))
            assert "evil.example" not in told, str(call)
            assert "https://testserver" not in told, str(call)
            assert ":444" not in told, str(call)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "testserver.evil.example",
        "testserver@evil.example",
        "evil.example:80",
        "testserver:80:80",
        "a b",
        "",
        "[::1",
        "testserver/",
        "testserver\x00",
    ],
)
def test_a_host_that_is_not_ours_is_refused(anonymous: Client, host: str) -> None:
    """Requirement 32: at every door."""
    for path in (MECHANICS, f"{API}/", "/", f"{API}/auth/token/", f"{API}/nothing/"):
        response = anonymous.get(path, HTTP_HOST=host)
        if path == f"{API}/nothing/" and response.status_code == 404:
            assert "evil" not in text_of(response)
            continue
        assert response.status_code == 400, (path, host)
        assert "evil" not in text_of(response) + str(dict(response.items()))


def test_a_link_of_one_spelling_of_the_host_goes_to_nobody_else(anonymous: Client) -> None:
    """A port is no secret, but a page with somebody's odd port must not be another's."""
    MechanicFactory.create_batch(3)
    odd = anonymous.get(f"{MECHANICS}?page_size=1", HTTP_HOST="testserver:8444").json()
    assert ":8444" in odd["next"]
    assert ":8444" not in anonymous.get(f"{MECHANICS}?page_size=1").json()["next"]


def test_the_mail_for_a_reset_bears_no_host(
    world: World,
    anonymous: Client,
    mailoutbox: Any,
    django_capture_on_commit_callbacks: Any,
    settings: Any,
) -> None:
    """A reset link to the attacker's host would hand the token over."""
    settings.ALLOWED_HOSTS = ["*"]
    with django_capture_on_commit_callbacks(execute=True):
        anonymous.post(
            f"{API}/auth/password/reset/",
            {"email": world.customer.email},
            HTTP_HOST="evil.example",
            HTTP_X_FORWARDED_HOST="evil.example",
        )
    assert len(mailoutbox) == 1
    assert "evil" not in mailoutbox[0].body + str(mailoutbox[0].message())


# --- whose answer it is ---------------------------------------------------------------


def test_no_answer_may_be_kept_by_a_shared_cache(
    world: World, manager: Client, owner: Client, anonymous: Client
) -> None:
    """Requirement 34 (A14.2.2, A14.3.2): private at least, no-store for what was
    written or refused to be.
    """
    browser = browser_of(manager.user)
    for call in READS:
        for client in (manager, owner, anonymous, browser):
            for accept in ("application/json", HTML):
                said = client.get(there(world, call), HTTP_ACCEPT=accept)["Cache-Control"]
                assert "private" in said or "no-store" in said, str(call)
                assert "public" not in said
    for response in (
        anonymous.post(f"{API}/auth/token/", {}),
        owner.patch(f"{API}/customers/{world.customer.pk}/", {"phone": "1"}),
    ):
        assert response["Cache-Control"] == "no-store"
    for path in ("/admin/", f"{API}/session/login/"):
        assert "no-store" in browser.get(path)["Cache-Control"]


@pytest.mark.parametrize(
    "order",
    [
        ("manager", "advisor", "assigned"),
        ("assigned", "manager", "advisor"),
        ("advisor", "assigned", "manager"),
    ],
)
def test_no_page_crosses_from_one_permission_to_another(
    request: pytest.FixtureRequest, order: tuple[str, ...]
) -> None:
    """Whoever comes first: staff fields stay with staff, costs with those who may see
    costs.
    """
    PartFactory(cost="8317.41", reorder_point=5)
    Mechanic.objects.create(name="M", hourly_cost="6253.97")
    clients = {actor: request.getfixturevalue(actor) for actor in order}
    for _ in range(2):
        for actor in order:
            for path in CACHED:
                text = text_of(clients[actor].get(path))
                assert ("8317.41" in text) is (actor == "manager" and "parts" in path), (
                    actor,
                    path,
                )
                assert ("6253.97" in text) is (
                    actor in ("manager", "advisor") and "mechanics" in path
                ), (actor, path)


UNKEYED = [
    "HTTP_X_FORWARDED_HOST",
    "HTTP_ACCEPT_LANGUAGE",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_USER_AGENT",
    "HTTP_COOKIE",
    "HTTP_X_REQUEST_ID",
    "HTTP_RANGE",
    "HTTP_ORIGIN",
]


@pytest.mark.parametrize("header", UNKEYED)
@pytest.mark.parametrize("path", CACHED[:3])
def test_a_cached_page_holds_nothing_of_who_asked_first(
    manager: Client, path: str, header: str
) -> None:
    """Cache poisoning: what is not in the key must not be in the page."""
    PartFactory(), MechanicFactory()
    plain = manager.get(path)
    cache.clear()
    first = manager.get(path, **{header: "zq-poison"})
    second = client_of(UserFactory(role="manager")).get(path)
    assert second.content == plain.content
    for response in (first, second):
        told = text_of(response) + str(
            {name: value for name, value in response.items() if name != "X-Request-ID"}
        )
        assert "zq-poison" not in told
    assert second["X-Request-ID"] != first["X-Request-ID"]
    assert not second.cookies


@pytest.mark.parametrize(
    "trick",
    [
        "/style.css",
        "%2fstyle.css",
        ";style.css",
        "?style.css",
        ".css",
        "%00.css",
        "/..%2fstyle.css",
        "%23style.css",
    ],
)
def test_a_private_answer_never_looks_like_a_static_file(
    world: World, owner: Client, trick: str
) -> None:
    """Cache deception: a proxy that keeps ``*.css`` must not be given somebody's record
    under such a name.
    """
    response = owner.get(f"{API}/auth/me/".removesuffix("/") + trick)
    assert response.status_code in (400, 404)
    assert world.customer.email not in text_of(response)


def test_a_token_that_ended_reads_no_cached_page(world: World, manager: Client) -> None:
    """Requirement 34: authentication comes before the cache, on public pages too."""
    for path in CACHED:
        assert manager.get(path).status_code == 200
    deactivate(manager.user, by=None)
    for path in CACHED:
        refused(manager.get(path), 401, "token_not_valid")


def test_a_right_that_was_taken_takes_its_pages_at_once(world: World, manager: Client) -> None:
    for path in CACHED[2:]:
        manager.get(path)
    manager.user.groups.clear()
    manager.user.save()
    for path in CACHED[2:]:
        refused(manager.get(path), 403)


@pytest.mark.django_db(transaction=True)
def test_a_write_is_in_the_next_answer_of_everybody(
    manager: Client, advisor: Client, anonymous: Client
) -> None:
    """Requirement 34: also for those whose page was cached under another permission."""
    mechanic, part = MechanicFactory(name="Before"), PartFactory(name="Before")
    readers = [
        (client, path)
        for path in CACHED[:3]
        for client in (manager, advisor, anonymous)
        if path != PARTS or client is not anonymous
    ]
    for client, path in readers:
        assert "Before" in client.get(path).content.decode()
    manager.patch(f"{MECHANICS}{mechanic.pk}/", {"name": "After"})
    manager.patch(f"{PARTS}{part.pk}/", {"name": "After"})
    for client, path in readers:
        assert "Before" not in client.get(path).content.decode()
