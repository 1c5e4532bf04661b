"""The shop's settings where static files were not collected, for servers that tests
start.
"""

from mechanic_shop.settings import *  # noqa: F403

STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
