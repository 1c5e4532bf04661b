"""kill -9 of a worker and of the whole server, and SIGTERM, each while many clients
write.
"""

import os
import signal
import time

from .house import Load, Shop, until


def test_a_worker_killed_in_mid_write_loses_nothing_acknowledged(shop: Shop) -> None:
    with Load(shop).running() as load:
        for again in range(2):
            # one that dies again at once ends the server: that is for systemd
            time.sleep(6 * again)
            before = shop.workers()
            os.kill(before[0], signal.SIGKILL)
            until(
                lambda before=before: (
                    len(shop.workers()) == len(before) and before[0] not in shop.workers()
                )
            )
            load.go_on()

    assert load.statuses().keys() <= {200, 201, None}
    load.prove("kill -9 of a worker, twice")


def test_a_server_killed_in_mid_write_loses_nothing_acknowledged(shop: Shop) -> None:
    with Load(shop).running() as load:
        for _ in range(2):
            shop.kill()
            shop.start()
            load.go_on()
        shop.kill()
    shop.start()

    assert load.statuses().keys() <= {200, 201, None}
    load.prove("kill -9 of the server, three times")


def test_sigterm_under_load_leaves_nothing_half_done(shop: Shop) -> None:
    """Whoever got no answer was not heard: nothing of it is in the books."""
    with Load(shop).running() as load:
        begun = time.monotonic()
        shop.process.send_signal(signal.SIGTERM)
        assert shop.process.wait(30) in (0, -signal.SIGTERM)
        assert time.monotonic() - begun < 30

    assert load.statuses().keys() <= {200, 201, 503, None}
    found = shop.inside("found")
    assert load.effects(found) == load.expected(load.done())
    shop.start()
    load.prove("SIGTERM")
