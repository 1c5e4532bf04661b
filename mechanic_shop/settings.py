"""Settings, all from the environment (docs/deployment.md lists them).

A value that makes no sense stops the start with one sentence that names the variable,
what was found and what is accepted.
"""

import os
import re
import secrets
import sys
from datetime import timedelta
from decimal import Decimal
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import available_timezones

import dj_database_url
import dj_email_url
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy
from environs import Env, EnvError
from phonenumbers import SUPPORTED_REGIONS

from mechanic_shop import __version__
from mechanic_shop.admin import branding

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
env = Env()


def refuse(name: str, found: object, accepted: str) -> NoReturn:
    """Stop the start: ``name`` holds ``found``, which is not among what is
    ``accepted``.
    """
    sys.exit(f"{name} is {found!r}, which does not work: {accepted}.")


def flag(name: str, default: bool = False) -> bool:
    found = env.str(name, "")
    try:
        return env.bool(name) if found else default
    except EnvError:
        refuse(name, found, "use on or off")


def number(name: str, default: int, lowest: int, highest: int) -> int:
    found = env.str(name, "") or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", found) or not lowest <= int(found) <= highest:
        refuse(name, found, f"use a whole number from {lowest} to {highest}")
    return int(found)


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in (env.str(name, "") or default).split(",") if word.strip()]


def matching(name: str, pattern: str, accepted: str, default: str = "") -> list[str]:
    """Comma-separated words, each of which matches ``pattern``."""
    found = words(name, default)
    for word in found:
        if not re.fullmatch(pattern, word):
            refuse(name, word, f"use comma-separated {accepted}")
    return found


def line_of(name: str, longest: int) -> str:
    """One line of text, or none."""
    found = env.str(name, "").strip()
    if not found.isprintable() or len(found) > longest:
        refuse(name, found[:100], f"use one line of at most {longest} characters")
    return found


def amount(name: str, places: int, default: Decimal | None = None) -> Any:
    found = env.str(name, "")
    if not found:
        return default
    if not re.fullmatch(with_places(places), found):
        refuse(name, found, f"use a number such as {example(places)}")
    return Decimal(found)


def with_places(places: int) -> str:
    """The pattern of a number with no more decimals."""
    return rf"[0-9]{{1,6}}(\.[0-9]{{1,{places}}})?" if places else "[0-9]{1,6}"


def example(places: int) -> str:
    return f"35 or {Decimal('12.5'):.{places}f}" if places else "35"


def series(name: str, default: str) -> str:
    """What the numbers of a paper begin with; {year} is the year of issue, with which a
    new series begins.
    """
    found = env.str(name, "") or default
    if not re.fullmatch(r"[A-Za-z0-9/_-]{1,20}", found.replace("{year}", "", 1)):
        refuse(
            name,
            found,
            (
                "use letters, digits and - / _, at most 20, with {year} where each year "
                "begins at 1, such as INV-{year}"
            ),
        )
    return found


# ISO 4217: currencies whose minor unit is not a hundredth.
WITHOUT_CENTS = {
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
}
WITH_THOUSANDTHS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
WITH_MORE = {"CLF", "UYW"}  # units of account, of four decimals: nobody pays in them


def rate(name: str, default: str) -> str:
    found = env.str(name, "") or default
    if found != "off" and not re.fullmatch(r"[1-9][0-9]{0,8}/(second|minute|hour)", found):
        refuse(name, found, "use N/second, N/minute or N/hour with N from 1 to 999999999, or off")
    return found


def kept_secret(name: str) -> str:
    """The secret from the environment, or the one that the first start made and keeps
    in var/.
    """
    found = env.str(name, "")
    if found:
        if len(found.encode()) < 32:
            refuse(name, f"{len(found.encode())} bytes long", "use 32 random bytes or more")
        return found
    if ON_POSTGRESQL:
        refuse(
            name,
            "not set",
            "with DATABASE_URL on PostgreSQL it must be given, 32 random bytes or more",
        )
    path = VAR_DIR / name.lower()
    try:
        if not path.exists():
            make_secret(path)
        kept = path.read_text().strip()
    except OSError as error:
        refuse(
            name,
            "not set",
            (
                f"{path} cannot be made or read ({error.strerror}); give the variable 32 "
                f"random bytes or more"
            ),
        )
    if len(kept) < 32:
        refuse(
            name,
            "not set",
            (
                f"{path} holds {len(kept)} bytes; remove that file or give the variable 32 "
                f"random bytes or more"
            ),
        )
    return kept


