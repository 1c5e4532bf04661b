"""Customers: sign-up, walk-ins, the own record, log-ins that go with it."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from customers import operations
from customers.models import Customer, Vehicle
from mechanic_shop.errors import InvalidInput

from .answers import refused
from .conftest import Client, client_of
from .factories import PASSWORD, CustomerFactory, UserFactory, VehicleFactory, make_ticket
from .races import at_once

pytestmark = pytest.mark.django_db
CUSTOMERS, TOKEN = "/api/v1/customers/", "/api/v1/auth/token/"
User = get_user_model()


def url(customer: Customer) -> str:
    return f"{CUSTOMERS}{customer.pk}/"


def rows() -> tuple[Any, ...]:
    """All that a refusal must leave as it was."""
    return tuple(list(model.objects.order_by("pk").values()) for model in (Customer, User, Vehicle))


# --- sign-up --------------------------------------------------------------------------

# What clients of other shops send; their field names are mapped onto ours.
REAL = [
    {
        "name": "John Doe",
        "email": "john@example.com",
        "phone": "555-0171",
        "password": "mysecretpassword",
    },
    {
        "name": "Jane Doe",
        "email": "jane@example.com",
        "phone": "555-014-7565",
        "password": "securepassword123",
    },
    {
        "name": "John Doe",
        "email": "john.doe@example.com",
        "password": "SecurePass123!",
        "phone": "555-0171",
        "address": "123 Main St, Denver",
    },
    {
        "name": "John Doe",
        "email": "john.doe@email.com",
        "phone": "555-0171",
        "address": "123 Main St",
        "password": "SecurePassword123",
    },
    {"name": "Test User", "email": "testuser@email.com", "password": "testpassword", "phone": ""},
    {
        "name": "Jane Doe Updated",
        "email": "jane.updated@example.com",
        "phone": "555-013-3860",
        "password": "newpassword456",
    },
]
WEAK = [
    {
        "name": "Test Customer",
        "email": "customer@example.com",
        "phone": "5550197014",
        "password": "password123",
    },
    {
        "name": "Test2 Lasttest2",
        "email": "test1@email.com",
        "password": "12345",
        "phone": "555-013-9832",
        "address": "testaddress",
    },
    {
        "name": "Margie McFly",
        "email": "person11@example.net",
        "phone": "555-014-1239",
        "password": "1235",
    },
    {"name": "Digits", "email": "digits@example.net", "password": "902745118036"},
    {"name": "Self", "email": "margie.mcfly@example.net", "password": "margie.mcfly@example.net"},
]


@pytest.mark.parametrize("body", REAL, ids=lambda body: body["email"])
def test_a_visitor_signs_up_and_logs_in(anonymous: Client, body: dict[str, str]) -> None:
    response = anonymous.post(CUSTOMERS, body)

    assert response.status_code == 201
    customer = Customer.objects.get()
    assert response["Location"].endswith(url(customer))
    assert (customer.name, customer.email, customer.phone) == (
        body["name"],
        body["email"],
        body["phone"],
    )
    assert response.json().keys() == {
        "id",
        "name",
        "email",
        "phone",
        "address",
        "has_login",
        "created_at",
        "updated_at",
    }
    assert body["password"] not in response.content.decode()
    assert not customer.user.is_shop_staff
    assert (
        anonymous.post(TOKEN, {"email": body["email"], "password": body["password"]}).status_code
        == 200
    )


@pytest.mark.parametrize("body", WEAK, ids=lambda body: body["password"])
def test_a_weak_password_is_refused(anonymous: Client, body: dict[str, str]) -> None:
    refused(anonymous.post(CUSTOMERS, body), 400, "weak_password", "password")
    assert not Customer.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        *[
            ({"password": None}, "password"),
            ({"password": ""}, "password"),
            ({"password": "x" * 129}, "password"),
            ({"password": "x" * 1_000_000}, "password"),
        ],
        *[
            ({"email": None}, "email"),
            ({"email": ""}, "email"),
            ({"email": "john"}, "email"),
            ({"email": "jоhn@example.com"}, "email"),
        ],
        *[
            ({"name": None}, "name"),
            ({"name": ""}, "name"),
            ({"name": "  "}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"name": "\x00"}, "name"),
        ],
        *[({"phone": "5" * 41}, "phone"), ({"address": "x" * 301}, "address")],
    ],
)
def test_a_sign_up_that_lacks_something_is_refused_at_its_field(
    anonymous: Client, change: dict[str, Any], field: str
) -> None:
    refused(anonymous.post(CUSTOMERS, REAL[0] | change), 400, field=field)
    assert not Customer.objects.exists()
    assert not User.objects.exists()


@pytest.mark.parametrize("missing", ["name", "email", "password"])
def test_a_sign_up_needs_a_name_an_email_and_a_password(anonymous: Client, missing: str) -> None:
    refused(
        anonymous.post(CUSTOMERS, {key: value for key, value in REAL[0].items() if key != missing}),
        400,
        "required",
        missing,
    )


def test_a_password_is_taken_as_it_was_typed(anonymous: Client) -> None:
    spaced = "  two spaces around me  "
    assert anonymous.post(CUSTOMERS, REAL[0] | {"password": spaced}).status_code == 201
    assert (
        anonymous.post(TOKEN, {"email": "john@example.com", "password": spaced}).status_code == 200
    )
    assert (
        anonymous.post(TOKEN, {"email": "john@example.com", "password": spaced.strip()}).status_code
        == 401
    )


@pytest.mark.parametrize(
    "spelling",
    ["wanda@example.com", "WANDA@Example.COM", "  wanda@example.com ", "ｗａｎｄａ@example.com"],
)
@pytest.mark.parametrize("known", ["walk-in", "log-in", "staff"])
def test_one_mailbox_is_one_customer_however_it_is_spelt(
    anonymous: Client, advisor: Client, known: str, spelling: str
) -> None:
    UserFactory(email="wanda@example.com") if known == "staff" else CustomerFactory(
        email="wanda@example.com", login=known == "log-in"
    )
    before = rows()

    for client in (anonymous, advisor):
        body = refused(client.post(CUSTOMERS, REAL[0] | {"email": spelling}), 400, "email_taken")
        assert [(error["field"], error["code"]) for error in body["errors"]] == [
            ("email", "email_taken")
        ]

    assert rows() == before


@pytest.mark.django_db(transaction=True)
def test_sixteen_sign_ups_at_once_make_one_customer() -> None:
    spellings = ("dora@example.com", "DORA@Example.com", " dora@example.com", "Dora@example.com")
    calls = [
        lambda email=email: Client().post(CUSTOMERS, REAL[0] | {"email": email})
        for email in spellings * 4
    ]

    answers = at_once(*calls)

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 15
    assert {answer.json()["code"] for answer in answers if answer.status_code == 400} == {
        "email_taken"
    }
    assert (Customer.objects.count(), User.objects.count()) == (1, 1)


def test_a_walk_in_written_in_the_same_moment_is_email_taken_too(
    anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor's form passed its checks; then the front desk wrote down the same
    e-mail.
    """
    CustomerFactory(email="john@example.com")
    monkeypatch.setattr("customers.serializers.email_is_taken", lambda *args, **kwargs: False)
    monkeypatch.setattr(
        "mechanic_shop.http.serializers.broken_constraints", lambda *args, **kwargs: {}
    )
    refused(anonymous.post(CUSTOMERS, REAL[0]), 400, "email_taken", "email")
    assert not User.objects.exists()


