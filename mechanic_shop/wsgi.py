"""The WSGI application that the production server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mechanic_shop.settings")
django = get_wsgi_application()

from . import urls  # noqa: E402 - Django is set up only now
from .api.express import Express  # noqa: E402

application = Express(django, "/api/v1/", urls.router.urls)