def make_secret(path: Path) -> None:
    """Put a new secret at ``path``, whole or not at all.

    Of two processes that start in the same moment one makes it and both read it: a
    link, unlike a file that is opened and then written, is never seen empty and never
    replaces another.
    """
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as new:
        new.write(secrets.token_urlsafe(48))
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


# --- the database ---------------------------------------------------------------------
DATABASE_URLS = "use sqlite:///path or postgres://user:password@host:port/name"
DATABASE_URL = env.str("DATABASE_URL", "") or "sqlite:///var/shop.sqlite3"
if not re.match(r"sqlite://(/.|:memory:$)|postgres(ql)?://.", DATABASE_URL):
    # the rest may hold a password
    refuse("DATABASE_URL", DATABASE_URL.split(":")[0] + ":…", DATABASE_URLS)
ON_POSTGRESQL = DATABASE_URL.startswith("postgres")
try:
    database: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL, conn_max_age=None))
except ValueError:
    refuse("DATABASE_URL", "not a URL", DATABASE_URLS)
if not database["NAME"]:
    refuse("DATABASE_URL", "a URL without the database's name", DATABASE_URLS)
if ON_POSTGRESQL:
    database["CONN_HEALTH_CHECKS"] = True
    options = database.setdefault("OPTIONS", {})
    options.setdefault("connect_timeout", 5)
    # What a connection runs for the third time is prepared: planning one ticket's
    # statement takes longer than running it. Not at the first: migrations send several
    # commands in one, which cannot be prepared.
    prepare = str(options.get("prepare_threshold", 2)).lower()
    if not re.fullmatch("none|[0-9]{1,3}", prepare):
        refuse(
            "DATABASE_URL",
            f"…?prepare_threshold={prepare}",
            "use a number of runs, or none behind a pooler that cannot prepare",
        )
    options |= {
        "server_side_binding": True,
        "prepare_threshold": None if prepare == "none" else int(prepare),
    }
else:
    if database["NAME"] != ":memory:":
        sqlite_file = BASE_DIR / database["NAME"]
        try:
            sqlite_file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            refuse(
                "DATABASE_URL",
                DATABASE_URL,
                (
                    f"{sqlite_file.parent} cannot be made ({error.strerror}); name a file in "
                    f"a folder that can be written"
                ),
            )
        if sqlite_file.is_dir():
            refuse("DATABASE_URL", DATABASE_URL, "that is a folder; name a file")
        database["NAME"] = str(sqlite_file)
    database["OPTIONS"] = {
        # Deferred transactions fail with "database is locked" whatever the timeout:
        # writers queue from BEGIN on.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA "
            "mmap_size=268435456;PRAGMA cache_size=-65536"
        ),
    }
DATABASES = {"default": database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the cache ------------------------------------------------------------------------
REDIS_URL = env.str("REDIS_URL", "")
if REDIS_URL and not re.fullmatch(
    r"rediss?://([^/]*@)?([^:/@\[\]]+|\[[0-9a-fA-F:.]+\])?(:[0-9]{1,5})?(/[0-9]*)?(\?.*)?|unix://.+",
    REDIS_URL,
):
    refuse(
        "REDIS_URL",
        REDIS_URL.split(":")[0] + ":…",
        "use redis://host:port/number, or leave it out for the in-process cache",
    )
if REDIS_URL:
    CACHES: dict[str, dict[str, Any]] = {
        "default": {
            "BACKEND": "mechanic_shop.db.redis.ShopRedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "shop",
            "OPTIONS": {
                "CLIENT_CLASS": "django_redis.client.DefaultClient",
                "SERIALIZER": "mechanic_shop.db.redis.SafeSerializer",
                "SOCKET_CONNECT_TIMEOUT": 0.25,
                "SOCKET_TIMEOUT": 0.25,
            },
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 50_000},
        }
    }