ESCALATIONS: dict[str, Any] = {
    "id": 777,
    "pk": 777,
    "user": 1,
    "user_id": 1,
    "is_staff": True,
    "is_superuser": True,
    "is_active": False,
    "groups": ["manager"],
    "role": "manager",
    "roles": ["manager"],
    "has_login": False,
    "notes": "pays late",
    "phone_digits": "1",
    "created_at": "2000-01-01T00:00:00Z",
    "mechanic": 1,
    "session_epoch": 9,
    "password_hash": "!",
    "by": 1,
}


@pytest.mark.parametrize("field", ESCALATIONS)
def test_a_sign_up_gains_nothing_by_fields_that_are_not_its_own(
    anonymous: Client, field: str
) -> None:
    response = anonymous.post(CUSTOMERS, REAL[0] | {field: ESCALATIONS[field]})

    refused(
        response,
        400,
        "read_only_field" if field in ("id", "has_login", "created_at") else "unknown_field",
        field,
    )
    assert not Customer.objects.exists()


def test_a_sign_up_has_the_rights_of_a_customer(anonymous: Client) -> None:
    assert anonymous.post(CUSTOMERS, REAL[0]).status_code == 201
    customer = Customer.objects.get()
    assert customer.notes == ""
    assert customer.created_at.year > 2000
    assert (customer.user.is_staff, customer.user.is_superuser, customer.user.is_active) == (
        False,
        False,
        True,
    )
    assert not customer.user.get_all_permissions()
    assert (
        anonymous.post(
            TOKEN, {"email": "john@example.com", "password": REAL[0]["password"]}
        ).status_code
        == 200
    )


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_update_gains_nothing_by_fields_that_are_not_its_own(
    owner: Client, stranger: Client, method: str
) -> None:
    me = owner.user.customer
    body = ESCALATIONS | {"user": stranger.user.pk, "password": "another-long-one-2"}
    for name, value in body.items():
        refused(getattr(owner, method)(url(me), {"name": me.name, name: value}), 400, field=name)

    fresh = Customer.objects.get(pk=me.pk)
    assert (fresh.user, fresh.notes, fresh.phone_digits) == (owner.user, "", me.phone_digits)
    user = User.objects.get(pk=owner.user.pk)
    assert user.check_password(PASSWORD)
    assert not user.is_shop_staff
    assert not Customer.objects.filter(pk=777).exists()


