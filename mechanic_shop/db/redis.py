"""Redis as the shop uses it: short waits, no pickle, and a shop that goes on when it is
gone.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from django.http import HttpResponse
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted
from django_redis.serializers.base import BaseSerializer
from redis.exceptions import RedisError

from mechanic_shop.observability import metrics

log = logging.getLogger("shop.redis")
PAUSE = 2.0  # seconds in which a Redis that failed is not asked again
FAILURES = (RedisError, ConnectionInterrupted, OSError)


class SafeSerializer(BaseSerializer):
    """JSON, and pages as their parts: whoever can write to Redis must not be able to
    run code here.
    """

    def dumps(self, value: object) -> bytes:
        if isinstance(value, HttpResponse):
            return orjson.dumps(
                {"page": [value.status_code, dict(value.items()), value.content.decode()]}
            )
        return orjson.dumps({"value": value})

    def loads(self, value: bytes) -> object:
        try:
            found = orjson.loads(value)
            if "page" in found:
                status, headers, content = found["page"]
                return HttpResponse(content, status=status, headers=headers)
            return found["value"]
        except (ValueError, TypeError, LookupError):
            return None  # not written by this shop: as good as not there


LOOK = """
local found = {0}
if KEYS[1] ~= '' then
  found[1] = redis.call('INCR', KEYS[1])
  if found[1] == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
end
for at = 2, #KEYS do
  found[at] = redis.call('GET', KEYS[at])
  if not found[at] then
    found[at] = ARGV[2]
    redis.call('SET', KEYS[at], ARGV[2])
  end
end
return found
"""


def shielded(call: Callable[..., Any], when_down: object = None) -> Callable[..., Any]:
    """The method, which answers ``when_down`` when Redis does not answer."""

    def ask(self: "ShopRedisCache", *args: Any, **kwargs: Any) -> object:
        if time.monotonic() < ShopRedisCache.down_until:
            return when_down
        try:
            return call(self, *args, **kwargs)
        except FAILURES as error:
            ShopRedisCache.down_until = time.monotonic() + PAUSE
            metrics.redis_failures.inc()
            log.warning(
                "Redis does not answer, the shop goes on without it",
                extra={"seconds": PAUSE, "kind": type(error).__name__},
            )
            return when_down

    return ask


class ShopRedisCache(RedisCache):
    """A cache that answers None when Redis does not answer, and then leaves it alone
    for ``PAUSE`` seconds.

    Without the pause every call to a Redis that hangs would cost its whole time-out.
    """

    down_until = 0.0
    script: Any = None
    """``LOOK``, which Redis keeps under its hash."""

    get = shielded(RedisCache.get)
    set = shielded(RedisCache.set)
    add = shielded(RedisCache.add)
    incr = shielded(RedisCache.incr)
    delete = shielded(RedisCache.delete)
    delete_many = shielded(RedisCache.delete_many)
    clear = shielded(RedisCache.clear)
    get_many = shielded(RedisCache.get_many, {})
    set_many = shielded(RedisCache.set_many, [])
    touch = shielded(RedisCache.touch)
    has_key = shielded(RedisCache.has_key, False)

    def look(self, names: Sequence[str], counter: str = "", seconds: int = 0) -> list[int] | None:
        """In one round trip: ``counter`` after one more, which ends after so many
        seconds, and the number under each name.

        A number that is lost is the time from then on, which no earlier one can have
        been. None when Redis does not answer.
        """
        return self._look(
            [counter and self.make_key(counter), *map(self.make_key, names)],
            [seconds, time.time_ns()],
        )

    @shielded
    def _look(self, keys: list[str], arguments: list[int]) -> list[int]:
        client = self.client.get_client(write=True)
        if self.script is None:
            self.script = client.register_script(LOOK)
        return [int(number) for number in self.script(keys, arguments, client)]

    @property
    def is_down(self) -> bool:
        """Did Redis fail in the last ``PAUSE`` seconds?"""
        return time.monotonic() < ShopRedisCache.down_until