# --- the server -----------------------------------------------------------------------
DEBUG = flag("DEBUG")
SECRET_KEY = kept_secret("SECRET_KEY")
JWT_SIGNING_KEY = kept_secret("JWT_SIGNING_KEY")
HOST_NAME = r"([A-Za-z0-9.\-]+|\[[0-9a-fA-F:.]+\])"
ALLOWED_HOSTS = matching(
    "ALLOWED_HOSTS",
    rf"\*|\.?{HOST_NAME}",
    "host names without scheme and port, such as shop.example.com",
    "localhost,127.0.0.1",
)
ORIGINS = "origins without a path, such as https://shop.example.com"
CSRF_TRUSTED_ORIGINS = matching(
    "CSRF_TRUSTED_ORIGINS", rf"https?://(\*\.)?{HOST_NAME}(:[0-9]{{1,5}})?", ORIGINS
)
CORS_ALLOWED_ORIGINS = matching(
    "CORS_ALLOWED_ORIGINS", rf"https?://{HOST_NAME}(:[0-9]{{1,5}})?", ORIGINS
)
CORS_EXPOSE_HEADERS = [
    *("ETag", "Idempotent-Replayed", "Location", "Retry-After", "X-Request-ID"),
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
]
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-request-id",
]
NUM_PROXIES = number("NUM_PROXIES", 0, 0, 10)
HOST = env.str("HOST", "") or "127.0.0.1"
try:
    HOST = "127.0.0.1" if HOST == "localhost" else str(ip_address(HOST))
except ValueError:
    refuse(
        "HOST", HOST, "use an IP address to listen on, such as 127.0.0.1 or 0.0.0.0, or localhost"
    )
PORT = number("PORT", 8000, 1, 65535)
WEB_CONCURRENCY = number("WEB_CONCURRENCY", 1 if not (ON_POSTGRESQL and REDIS_URL) else 2, 1, 256)
THREADS = number("THREADS", 4, 1, 256)
CONNECTIONS_PER_ADDRESS = number("CONNECTIONS_PER_ADDRESS", 256, 16, 4096)
if WEB_CONCURRENCY > 1 and not REDIS_URL:
    refuse(
        "WEB_CONCURRENCY",
        WEB_CONCURRENCY,
        (
            "more than one process needs REDIS_URL, or limits and cached pages would not be "
            "shared; use 1 or set it"
        ),
    )
# Behind a proxy that ends TLS, HTTPS is what the browser sees; without one the shop
# runs on plain http://127.0.0.1.
BEHIND_TLS = any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)

INSTALLED_APPS = [
    # before django.contrib.auth: it hands each new permission to its roles
    "mechanic_shop.accounts",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "mechanic_shop.admin.apps.ShopAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "csp",
    "django_filters",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "mechanic_shop.db",  # before auditlog: it has a command that empties the trail
    "mechanic_shop.http",
    "mechanic_shop.server",
    "mechanic_shop.backups",
    "auditlog",
    "customers",
    "mechanics",
    "inventory",
    "tickets",
]
MIDDLEWARE = [
    "mechanic_shop.http.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Before what may answer by itself: a refused body is an answer, and an SVG opened
    # by itself a page.
    "mechanic_shop.http.middleware.ContentPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "mechanic_shop.http.middleware.ProblemMiddleware",
    "mechanic_shop.http.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "mechanic_shop.http.middleware.CsrfViewMiddleware",
    "mechanic_shop.http.middleware.AuthenticationMiddleware",
    "mechanic_shop.http.middleware.MessageMiddleware",
]
ROOT_URLCONF = "mechanic_shop.urls"
WSGI_APPLICATION = "mechanic_shop.wsgi.application"
APPEND_SLASH = False  # a redirected POST loses its body: the 404 names the right path instead
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "mechanic_shop" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "mechanic_shop.http.pages.shop",
            ],
            "builtins": ["mechanic_shop.http.templatetags.form_keys"],
        },
    }
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # bytes of a request body; 413 above
BODY_WITHIN = 10  # seconds that a client has to send it; 408 after
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# --- who you are ----------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["mechanic_shop.accounts.hashing.BoundedPBKDF2PasswordHasher"]
LOGIN_URL = reverse_lazy("rest_framework:login")
LOGIN_REDIRECT_URL = reverse_lazy("api-root")
PASSWORD_RESET_TIMEOUT = 60 * 60  # seconds
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "HS256",
    "SIGNING_KEY": JWT_SIGNING_KEY,
    "AUTH_TOKEN_CLASSES": ("mechanic_shop.accounts.tokens.ShopAccessToken",),
    "LEEWAY": 10,  # seconds that the clocks of two hosts may differ; not for the end of a token
}