# --- walk-ins -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Pat Example", "phone": "5550157713"},
        {"name": "Alice", "email": "alice@example.com"},
        {"name": "A", "email": None},
    ],
)
def test_the_front_desk_writes_down_a_walk_in(advisor: Client, body: dict[str, Any]) -> None:
    response = advisor.post(CUSTOMERS, body | {"notes": "drives fast"})
    assert response.status_code == 201
    assert response.json()["has_login"] is False
    customer = Customer.objects.get()
    assert (customer.user, customer.email, customer.notes) == (
        None,
        body.get("email"),
        "drives fast",
    )


def test_walk_ins_without_an_email_are_many(advisor: Client) -> None:
    assert [
        advisor.post(CUSTOMERS, {"name": "Anon", "email": None}).status_code for _ in range(2)
    ] == [201, 201]


def test_the_front_desk_makes_a_log_in_with_a_password(advisor: Client, anonymous: Client) -> None:
    assert (
        advisor.post(
            CUSTOMERS, {"name": "Alice", "email": "alice@example.com", "password": PASSWORD}
        ).json()["has_login"]
        is True
    )
    assert (
        anonymous.post(TOKEN, {"email": "alice@example.com", "password": PASSWORD}).status_code
        == 200
    )


def test_a_log_in_needs_an_email(advisor: Client) -> None:
    refused(
        advisor.post(CUSTOMERS, {"name": "Alice", "password": PASSWORD}), 400, "required", "email"
    )
    assert not Customer.objects.filter(name="Alice").exists()


# --- the own record -------------------------------------------------------------------


