"""The WSGI application that the production server runs."""

import logging
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mechanic_shop.settings")
logging.captureWarnings(True)  # a warning is a record like any other: every line of the log is JSON
django = get_wsgi_application()

from . import urls  # noqa: E402 - Django is set up only now
from .fastpath import switch  # noqa: E402
from .fastpath.direct_dispatch import DirectDispatch  # noqa: E402

application = DirectDispatch(django, "/api/v1/", urls.router.urls) if switch.is_on() else django