# --- the audit trail ------------------------------------------------------------------
AUDITLOG_LOGENTRY_MODEL = "api.AuditEntry"
AUDITLOG_CID_GETTER = "mechanic_shop.db.audit.request_id"
MIGRATION_MODULES = {"auditlog": None}  # ours stands in for its one table

# --- the shop -------------------------------------------------------------------------
SHOP_NAME = env.str("SHOP_NAME", "") or "Demo Garage"
if not SHOP_NAME.isprintable() or len(SHOP_NAME) > 100:
    refuse("SHOP_NAME", SHOP_NAME[:100], "use one line of at most 100 characters")
SHOP_CURRENCY = env.str("SHOP_CURRENCY", "") or "USD"
if not re.fullmatch(r"[A-Z]{3}", SHOP_CURRENCY):
    refuse(
        "SHOP_CURRENCY", SHOP_CURRENCY, "use an ISO 4217 code of three capital letters, such as USD"
    )
SHOP_REGION = env.str("SHOP_REGION", "") or "US"
if SHOP_REGION not in SUPPORTED_REGIONS:
    refuse(
        "SHOP_REGION", SHOP_REGION, "use an ISO 3166 code of two capital letters, such as US or GB"
    )
SHOP_STRICT_VIN = flag("SHOP_STRICT_VIN")
# What stands on the shop's papers beside its name.
SHOP_ADDRESS = line_of("SHOP_ADDRESS", 300)
SHOP_PHONE = line_of("SHOP_PHONE", 40)
SHOP_EMAIL = line_of("SHOP_EMAIL", 254)
SHOP_TAX_ID = line_of("SHOP_TAX_ID", 60)
# --- the shop's terms ---
SHOP_CURRENCY_PLACES = (
    0 if SHOP_CURRENCY in WITHOUT_CENTS else 3 if SHOP_CURRENCY in WITH_THOUSANDTHS else 2
)
if SHOP_CURRENCY in WITH_MORE:
    refuse(
        "SHOP_CURRENCY",
        SHOP_CURRENCY,
        "the shop keeps amounts with three decimals, and this currency has more",
    )
SHOP_PRICES_INCLUDE_TAX = flag("SHOP_PRICES_INCLUDE_TAX")
SHOP_TAX_ROUNDING = env.str("SHOP_TAX_ROUNDING", "") or "group"
if SHOP_TAX_ROUNDING not in ("group", "line"):
    refuse(
        "SHOP_TAX_ROUNDING",
        SHOP_TAX_ROUNDING,
        "use group (each rate once, the default) or line (each line)",
    )
found_supplies = env.str("SHOP_SUPPLIES", "") or "0"
if not re.fullmatch(
    rf"[0-9]{{1,3}}(\.[0-9]{{1,2}})?%|{with_places(SHOP_CURRENCY_PLACES)}", found_supplies
) or (found_supplies.endswith("%") and Decimal(found_supplies[:-1]) > 100):
    such_as = (
        f"use a percentage of labor and parts such as 5%, or an amount for each ticket such "
        f"as {example(SHOP_CURRENCY_PLACES)}"
    )
    refuse("SHOP_SUPPLIES", found_supplies, such_as)
