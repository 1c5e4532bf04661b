"""Redis as the shop uses it: short waits, no pickle, and a shop that goes on when it is gone."""

import logging
import time
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpResponse
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from django_redis.serializers.base import BaseSerializer
from redis.exceptions import RedisError

from . import metrics

log = logging.getLogger("shop.redis")
PAUSE = 2.0  # seconds in which a Redis that failed is not asked again
FAILURES = (RedisError, ConnectionInterrupted, OSError)


class SafeSerializer(BaseSerializer):
    """JSON, and pages as their parts: whoever can write to Redis must not be able to run code here."""

    def dumps(self, value: Any) -> bytes:
        if isinstance(value, HttpResponse):
            return orjson.dumps({"page": [value.status_code, dict(value.items()), value.content.decode()]})
        return orjson.dumps({"value": value})

    def loads(self, value: bytes) -> Any:
        try:
            found = orjson.loads(value)
            if "page" in found:
                status, headers, content = found["page"]
                return HttpResponse(content, status=status, headers=headers)
            return found["value"]
        except (ValueError, TypeError, LookupError):
            return None  # not written by this shop: as good as not there


def shielded(name: str, when_down: Any = None) -> Callable[..., Any]:
    """RedisCache's method of that name, which answers ``when_down`` when Redis does not answer."""
    call = getattr(RedisCache, name)

    def ask(self: "ShopRedisCache", *args: Any, **kwargs: Any) -> Any:
        if time.monotonic() < ShopRedisCache.down_until:
            return when_down
        try:
            return call(self, *args, **kwargs)
        except FAILURES as error:
            ShopRedisCache.down_until = time.monotonic() + PAUSE
            metrics.redis_failures.inc()
            log.warning("Redis does not answer, the shop goes on without it", extra={"seconds": PAUSE, "kind": type(error).__name__})
            return when_down

    return ask


class ShopRedisCache(RedisCache):
    """A cache that answers None when Redis does not answer, and then leaves it alone for ``PAUSE`` seconds.

    Without the pause every call to a Redis that hangs would cost its whole time-out.
    """

    down_until = 0.0

    get = shielded("get")
    set = shielded("set")
    add = shielded("add")
    incr = shielded("incr")
    delete = shielded("delete")
    delete_many = shielded("delete_many")
    clear = shielded("clear")
    get_many = shielded("get_many", {})
    set_many = shielded("set_many", [])
    touch = shielded("touch")
    has_key = shielded("has_key", False)

    @property
    def is_down(self) -> bool:
        """Did Redis fail in the last ``PAUSE`` seconds?"""
        return time.monotonic() < ShopRedisCache.down_until
