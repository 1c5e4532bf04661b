"""The two ways to authenticate, as the OpenAPI document describes them."""

from drf_spectacular.authentication import SessionScheme
from drf_spectacular.contrib.rest_framework_simplejwt import SimpleJWTScheme


class TokenScheme(SimpleJWTScheme):
    target_class = "mechanic_shop.accounts.authentication.TokenAuthentication"


class BrowserScheme(SessionScheme):
    target_class = "mechanic_shop.accounts.authentication.BrowserAuthentication"