SHOP_SUPPLIES = (
    (Decimal(found_supplies[:-1]), Decimal(0))
    if found_supplies.endswith("%")
    else (Decimal(0), Decimal(found_supplies))
)
SHOP_SUPPLIES_CAP = amount("SHOP_SUPPLIES_CAP", SHOP_CURRENCY_PLACES)
SHOP_SUPPLIES_TAX = line_of("SHOP_SUPPLIES_TAX", 40)  # a tax code's name; none: not taxed
# percent by which an approved job may grow
SHOP_APPROVAL_TOLERANCE = amount("SHOP_APPROVAL_TOLERANCE", 2, Decimal(0))
SHOP_PAYMENT_DAYS = number("SHOP_PAYMENT_DAYS", 14, 0, 365)
SHOP_INVOICE_SERIES = series("SHOP_INVOICE_SERIES", "INV-{year}")
SHOP_CREDIT_NOTE_SERIES = series("SHOP_CREDIT_NOTE_SERIES", "CN-{year}")
if SHOP_INVOICE_SERIES == SHOP_CREDIT_NOTE_SERIES:
    refuse(
        "SHOP_CREDIT_NOTE_SERIES", SHOP_CREDIT_NOTE_SERIES, "invoices have this series; use another"
    )
TIME_ZONE = env.str("TIME_ZONE", "") or "UTC"
if TIME_ZONE not in available_timezones():
    refuse(
        "TIME_ZONE", TIME_ZONE, "use a name of the IANA time zone database, such as America/Denver"
    )
USE_TZ = True
USE_I18N = False
LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = (
    "mechanic_shop.formats"  # how days are typed into forms: as SHOP_REGION writes them
)

UNFOLD = branding.unfold(SHOP_NAME)

# --- the API --------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "mechanic_shop.accounts.authentication.TokenAuthentication",
        "mechanic_shop.accounts.authentication.BrowserAuthentication",
    ],
    "UNAUTHENTICATED_USER": "mechanic_shop.accounts.models.AnonymousVisitor",
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": [
        "mechanic_shop.http.renderers.JSONRenderer",
        "mechanic_shop.http.browsable.BrowsableRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "mechanic_shop.http.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "mechanic_shop.http.negotiation.ContentNegotiation",
    "DEFAULT_FILTER_BACKENDS": [
        "mechanic_shop.http.filters.StrictFilterBackend",
        "mechanic_shop.http.filters.SearchFilter",
        "mechanic_shop.http.filters.OrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "mechanic_shop.http.pagination.ShopPagination",
    "DEFAULT_THROTTLE_CLASSES": ["mechanic_shop.http.throttling.ShopThrottle"],
    "DEFAULT_SCHEMA_CLASS": "mechanic_shop.http.schema.ShopSchema",
    "EXCEPTION_HANDLER": "mechanic_shop.http.errors.problem_handler",
    "DEFAULT_METADATA_CLASS": "mechanic_shop.http.metadata.ShopMetadata",
    "NUM_PROXIES": NUM_PROXIES,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Mechanic shop API",
    "DESCRIPTION": (
        "Customers, vehicles, mechanics, service tickets and parts of an independent "
        "car-repair garage. Amounts of money are strings with "
        "exactly the decimals of the shop's currency, none, two or three; what has more "
        "of them in a body is 400."
    ),
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "persistAuthorization": False,
        "queryConfigEnabled": False,
        "validatorUrl": None,
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "mechanic_shop.http.schema.complete",
    ],
    "ENUM_NAME_OVERRIDES": {
        "StatusEnum": "tickets.models.Status",
        "HoldReasonEnum": "tickets.models.HoldReason",
        "MovementReasonEnum": "inventory.models.Reason",
        "UnitEnum": "inventory.models.Unit",
        "RoleEnum": "tickets.models.TicketMechanic.Role",
        "JobStatusEnum": "tickets.models.JobStatus",
        "LineKindEnum": "tickets.models.LineKind",
        "ChannelEnum": "tickets.models.Channel",
        "PaymentKindEnum": "tickets.models.PaymentKind",
        "PaymentMethodEnum": "tickets.models.Method",
        "InvoiceStateEnum": "tickets.models.InvoiceState",
    },
}
# 428 for a PUT or PATCH that does not say which state it changes
REQUIRE_IF_MATCH = flag("REQUIRE_IF_MATCH")
THROTTLE_RATES = {
    "anon": rate("THROTTLE_ANON", "120/minute"),
    "customer": rate("THROTTLE_CUSTOMER", "300/minute"),
    "staff": rate("THROTTLE_STAFF", "1200/minute"),
    "login": rate("THROTTLE_LOGIN", "10/hour"),
    "signup": rate("THROTTLE_SIGNUP", "20/hour"),
    "reset": rate("THROTTLE_RESET", "10/hour"),
    "shared": rate("THROTTLE_SHARED", "120/hour"),
}