def test_a_customer_reads_the_own_record_without_the_staffs_notes(
    owner: Client, assigned: Client
) -> None:
    me = owner.user.customer
    me.save_changes(notes="pays late")
    own, desk = owner.get(url(me)), assigned.get(url(me))
    assert "pays late" not in own.content.decode()
    assert "notes" not in own.json()
    assert desk.json()["notes"] == "pays late"


@pytest.mark.parametrize("method", ["put", "patch"])
def test_what_was_read_can_be_sent_back(owner: Client, advisor: Client, method: str) -> None:
    me = owner.user.customer
    before = rows()[1]
    for client in (owner, advisor):
        read = client.get(url(me)).json()
        answer = getattr(client, method)(url(me), read)
        assert answer.status_code == 200
        assert {**answer.json(), "updated_at": ""} == {**read, "updated_at": ""}
    assert rows()[1] == before


def test_a_patch_writes_only_what_was_sent(owner: Client) -> None:
    me = owner.user.customer
    Customer.objects.filter(pk=me.pk).update(notes="kept", address="kept")
    assert owner.patch(url(me), {"phone": "(555) 015-7713"}).status_code == 200
    fresh = Customer.objects.get(pk=me.pk)
    assert (fresh.phone, fresh.phone_digits, fresh.notes, fresh.address) == (
        "(555) 015-7713",
        "15550157713",
        "kept",
        "kept",
    )


def test_a_staff_field_is_not_written_by_a_customer(owner: Client) -> None:
    refused(
        owner.patch(url(owner.user.customer), {"notes": "very good customer"}),
        400,
        "unknown_field",
        "notes",
    )
    assert Customer.objects.get(pk=owner.user.customer.pk).notes == ""


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_anothers_record_is_not_there(owner: Client, stranger: Client, method: str) -> None:
    before = rows()
    refused(
        getattr(owner, method)(url(stranger.user.customer), {"name": "Mine now"}), 404, "not_found"
    )
    assert rows() == before


@pytest.mark.parametrize(
    "query", ["", "?search=Steve", "?email={email}", "?ordering=-name", "?search=STRANGER1"]
)
def test_a_customers_list_is_the_own_record(owner: Client, stranger: Client, query: str) -> None:
    VehicleFactory(customer=stranger.user.customer, plate="STRANGER1")
    found = owner.get(CUSTOMERS + query.format(email=stranger.user.email)).json()["results"]
    assert {row["id"] for row in found} <= {owner.user.customer.pk}


# --- the e-mail is the log-in ---------------------------------------------------------


def test_a_new_email_is_the_new_log_in(owner: Client, anonymous: Client) -> None:
    me, old = owner.user.customer, owner.user.email

    response = owner.patch(url(me), {"email": " New@Example.com ", "current_password": PASSWORD})

    assert response.json()["email"] == "new@example.com"
    assert "current_password" not in response.json()
    assert (
        User.objects.get(pk=owner.user.pk).email
        == Customer.objects.get(pk=me.pk).email
        == "new@example.com"
    )
    assert (
        anonymous.post(TOKEN, {"email": "new@example.com", "password": PASSWORD}).status_code == 200
    )
    assert anonymous.post(TOKEN, {"email": old, "password": PASSWORD}).status_code == 401


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "new@example.com"}, "wrong_password"),
        ({"email": "new@example.com", "current_password": "wrong"}, "wrong_password"),
        ({"email": None, "current_password": PASSWORD}, "email_required"),
        ({"email": "", "current_password": PASSWORD}, "blank"),
        ({"email": "taken@example.com", "current_password": PASSWORD}, "email_taken"),
        ({"email": "TAKEN@example.com", "current_password": PASSWORD}, "email_taken"),
        ({"email": "staff@example.com", "current_password": PASSWORD}, "email_taken"),
    ],
)
def test_an_email_change_that_is_refused_changes_nothing(
    owner: Client, change: dict[str, Any], code: str
) -> None:
    CustomerFactory(email="taken@example.com")
    UserFactory(email="staff@example.com")
    before = rows()
    body = refused(owner.patch(url(owner.user.customer), change | {"name": "Other"}), 400)
    assert code in {error["code"] for error in body["errors"]}
    assert rows() == before


