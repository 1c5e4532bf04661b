"""What is kept about users ends with every write that changes who they are or what they
may do, on every worker.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission

from customers import operations as customers
from customers.models import Customer
from mechanic_shop.accounts import authentication, password_changes, sessions
from mechanic_shop.accounts import operations as accounts
from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.token_cache import TokenUserCache
from mechanic_shop.http.caching import known_generation
from mechanics import operations as mechanics
from mechanics.models import Mechanic

from .conftest import Client, client_of
from .factories import CustomerFactory, MechanicFactory, UserFactory, office
from .test_admin import browser, page_of, save


class Crew:
    """A clerk who is a mechanic and a customer, too; and somebody with a role of their
    own.
    """

    def __init__(self) -> None:
        self.role = Group.objects.get(name="advisor")
        self.right = Permission.objects.get(codename="view_part")
        self.user = UserFactory(role="advisor", email="clerk@example.com")
        self.mechanic, self.customer = (
            MechanicFactory(user=self.user),
            CustomerFactory(user=self.user, email=self.user.email),
        )
        self.token = f"Bearer {sessions.token_pair(self.user)['access']}"
        office()

    @property
    def same_user(self) -> Any:
        """Read anew, as every door does."""
        return User.objects.get(pk=self.user.pk)

    @property
    def same_mechanic(self) -> Mechanic:
        return Mechanic.objects.get(pk=self.mechanic.pk)

    @property
    def same_customer(self) -> Customer:
        return Customer.objects.get(pk=self.customer.pk)


def save_user(crew: Crew, **values: Any) -> None:
    user = crew.same_user
    for name, value in values.items():
        setattr(user, name, value)
    user.save()


def bulk_update(row: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    type(row).objects.bulk_update([row], list(values))


def link(crew: Crew) -> None:
    other = MechanicFactory()
    Mechanic.objects.filter(pk=crew.mechanic.pk).update(user=None)
    other.save_changes(user=crew.user)


def boss() -> Client:
    return client_of(office())


def root() -> Any:
    return browser(UserFactory(email="root@example.com", is_staff=True, is_superuser=True))


WRITES: dict[str, Callable[[Crew], Any]] = {
    "a role is taken away": lambda c: c.same_user.groups.remove(c.role),
    "a role is given": lambda c: c.same_user.groups.add(Group.objects.get(name="manager")),
    "roles are cleared": lambda c: c.same_user.groups.clear(),
    "roles are set": lambda c: c.same_user.groups.set([]),
    "a user is taken out of a role": lambda c: c.role.user_set.remove(c.user),
    "a user is put into a role": lambda c: Group.objects.get(name="manager").user_set.add(c.user),
    "a role loses everybody": lambda c: c.role.user_set.clear(),
    "a role's users are set": lambda c: c.role.user_set.set([]),
    "a right is given": lambda c: c.same_user.user_permissions.add(Permission.objects.get(codename="view_reports")),
    "a right is given to users": lambda c: Permission.objects.get(codename="view_reports").user_set.add(c.user),
    "a role loses a right": lambda c: c.role.permissions.remove(c.right),
    "a role's rights are set": lambda c: c.role.permissions.set([]),
    "a right leaves its roles": lambda c: c.right.group_set.clear(),
    "a role is deleted": lambda c: c.role.delete(),
    "roles are deleted": lambda c: Group.objects.filter(pk=c.role.pk).delete(),
    "a right is deleted": lambda c: c.right.delete(),
    "rights are deleted": lambda c: Permission.objects.filter(pk=c.right.pk).delete(),
    "a superuser is made": lambda c: save_user(c, is_superuser=True),
    "superusers are made": lambda c: User.objects.filter(pk=c.user.pk).update(is_superuser=True),
    "superusers are made in bulk": lambda c: bulk_update(c.same_user, is_superuser=True),
    "a user is switched off": lambda c: save_user(c, is_active=False),
    "users are switched off": lambda c: User.objects.filter(pk=c.user.pk).update(is_active=False),
    "a user is deactivated": lambda c: accounts.deactivate(c.same_user, by=office()),
    "sessions end": lambda c: sessions.end_sessions(c.same_user, by=office()),
    "a password is set": lambda c: password_changes.store_password(c.same_user, "another"),
    "an e-mail is set": lambda c: accounts.set_email(c.same_user, "moved@example.com"),
    "a user is deleted": lambda c: c.same_user.delete(),
    "users are deleted": lambda c: User.objects.filter(pk=c.user.pk).delete(),
    "a mechanic is unlinked": lambda c: c.same_mechanic.save_changes(user=None),
    "a mechanic is linked": link,
    "a mechanic's row by hand": lambda c: Mechanic(pk=c.mechanic.pk, name="By hand", created_at=c.mechanic.created_at).save(),
    "mechanics are unlinked": lambda c: Mechanic.objects.filter(pk=c.mechanic.pk).update(user=None),
    "mechanics are unlinked in bulk": lambda c: bulk_update(c.same_mechanic, user=None),
    "a mechanic is renamed": lambda c: c.same_mechanic.save_changes(name="Another name"),
    "a mechanic is deleted": lambda c: mechanics.delete(c.same_mechanic, by=office()),
    "mechanics are deleted": lambda c: Mechanic.objects.filter(pk=c.mechanic.pk).delete(),
    "a customer is unlinked": lambda c: c.same_customer.save_changes(user=None),
    "customers are unlinked": lambda c: Customer.objects.filter(pk=c.customer.pk).update(user=None),
    "a customer is deleted": lambda c: customers.delete(c.same_customer, by=office()),
    "customers are deleted": lambda c: Customer.objects.filter(pk=c.customer.pk).delete(),
    "a customer is erased": lambda c: customers.erase(c.same_customer, by=office()),
    "mechanics are made in bulk": lambda c: [c.mechanic.delete(), Mechanic.objects.bulk_create([Mechanic(name="Bulk", user=c.user)])],
    # Through the doors.
    "the API deletes a mechanic": lambda c: boss().delete(f"/api/v1/mechanics/{c.mechanic.pk}/"),
    "the API renames a mechanic": lambda c: boss().patch(f"/api/v1/mechanics/{c.mechanic.pk}/", {"name": "Another name"}),
    "the API deletes a customer": lambda c: boss().delete(f"/api/v1/customers/{c.customer.pk}/"),
    "the API erases a customer": lambda c: boss().post(f"/api/v1/customers/{c.customer.pk}/erase/", {}),
    "the admin takes roles away": lambda c: save(root(), c.user, groups=[]),
    "the admin switches a user off": lambda c: save(root(), c.user, is_active=[]),
    "the admin makes a superuser": lambda c: save(root(), c.user, is_superuser="on"),
    "the admin takes rights from a role": lambda c: save(root(), c.role, permissions=[]),
    "the admin deletes a role": lambda c: root().post(page_of(c.role, "delete"), {"post": "yes"}),
    "the admin unlinks a mechanic": lambda c: save(root(), c.mechanic, user=""),
    "the admin deletes a mechanic": lambda c: root().post(page_of(c.mechanic, "delete"), {"post": "yes"}),
    "the admin deletes a customer": lambda c: root().post(page_of(c.customer, "delete"), {"post": "yes"}),
}  # fmt: skip


PATHS = ("auth/me/", "parts/", "reports/deferred-work/")


class Workers:
    """Two processes of the shop in one: each keeps its own users, both ask the one
    shared cache.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, token: str) -> None:
        self.monkeypatch, self.kept = monkeypatch, [TokenUserCache(), TokenUserCache()]
        self.client = Client(HTTP_AUTHORIZATION=token)

    def ask(self, known: TokenUserCache) -> list[Any]:
        self.monkeypatch.setattr(authentication, "token_users", known)
        answers = [self.client.get(f"/api/v1/{path}") for path in PATHS]
        # a refusal names its request
        return [
            (answer.status_code, answer.content if answer.status_code == 200 else b"")
            for answer in answers
        ]


