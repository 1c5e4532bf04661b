"""The environment drives the settings; nonsense in it stops the start with a sentence.

Each start runs a copy of the settings in a folder of its own, so that nothing here can
read or make this shop's own secrets.
"""

import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core import checks

from inventory.tax_operations import add_tax_code
from inventory.taxes import TaxRate
from tickets.pricing import shop_rules

SETTINGS = Path(__file__).resolve().parent.parent / "mechanic_shop" / "settings.py"
LONG = "0123456789abcdef0123456789abcdef"
POSTGRESQL = {
    "DATABASE_URL": "postgres://shop:password@db.example.com/shop",
    "SECRET_KEY": LONG,
    "JWT_SIGNING_KEY": LONG[::-1],
}


class Shop:
    """A copy of the settings in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "copy_of_the_shop").mkdir()
        self.copy = shutil.copy(SETTINGS, folder / "copy_of_the_shop")

    def start(self, **variables: str) -> dict[str, Any]:
        """The settings, in an environment of just these variables."""
        with mock.patch.dict(os.environ, variables, clear=True):
            return runpy.run_path(self.copy)

    def refusal(self, **variables: str) -> str:
        """The sentence that stopped the start."""
        with pytest.raises(SystemExit) as stopped:
            self.start(**variables)
        return str(stopped.value)

    def start_process(self, show: str, **variables: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-c",
            f"from copy_of_the_shop import settings; print(settings.{show})",
        ]
        paths = os.pathsep.join([str(self.folder), str(SETTINGS.parent.parent)])
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**variables, "PYTHONPATH": paths},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_a_refused_start_prints_the_sentence_and_fails(shop):
    refused = shop.start_process("PORT", PORT="front door")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr
        == "PORT is 'front door', which does not work: use a whole number from 1 to 65535.\n"
    )


@pytest.mark.parametrize(
    ("name", "found", "accepted"),
    [
        ("DATABASE_URL", "mysql://shop@db/shop", "postgres://"),
        ("DATABASE_URL", "shop.sqlite3", "sqlite:///path"),
        ("DATABASE_URL", "sqlite://", "sqlite:///path"),
        ("DATABASE_URL", "sqlite:////", "name a file"),
        ("DATABASE_URL", "postgres://shop@db:port/shop", "postgres://"),
        ("DATABASE_URL", "postgres://shop@[db/shop", "postgres://"),
        ("DATABASE_URL", "postgres://shop@db", "postgres://"),
        ("DATABASE_URL", "postgres://shop@db/shop?prepare_threshold=often", "none"),
        ("REDIS_URL", "localhost", "redis://"),
        ("REDIS_URL", "http://localhost", "redis://"),
        ("REDIS_URL", "redis://localhost:port/0", "redis://"),
        ("REDIS_URL", "redis://localhost/cache", "redis://"),
        ("SECRET_KEY", "too short", "32 random bytes"),
        ("JWT_SIGNING_KEY", LONG[:31], "32 random bytes"),
        ("DEBUG", "maybe", "on or off"),
        ("ALLOWED_HOSTS", "shop.example.com,https://shop.example.com", "without scheme"),
        ("ALLOWED_HOSTS", "shop.example.com:8000", "without scheme and port"),
        ("CSRF_TRUSTED_ORIGINS", "shop.example.com", "https://shop.example.com"),
        ("CSRF_TRUSTED_ORIGINS", "https://shop.example.com/admin/", "without a path"),
        ("CORS_ALLOWED_ORIGINS", "https://*.example.com", "https://shop.example.com"),
        ("CORS_ALLOWED_ORIGINS", "*", "https://shop.example.com"),
        ("NUM_PROXIES", "-1", "from 0 to 10"),
        ("NUM_PROXIES", "one", "from 0 to 10"),
        *[
            (f"THROTTLE_{scope}", found, "N/minute")
            for scope in ("ANON", "CUSTOMER", "STAFF", "LOGIN", "SIGNUP", "RESET", "SHARED")
            for found in ("10", "0/minute", "10/day", "none")
        ],
        ("HOST", "http://127.0.0.1", "an IP address"),
        ("HOST", "shop.example.com", "an IP address"),
        ("PORT", "0", "from 1 to 65535"),
        ("PORT", "65536", "from 1 to 65535"),
        ("PORT", "٨٠٠٠", "from 1 to 65535"),
        ("PORT", "8" * 5000, "from 1 to 65535"),
        ("WEB_CONCURRENCY", "0", "from 1 to 256"),
        ("WEB_CONCURRENCY", "auto", "from 1 to 256"),
        ("THREADS", "0", "from 1 to 256"),
        ("THREADS", "2.5", "from 1 to 256"),
        ("CONNECTIONS_PER_ADDRESS", "0", "from 16 to 4096"),
        ("EMAIL_URL", "mail.example.com", "smtp://"),
        ("EMAIL_URL", "smtp://shop:password@mail.example.com:port", "smtp://"),
        ("EMAIL_URL", "smtps://shop:password@mail.example.com:465", "?ssl=True"),
        ("EMAIL_URL", "submission://", "submission://user"),
        ("DEFAULT_FROM_EMAIL", "the shop", "shop@example.com"),
        ("DEFAULT_FROM_EMAIL", "shop@example.com\nBcc: all@example.com", "shop@example.com"),
        ("SHOP_NAME", "Two\nlines", "one line"),
        ("SHOP_NAME", "x" * 101, "at most 100"),
        ("SHOP_CURRENCY", "usd", "ISO 4217"),
        ("SHOP_CURRENCY", "$", "ISO 4217"),
        ("SHOP_CURRENCY", "CLF", "three decimals"),
        ("SHOP_SUPPLIES", "12.505", "12.50"),
        ("SHOP_SUPPLIES", "101%", "such as 5%"),
        ("SHOP_SUPPLIES_CAP", "12.505", "12.50"),
        ("SHOP_APPROVAL_TOLERANCE", "ten", "12.50"),
        ("SHOP_REGION", "UK", "GB"),
        ("SHOP_REGION", "us", "ISO 3166"),
        ("TIME_ZONE", "Mars/Olympus", "America/Denver"),
        ("TIME_ZONE", "../UTC", "America/Denver"),
        ("SHOP_STRICT_VIN", "sometimes", "on or off"),
        ("REQUIRE_IF_MATCH", "*", "on or off"),
        ("METRICS_TOKEN", "0123456789abcdef", "32 or more"),
        ("METRICS_TOKEN", "0123456789abcdef 0123456789abcdef", "no space"),
        ("METRICS_TOKEN", "é" * 40, "ASCII"),
        ("LOG_FORMAT", "xml", "json or line"),
    ],
)
def test_nonsense_stops_the_start_with_one_sentence(shop, name, found, accepted):
    sentence = shop.refusal(**{name: found})
    assert sentence.startswith(f"{name} is ")
    assert accepted in sentence
    assert sentence.endswith(".")
    assert sentence.isprintable()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("DATABASE_URL", "mysql://shop:p4ssw0rd@db/shop"),
        ("DATABASE_URL", "postgres://shop:p4ssw0rd@db:port/shop"),
        ("REDIS_URL", "redis://:p4ssw0rd@localhost/cache"),
        ("EMAIL_URL", "smtps://shop:p4ssw0rd@mail.example.com"),
        ("SECRET_KEY", "p4ssw0rd"),
        ("METRICS_TOKEN", "p4ssw0rd"),
    ],
)
def test_a_refusal_does_not_print_the_secret(shop, name, found):
    assert "p4ssw0rd" not in shop.refusal(**{name: found})


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("DATABASE_URL", "sqlite:///other/shop.sqlite3", "sqlite:///other/shop.sqlite3"),
        ("REDIS_URL", "redis://:password@[::1]:6379/0", "redis://:password@[::1]:6379/0"),
        ("REDIS_URL", "unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        (
            "ALLOWED_HOSTS",
            " shop.example.com, .example.org,[::1] ",
            ["shop.example.com", ".example.org", "[::1]"],
        ),
        (
            "CSRF_TRUSTED_ORIGINS",
            "https://*.example.com,http://localhost:8000",
            ["https://*.example.com", "http://localhost:8000"],
        ),
        ("HOST", "localhost", "127.0.0.1"),
        ("HOST", "::", "::"),
        ("THREADS", "16", 16),
        ("CONNECTIONS_PER_ADDRESS", "1000", 1000),
        (
            "EMAIL_URL",
            "submission://shop:password@mail.example.com",
            "submission://shop:password@mail.example.com",
        ),
        ("DEFAULT_FROM_EMAIL", "Demo Garage <shop@example.com>", "Demo Garage <shop@example.com>"),
        ("SHOP_NAME", "Szczęsny & Söhne", "Szczęsny & Söhne"),
        ("SHOP_REGION", "PL", "PL"),
        ("TIME_ZONE", "America/Denver", "America/Denver"),
        ("SHOP_STRICT_VIN", "on", True),
        ("METRICS_TOKEN", LONG, LONG),
        ("LOG_FORMAT", "line", "line"),
        ("DEBUG", "true", True),
    ],
)
def test_what_makes_sense_is_taken(shop, name, given, value):
    assert shop.start(**{name: given})[name] == value


@pytest.mark.parametrize(
    ("currency", "places", "cap", "too_fine"),
    [
        ("JPY", 0, "35", "35.5"),
        ("USD", 2, "12.50", "12.505"),
        ("KWD", 3, "12.505", "12.5055"),
        ("TND", 3, "1.250", "1.2505"),
    ],
)
def test_an_amount_has_the_decimals_of_the_currency(shop, currency, places, cap, too_fine):
    started = shop.start(SHOP_CURRENCY=currency, SHOP_SUPPLIES_CAP=cap, SHOP_SUPPLIES=cap)
    assert started["SHOP_CURRENCY_PLACES"] == places
    assert [str(started["SHOP_SUPPLIES_CAP"]), str(started["SHOP_SUPPLIES"][1])] == [cap, cap]
    for name in ("SHOP_SUPPLIES", "SHOP_SUPPLIES_CAP"):
        assert shop.refusal(SHOP_CURRENCY=currency, **{name: too_fine}).startswith(f"{name} is ")


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("DATABASE_URL", "sqlite:///var/shop.sqlite3"),
        ("REDIS_URL", ""),
        ("DEBUG", False),
        ("ALLOWED_HOSTS", ["localhost", "127.0.0.1"]),
        ("CSRF_TRUSTED_ORIGINS", []),
        ("CORS_ALLOWED_ORIGINS", []),
        ("NUM_PROXIES", 0),
        ("HOST", "127.0.0.1"),
        ("PORT", 8000),
        ("WEB_CONCURRENCY", 1),
        ("EMAIL_URL", "console:"),
        ("SHOP_NAME", "Demo Garage"),
        ("SHOP_CURRENCY", "USD"),
        ("SHOP_REGION", "US"),
        ("TIME_ZONE", "UTC"),
        ("SHOP_STRICT_VIN", False),
        ("METRICS_TOKEN", ""),
        ("LOG_FORMAT", "json"),  # pytest reads stderr, no person does
    ],
)
def test_an_empty_variable_means_its_default(shop, name, default):
    """A file of variables has lines such as ``REDIS_URL=``."""
    assert shop.start(**{name: ""})[name] == default
    assert shop.start()[name] == default


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SIGNING_KEY"])
def test_a_secret_is_made_once_and_only_its_owner_may_read_it(shop, name):
    made = shop.start()[name]
    kept = shop.folder / "var" / name.lower()
    assert len(made) >= 32
    assert kept.read_text() == made
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert shop.start()[name] == made


def test_the_two_secrets_differ_and_no_draft_is_left(shop):
    settings = shop.start()
    assert settings["SECRET_KEY"] != settings["JWT_SIGNING_KEY"]
    assert sorted(path.name for path in (shop.folder / "var").iterdir()) == [
        "jwt_signing_key",
        "secret_key",
    ]


def test_processes_that_start_in_the_same_moment_share_the_secret(shop):
    with ThreadPoolExecutor(6) as pool:
        started = list(pool.map(lambda _: shop.start_process("SECRET_KEY"), range(6)))
    assert [process.returncode for process in started] == [0] * 6, started
    assert len({process.stdout for process in started}) == 1


def test_a_secret_that_was_cut_off_is_not_used(shop):
    (shop.folder / "var").mkdir()
    (shop.folder / "var" / "secret_key").write_text("")
    assert "secret_key holds 0 bytes" in shop.refusal()


def test_a_secret_that_is_given_is_not_written(shop):
    assert (
        shop.start(SECRET_KEY=LONG, JWT_SIGNING_KEY=LONG, DATABASE_URL="sqlite:///shop.sqlite3")[
            "SECRET_KEY"
        ]
        == LONG
    )
    assert not (shop.folder / "var").exists()


def test_a_secret_that_cannot_be_kept_is_told(shop):
    (shop.folder / "var").write_text("a file where the folder should be")
    sentence = shop.refusal(DATABASE_URL="sqlite:///shop.sqlite3")
    assert sentence.startswith("SECRET_KEY is 'not set'")
    assert "cannot be made" in sentence


@pytest.mark.parametrize("missing", ["SECRET_KEY", "JWT_SIGNING_KEY"])
def test_postgresql_without_a_given_secret_does_not_start(shop, missing):
    assert shop.refusal(**{**POSTGRESQL, missing: ""}).startswith(f"{missing} is 'not set'")
    assert not (shop.folder / "var").exists()


def test_postgresql_with_secrets_starts(shop):
    assert (
        shop.start(**POSTGRESQL)["DATABASES"]["default"]["ENGINE"]
        == "django.db.backends.postgresql"
    )


@pytest.mark.parametrize("database", [{}, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_several_processes_without_redis_do_not_start(shop, database):
    sentence = shop.refusal(WEB_CONCURRENCY="2", **database)
    assert sentence.startswith("WEB_CONCURRENCY is 2")
    assert "REDIS_URL" in sentence


def test_several_processes_with_redis_start(shop):
    assert shop.start(WEB_CONCURRENCY="2", REDIS_URL="redis://localhost/0")["WEB_CONCURRENCY"] == 2


def test_https_makes_cookies_secure_and_only_a_proxy_is_believed_about_it(shop):
    https = {"CSRF_TRUSTED_ORIGINS": "https://shop.example.com"}
    assert shop.start()["SESSION_COOKIE_SECURE"] is False
    assert shop.start(**https)["SESSION_COOKIE_SECURE"] is True
    assert shop.start(**https)["SECURE_PROXY_SSL_HEADER"] is None
    assert shop.start(NUM_PROXIES="1", **https)["SECURE_PROXY_SSL_HEADER"] == (
        "HTTP_X_FORWARDED_PROTO",
        "https",
    )


@pytest.mark.parametrize("page", [".env.example", "docs/deployment.md", "Makefile"])
def test_every_variable_is_where_people_look_for_it(page):
    """And tests started by make ignore it, so that they never meet a real shop."""
    root = SETTINGS.parent.parent
    pattern = {
        ".env.example": r"^([A-Z_]+)=",
        "docs/deployment.md": r"^\| `([A-Z_]+)` \|",
        "Makefile": r"\b([A-Z_]{4,})\b",
    }[page]
    read = set(
        re.findall(
            r"\benv(?:_urls)?\.[a-z_]+\(\s*\"([A-Z_]+)\"",
            SETTINGS.read_text(),
        )
    )
    told = set(re.findall(pattern, (root / page).read_text(), re.MULTILINE))
    assert len(read) > 20
    assert read - told == set()
    assert page == "Makefile" or told - read == set()


@pytest.mark.django_db
def test_a_tax_of_supplies_that_no_code_has_is_told(settings: Any) -> None:
    settings.SHOP_SUPPLIES_TAX = "VTA"
    # an empty shop has no codes yet
    assert checks.run_checks(databases=["default"], tags=["database"]) == []
    add_tax_code(
        name="VAT", rate=Decimal(10), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    (told,) = [
        found
        for found in checks.run_checks(databases=["default"], tags=["database"])
        if found.id == "shop.W001"
    ]
    assert "VAT" in told.hint
    settings.SHOP_SUPPLIES_TAX = "vat"
    assert checks.run_checks(databases=["default"], tags=["database"]) == []


@pytest.mark.django_db
def test_a_tax_of_supplies_is_found_by_any_spelling_of_its_name(settings: Any) -> None:
    """As names of tax codes are unique: "STRASSE" is "Straße"."""
    add_tax_code(
        name="Straße", rate=Decimal(10), valid_from=date(2020, 1, 1), is_default=True, by=None
    )
    settings.SHOP_SUPPLIES, settings.SHOP_SUPPLIES_TAX = (Decimal(5), Decimal(0)), "STRASSE"
    assert checks.run_checks(databases=["default"], tags=["database"]) == []
    found = shop_rules.supplies(TaxRate.objects.on(date(2026, 1, 1)))
    assert found is not None
    assert found.tax == shop_rules.tax(TaxRate.objects.on(date(2026, 1, 1)), None)