def test_the_front_desk_changes_a_customers_email_without_the_password(
    advisor: Client, owner: Client
) -> None:
    assert advisor.patch(url(owner.user.customer), {"email": "new@example.com"}).status_code == 200
    assert User.objects.get(pk=owner.user.pk).email == "new@example.com"


def test_the_front_desk_cannot_take_a_log_in_by_taking_its_email(
    advisor: Client, owner: Client
) -> None:
    before = rows()
    refused(
        advisor.patch(url(owner.user.customer), {"email": None}), 400, "email_required", "email"
    )
    assert rows() == before


def test_the_front_desk_takes_a_walk_ins_email(advisor: Client) -> None:
    walk_in = CustomerFactory()
    assert advisor.patch(url(walk_in), {"email": None}).json()["email"] is None


def test_the_front_desk_cannot_turn_a_managers_log_in_into_its_own(
    advisor: Client, manager: Client
) -> None:
    """A manager who is a customer too: with another e-mail the next password reset
    would go to the front desk.
    """
    boss = CustomerFactory(user=manager.user, email=manager.user.email)
    before = rows()

    refused(advisor.patch(url(boss), {"email": "advisor@example.com"}), 403, "login_of_staff")
    assert rows() == before
    assert advisor.patch(url(boss), {"phone": "555-0100"}).status_code == 200
    assert (
        client_of(UserFactory(role="manager"))
        .patch(url(boss), {"email": "boss@example.com"})
        .status_code
        == 200
    )


# --- deleting -------------------------------------------------------------------------


def test_deleting_a_customer_deletes_log_in_and_vehicles(owner: Client, anonymous: Client) -> None:
    me = owner.user.customer
    VehicleFactory(customer=me)

    response = owner.delete(url(me))

    assert response.status_code == 204
    assert not response.content
    assert rows() == ([], [], [])
    refused(owner.get("/api/v1/auth/me/"), 401, "token_not_valid")
    refused(
        anonymous.post(TOKEN, {"email": owner.user.email, "password": PASSWORD}),
        401,
        "no_active_account",
    )


@pytest.mark.parametrize("status", ["estimate", "closed", "cancelled"])
def test_a_customer_with_tickets_stays(owner: Client, manager: Client, status: str) -> None:
    make_ticket(
        status, customer=owner.user.customer, vehicle=VehicleFactory(customer=owner.user.customer)
    )
    before = rows()
    for client in (owner, manager):
        refused(client.delete(url(owner.user.customer)), 409, "customer_in_use")
    assert rows() == before


def test_a_deleted_customer_is_not_there(manager: Client) -> None:
    walk_in = CustomerFactory()
    assert [manager.delete(url(walk_in)).status_code for _ in range(2)] == [204, 404]
    refused(manager.patch(url(walk_in), {"name": "Back"}), 404)


def test_a_clerk_who_is_no_customer_any_more_still_logs_in(manager: Client) -> None:
    clerk = CustomerFactory(user=UserFactory(role="advisor"))
    assert manager.delete(url(clerk)).status_code == 204
    assert User.objects.filter(pk=clerk.user.pk).exists()


# --- the list -------------------------------------------------------------------------


@pytest.fixture
def known(db: Any) -> Customer:
    """Whom the searches look for, among others."""
    CustomerFactory.create_batch(3, phone="555-014-2222")
    found = CustomerFactory(
        name="Zoë O'Neil-Smith",
        email="zoe@example.net",
        phone="(555) 015-7713",
        address="12 Quarry Road",
    )
    VehicleFactory(customer=found, plate="AB-12 CD", vin="1HGCM82633A004352")
    return found