@pytest.mark.django_db
@pytest.mark.parametrize("write", WRITES)
def test_the_next_request_sees_it_on_every_worker(
    write: str, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    crew = Crew()
    workers = Workers(monkeypatch, crew.token)
    before = [workers.ask(known) for known in workers.kept * 2]
    assert before[0] == before[1] == before[2]
    assert all(known.kept for known in workers.kept)
    monkeypatch.setattr(authentication, "token_users", TokenUserCache())

    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        done = WRITES[write](crew)
    assert getattr(done, "status_code", 204) < 400
    now = workers.ask(TokenUserCache())  # by a worker that knows nobody
    assert now != before[0]
    # Within the transaction its own change is seen, and after it nothing that another
    # worker read meanwhile.
    assert [workers.ask(known) for known in workers.kept] == [now, now]
    generation = known_generation("accounts")
    for callback in callbacks:
        callback()
    assert known_generation("accounts") != generation
    assert [workers.ask(known) for known in workers.kept] == [now, now]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda c: CustomerFactory(),
        lambda c: CustomerFactory().save_changes(phone="555-0100"),
        lambda c: MechanicFactory().save_changes(bio="Welds"),
        lambda c: User.objects.filter(pk=c.user.pk).update(last_login=None),
        lambda c: browser().login(username=c.user.email, password="Wrench-and-socket-9"),
    ],
)
def test_what_changes_nobodys_rights_ends_nothing(write: Callable[[Crew], Any]) -> None:
    crew = Crew()
    generation = known_generation("accounts")
    write(crew)
    assert known_generation("accounts") == generation
