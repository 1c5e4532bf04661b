"""Functions of the staff by customers, and everything by strangers (API5:2023, BFLA;
API2:2023; requirements 1 and 13).
"""

from typing import Any

import pytest

from mechanic_shop.accounts.operations import deactivate

from ..answers import refused
from ..conftest import Client
from ..test_matrix import ACTORS, MATRIX, World
from .attacks import CALLS, HTML, Call, make, rows

pytestmark = pytest.mark.django_db
# Whatever is not in this list needs a token: a new route is closed until somebody
# writes it down here.
PUBLIC = {
    *("GET api-root", "GET schema", "GET docs", "GET redoc", "POST customer-list"),
    *("GET mechanic-list", "GET mechanic-detail", "GET mechanic-popular"),
    *("GET shared", "POST shared-authorizations"),  # whose key is in the address
    *(
        "POST auth-token",
        "POST auth-token-refresh",
        "POST auth-token-blacklist",
        "POST auth-password-reset",
        "POST auth-password-reset-confirm",
    ),
}
CLOSED = [call for call in CALLS if str(call) not in PUBLIC]


def test_a_route_is_closed_unless_it_was_opened(world: World, anonymous: Client) -> None:
    """Requirement 1 (T2, A8.2.1), crAPI 14: 401 that says how to log in, for programs
    and for people, and nothing changes.
    """
    world.prepare(*map(str, CALLS))
    before = rows()
    for call in CLOSED:
        for headers in (
            {},
            {"HTTP_ACCEPT": HTML},
            {"HTTP_IDEMPOTENCY_KEY": "k"},
            {"HTTP_COOKIE": "sessionid=made-up; access=x"},
        ):
            response = make(world, anonymous, call, **headers)
            assert response.status_code == 401, (str(call), headers)
            assert response["WWW-Authenticate"].startswith("Bearer"), str(call)
        assert rows() == before, str(call)


def refusals() -> list[tuple[str, str]]:
    return [
        (call, actor)
        for call, expected in MATRIX.items()
        for actor, status in zip(ACTORS, expected, strict=True)
        if status in (403, 404)
    ]


@pytest.mark.parametrize("actor", ["owner", "stranger", "assigned", "unassigned", "advisor"])
def test_what_a_role_may_not_do_it_cannot_do_by_any_door(
    request: pytest.FixtureRequest, world: World, actor: str
) -> None:
    """Requirement 13 (T5), crAPI 7: refused as JSON and as a page, by PUT and by a
    form, with a key and without, and no row changes.
    """
    client: Client = request.getfixturevalue(actor)
    calls = {str(call): call for call in CALLS}
    world.prepare(*calls)
    before = rows()
    forbidden = [calls[name] for name, who in refusals() if who == actor]
    assert len(forbidden) > 10 or actor == "advisor"
    for call in forbidden:
        expected = MATRIX[str(call)][ACTORS.index(actor)]
        answers = [make(world, client, call), make(world, client, call, HTTP_ACCEPT=HTML)]
        if call.method in ("POST", "PUT", "PATCH"):
            answers.append(as_a_form(world, client, call))
        assert [answer.status_code for answer in answers] == [expected] * len(answers), call
    assert rows() == before


def as_a_form(world: World, client: Client, call: Call) -> Any:
    from .attacks import there

    body = world.body(str(call), client) or {}
    sent = "&".join(
        f"{name}={value}" for name, value in body.items() if not isinstance(value, list)
    )
    return client.generic(
        call.method, there(world, call), sent, "application/x-www-form-urlencoded"
    )


def test_somebody_who_was_switched_off_is_a_stranger(world: World, manager: Client) -> None:
    """Requirement 4 on every route: the manager's token of a second ago opens nothing."""
    # the token is known to this process now
    make(world, manager, next(call for call in CALLS if str(call) == "GET auth-me"))
    world.prepare(*map(str, CALLS))
    deactivate(manager.user, by=None)
    before = rows()
    for call in CLOSED:
        refused(make(world, manager, call), 401, "token_not_valid")
        assert rows() == before, str(call)


def test_options_offers_a_body_only_to_whom_it_is_for(
    world: World, owner: Client, advisor: Client, manager: Client
) -> None:
    """A customer was told the fields of a new part, by the permission of OPTIONS
    instead of that of POST.
    """
    part = f"/api/v1/parts/{world.part.pk}/"
    for path, client, offered in (
        ("/api/v1/parts/", owner, None),
        ("/api/v1/parts/", advisor, None),
        ("/api/v1/parts/", manager, ["POST"]),
        (part, advisor, None),
        (part, manager, ["PUT"]),
        (f"{part}receive/", advisor, ["PUT"]),
        ("/api/v1/customers/", owner, None),
        (f"/api/v1/customers/{world.customer.pk}/", owner, ["PUT"]),
        ("/api/v1/auth/me/", owner, None),
        ("/api/v1/auth/password/", owner, ["POST"]),
    ):
        actions = client.options(path).json().get("actions")
        assert (actions and list(actions)) == offered, path