@pytest.mark.parametrize(
    "term",
    [
        *["zoë", "O'NEIL", "smith zoë", "zoe@EXAMPLE.net", "quarry", "  Quarry   Road "],
        *[
            "5550157713",
            "555-015-7713",
            "(555) 015 7713",
            "+1 555 015 7713",
            "015-7713",
            "555.015.7713",
        ],
        *["ab12cd", "ab 12-cd", "AB-12", "12 CD", "1hgcm8-2633a", "1HGCM82633A004352", "ａｂ12cd"],
    ],
)
def test_search_finds_a_customer_however_it_is_typed(
    advisor: Client, known: Customer, term: str
) -> None:
    found = advisor.get(CUSTOMERS, {"search": term}).json()
    assert [row["id"] for row in found["results"]] == [known.pk]


@pytest.mark.parametrize(
    "term", ["%", "_", "z%", "zo_", "' OR 1=1 --", "\\", "nobody", "99999", "12 34 56", "⚙"]
)
def test_search_takes_its_term_literally(advisor: Client, known: Customer, term: str) -> None:
    assert advisor.get(CUSTOMERS, {"search": term}).json()["count"] == 0


def test_filters(advisor: Client, known: Customer) -> None:
    assert [
        row["id"] for row in advisor.get(CUSTOMERS, {"email": "ZOE@example.net"}).json()["results"]
    ] == [known.pk]
    later = known.updated_at.isoformat()
    assert advisor.get(CUSTOMERS, {"updated_after": later}).json()["count"] == 0
    assert advisor.get(CUSTOMERS, {"updated_after": "2020-01-01T00:00:00Z"}).json()["count"] == 4


@pytest.mark.parametrize(
    "ordering", ["name", "-name", "created_at", "-updated_at", "name,-created_at"]
)
def test_ordering(advisor: Client, known: Customer, ordering: str) -> None:
    first = ordering.split(",")[0]
    values = [
        row[first.removeprefix("-")].lower()
        for row in advisor.get(CUSTOMERS, {"ordering": ordering}).json()["results"]
    ]
    assert values == sorted(values, reverse=first.startswith("-"))


@pytest.mark.parametrize(
    "ordering", ["email", "user__password", "notes", "phone_digits", "?", "-", "name;", "pk"]
)
def test_an_ordering_that_is_not_offered_is_refused(advisor: Client, ordering: str) -> None:
    refused(advisor.get(CUSTOMERS, {"ordering": ordering}), 400, "invalid", "ordering")


def test_pages(advisor: Client) -> None:
    CustomerFactory.create_batch(5)
    first = advisor.get(CUSTOMERS, {"page_size": 2}).json()
    assert (first["count"], first["previous"], len(first["results"])) == (5, None, 2)
    assert len(advisor.get(first["next"]).json()["results"]) == 2
    refused(advisor.get(CUSTOMERS, {"page_size": 2, "page": 4}), 404, "not_found")


# --- the operations, as other doors call them -----------------------------------------


def test_registering_twice_leaves_one(db: Any) -> None:
    by = UserFactory()
    operations.register(name="A", email="a@example.com", by=by)
    with pytest.raises(InvalidInput) as refusal:
        operations.register(name="B", email="A@example.com", password_hash="!", by=by)
    assert refusal.value.code == "email_taken"
    assert Customer.objects.count() == 1
    assert not User.objects.filter(email="a@example.com").exists()


def test_an_account_without_its_customer_is_no_customer_at_once(owner: Client) -> None:
    """A clerk who is also a customer keeps the log-in; what is kept about it must not
    outlive the record.
    """
    assert owner.get("/api/v1/auth/me/").json()["customer"]
    owner.user.customer.delete()
    assert owner.get("/api/v1/auth/me/").json()["customer"] is None
    answer = owner.post("/api/v1/vehicles/", {"make": "Ford"})
    assert answer.status_code == 403
