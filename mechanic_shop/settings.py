"""Settings, all from the environment (docs/deployment.md lists them); ``env`` reads and
checks the values.
"""

import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.urls import reverse_lazy
from phonenumbers import SUPPORTED_REGIONS

from mechanic_shop import __version__, env, env_urls
from mechanic_shop.admin import branding

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"


# --- the database ---------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL", "sqlite:///var/shop.sqlite3")
DATABASE = env_urls.database("DATABASE_URL", DATABASE_URL, BASE_DIR)
ON_POSTGRESQL = env_urls.is_postgresql(DATABASE)
DATABASES = {"default": DATABASE}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- the cache ------------------------------------------------------------------------
REDIS_URL = env_urls.redis_url("REDIS_URL")
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
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.secret("SECRET_KEY", VAR_DIR, required=ON_POSTGRESQL)
JWT_SIGNING_KEY = env.secret("JWT_SIGNING_KEY", VAR_DIR, required=ON_POSTGRESQL)
HOST_NAME = r"([A-Za-z0-9.\-]+|\[[0-9a-fA-F:.]+\])"
ALLOWED_HOSTS = env.matching(
    "ALLOWED_HOSTS",
    rf"\*|\.?{HOST_NAME}",
    "host names without scheme and port, such as shop.example.com",
    "localhost,127.0.0.1",
)
ORIGINS = "origins without a path, such as https://shop.example.com"
CSRF_TRUSTED_ORIGINS = env.matching(
    "CSRF_TRUSTED_ORIGINS", rf"https?://(\*\.)?{HOST_NAME}(:[0-9]{{1,5}})?", ORIGINS
)
CORS_ALLOWED_ORIGINS = env.matching(
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
NUM_PROXIES = env.number("NUM_PROXIES", 0, 0, 10)
HOST = env.listening_address("HOST", "127.0.0.1")
PORT = env.number("PORT", 8000, 1, 65535)
WEB_CONCURRENCY = env.number(
    "WEB_CONCURRENCY", 1 if not (ON_POSTGRESQL and REDIS_URL) else 2, 1, 256
)
THREADS = env.number("THREADS", 4, 1, 256)
CONNECTIONS_PER_ADDRESS = env.number("CONNECTIONS_PER_ADDRESS", 256, 16, 4096)
if WEB_CONCURRENCY > 1 and not REDIS_URL:
    env.refuse(
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
SHOP_NAME = env.line_of("SHOP_NAME", 100) or "Demo Garage"
SHOP_CURRENCY = env.text_like(
    "SHOP_CURRENCY",
    "[A-Z]{3}",
    "use an ISO 4217 code of three capital letters, such as USD",
    "USD",
)
SHOP_REGION = env.one_of(
    "SHOP_REGION",
    SUPPORTED_REGIONS,
    "use an ISO 3166 code of two capital letters, such as US or GB",
    "US",
)
SHOP_STRICT_VIN = env.flag("SHOP_STRICT_VIN")
# What stands on the shop's documents beside its name.
SHOP_ADDRESS = env.line_of("SHOP_ADDRESS", 300)
SHOP_PHONE = env.line_of("SHOP_PHONE", 40)
SHOP_EMAIL = env.line_of("SHOP_EMAIL", 254)
SHOP_TAX_ID = env.line_of("SHOP_TAX_ID", 60)
# --- the shop's terms ---
SHOP_CURRENCY_PLACES = env.currency_places("SHOP_CURRENCY", SHOP_CURRENCY)
SHOP_PRICES_INCLUDE_TAX = env.flag("SHOP_PRICES_INCLUDE_TAX")
SHOP_TAX_ROUNDING = env.one_of(
    "SHOP_TAX_ROUNDING",
    ("group", "line"),
    "use group (each rate once, the default) or line (each line)",
    "group",
)
SHOP_SUPPLIES = env.supplies("SHOP_SUPPLIES", SHOP_CURRENCY_PLACES)
SHOP_SUPPLIES_CAP = env.amount("SHOP_SUPPLIES_CAP", SHOP_CURRENCY_PLACES)
SHOP_SUPPLIES_TAX = env.line_of("SHOP_SUPPLIES_TAX", 40)  # a tax code's name; none: not taxed
# percent by which an approved job may grow
SHOP_APPROVAL_TOLERANCE = env.amount("SHOP_APPROVAL_TOLERANCE", 2, Decimal(0))
SHOP_PAYMENT_DAYS = env.number("SHOP_PAYMENT_DAYS", 14, 0, 365)
SHOP_INVOICE_SERIES = env.series("SHOP_INVOICE_SERIES", "INV-{year}")
SHOP_CREDIT_NOTE_SERIES = env.series("SHOP_CREDIT_NOTE_SERIES", "CN-{year}")
if SHOP_INVOICE_SERIES == SHOP_CREDIT_NOTE_SERIES:
    env.refuse(
        "SHOP_CREDIT_NOTE_SERIES", SHOP_CREDIT_NOTE_SERIES, "invoices have this series; use another"
    )
TIME_ZONE = env.one_of(
    "TIME_ZONE",
    available_timezones(),
    "use a name of the IANA time zone database, such as America/Denver",
    "UTC",
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
        "MovementReasonEnum": "inventory.quantities.Reason",
        "UnitEnum": "inventory.quantities.Unit",
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
REQUIRE_IF_MATCH = env.flag("REQUIRE_IF_MATCH")
# off: plain Django and Django REST (mechanic_shop/fastpath/README.md)
FAST_PATH = env.flag("FAST_PATH", default=True)
THROTTLE_RATES = {
    "anon": env.rate("THROTTLE_ANON", "120/minute"),
    "customer": env.rate("THROTTLE_CUSTOMER", "300/minute"),
    "staff": env.rate("THROTTLE_STAFF", "1200/minute"),
    "login": env.rate("THROTTLE_LOGIN", "10/hour"),
    "signup": env.rate("THROTTLE_SIGNUP", "20/hour"),
    "reset": env.rate("THROTTLE_RESET", "10/hour"),
    "shared": env.rate("THROTTLE_SHARED", "120/hour"),
}

# --- mail -----------------------------------------------------------------------------
EMAIL_URL = env.text("EMAIL_URL", "console:")
email = env_urls.email_server("EMAIL_URL", EMAIL_URL)
EMAIL_BACKEND = email["EMAIL_BACKEND"]
EMAIL_HOST = email["EMAIL_HOST"]
EMAIL_PORT = email["EMAIL_PORT"]
EMAIL_HOST_USER = email["EMAIL_HOST_USER"]
EMAIL_HOST_PASSWORD = email["EMAIL_HOST_PASSWORD"]
EMAIL_USE_TLS = email["EMAIL_USE_TLS"]
EMAIL_USE_SSL = email["EMAIL_USE_SSL"]
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", "shop@localhost")
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
CSRF_FAILURE_VIEW = "mechanic_shop.http.error_views.csrf_failure"
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
METRICS_TOKEN = env.visible_token("METRICS_TOKEN")
# Programs read logs, people read terminals.
LOG_FORMAT = env.one_of(
    "LOG_FORMAT", ("json", "line"), "use json or line", "line" if sys.stderr.isatty() else "json"
)
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
