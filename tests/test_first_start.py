"""What an owner meets at the first start of a shop."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.models import Customer
from mechanic_shop.server.management.commands import serve
from tickets.demo import loader

User = get_user_model()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "first",
    [
        lambda: User.objects.create_superuser("owner@example.com", "Socket-and-ratchet-9"),
        lambda: User.objects.create_user("clerk@example.com"),
        lambda: Customer.objects.create(name="Wanda Walk-in"),
    ],
    ids=["the owner's account", "any account", "a customer"],
)
def test_no_demo_is_poured_beside_what_is_there(first: Any) -> None:
    """`make setup`, `createsuperuser`, `make run`: the demo's passwords are public."""
    first()
    before = User.objects.count(), Customer.objects.count()
    told = StringIO()
    call_command("load_demo", "--if-empty", stdout=told)
    assert told.getvalue() == "This shop has data, so no demo was loaded into it.\n"
    with pytest.raises(CommandError, match="has data"):
        call_command("load_demo")
    assert not loader.load(timezone.now())
    assert (User.objects.count(), Customer.objects.count()) == before


MANIFESTS = "whitenoise.storage.CompressedManifestStaticFilesStorage"


def test_the_server_does_not_start_without_the_files_of_its_pages(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": MANIFESTS}}
    settings.STATIC_ROOT = tmp_path
    monkeypatch.setattr(serve.os, "execve", lambda *args: pytest.fail("it started"))
    with pytest.raises(CommandError, match=r"The static files were not collected.*make setup"):
        call_command("serve")
    (tmp_path / "staticfiles.json").write_text("{}")
    serve.refuse_without_static_files()