# --- mail -----------------------------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", "") or "console:"
EMAIL_URLS = (
    "use smtp://user:password@host:25, submission://user:password@host:587 (STARTTLS), "
    "smtp://…:465/?ssl=True or console:"
)
if not re.match(r"(console|memory|dummy):|smtp://[^/?]|submission://[^/?]", EMAIL_URL):
    refuse("EMAIL_URL", EMAIL_URL.split(":")[0] + ":…", EMAIL_URLS)  # the rest may hold a password
try:
    email = dj_email_url.parse(EMAIL_URL)
except ValueError:
    refuse("EMAIL_URL", "not a URL", EMAIL_URLS)
EMAIL_BACKEND = email["EMAIL_BACKEND"]
EMAIL_HOST = email["EMAIL_HOST"]
EMAIL_PORT = email["EMAIL_PORT"]
EMAIL_HOST_USER = email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = email["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "") or "shop@localhost"
if not DEFAULT_FROM_EMAIL.isprintable() or not re.fullmatch(
    r"[^@\s]+@[^@\s]+", parseaddr(DEFAULT_FROM_EMAIL)[1]
):
    refuse(
        "DEFAULT_FROM_EMAIL",
        DEFAULT_FROM_EMAIL,
        "use an address such as shop@example.com or Demo Garage <shop@example.com>",
    )
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- static files ---------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_ALLOW_ALL_ORIGINS = False  # pages of other origins need none of them
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

MESSAGE_STORAGE = "mechanic_shop.http.form_keys.RecordedMessages"

# --- what a browser is told -----------------------------------------------------------
CSRF_FAILURE_VIEW = "mechanic_shop.http.errors.csrf_failure"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = (
    True  # scripts of our pages find the CSRF token in the page
)
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_AGE = 12 * 60 * 60  # seconds: a working day
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if BEHIND_TLS else 0
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS and NUM_PROXIES else None
)
X_FRAME_OPTIONS = "DENY"
# `check --deploy`: the proxy that ends TLS redirects to it, and the garage's other
# subdomains are not ours to decide about.
SILENCED_SYSTEM_CHECKS = [
    # the CSRF middleware is there, as one that leads programs past it:
    # mechanic_shop.http.middleware
    "security.W003",
    "security.W005",
    "security.W008",
    "security.W021",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
    }
}
# What a page needs beyond this policy, by the start of its path; the strict one holds
# everywhere else.
CSP_BEYOND = {
    # its theme: Alpine.js evaluates the attributes of elements, and widgets are placed
    # by style attributes
    "/admin/": {
        "script-src": [UNSAFE_EVAL],
        "style-src": [UNSAFE_INLINE],
    },
    # Redoc writes its style sheet into the page, and searches in a worker that it makes
    # by itself
    "/api/v1/redoc/": {
        "style-src": [UNSAFE_INLINE],
        "worker-src": ["blob:"],
    },
}

# --- what the shop tells of itself ----------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
if METRICS_TOKEN and not re.fullmatch(r"[\x21-\x7e]{32,}", METRICS_TOKEN):
    refuse(
        "METRICS_TOKEN",
        f"{len(METRICS_TOKEN)} characters long",
        "use 32 or more visible ASCII characters, and no space",
    )
# Programs read logs, people read terminals.
LOG_FORMAT = env.str("LOG_FORMAT", "") or ("line" if sys.stderr.isatty() else "json")
if LOG_FORMAT not in ("json", "line"):
    refuse("LOG_FORMAT", LOG_FORMAT, "use json or line")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request": {"()": "mechanic_shop.observability.logs.RequestFilter"},
        "fixed": {"()": "mechanic_shop.observability.logs.FixedWords"},
    },
    "formatters": {
        "line": {"()": "mechanic_shop.observability.logs.LineFormatter"},
        "json": {"()": "mechanic_shop.observability.logs.JSONFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "filters": ["request", "fixed"],
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {
            "handlers": [],
            "propagate": False,
        },  # runserver's own lines have the query string
    },
}
