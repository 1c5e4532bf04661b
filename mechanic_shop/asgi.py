"""The ASGI application, for servers that speak nothing else; the product is served by
WSGI.
"""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mechanic_shop.settings")
application = get_asgi_application()
