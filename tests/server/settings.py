"""The shop that tests/test_server.py starts: less patient, and with a few addresses of
its own.
"""

from mechanic_shop.settings import *  # noqa: F403

BODY_WITHIN = 2
ROOT_URLCONF = "tests.server.urls"
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
