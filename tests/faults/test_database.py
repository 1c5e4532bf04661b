"""The database goes away: in mid-write, between two requests, inside a transaction."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from .house import Load, Postgres, Sent, Shop, until

END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid "
    "<> pg_backend_pid()"
)


def name_of(shop: Shop) -> str:
    return shop.environment["DATABASE_URL"].rpartition("/")[2]


def test_a_database_that_is_restarted_under_load_is_found_again(
    production: Shop, cluster: Postgres
) -> None:
    with Load(production).running() as load:
        for _ in range(2):
            cluster.stop("immediate")
            time.sleep(1)
            cluster.start()
            load.go_on()

    assert load.statuses().keys() <= {200, 201, 409, 503}
    assert {sent.code for sent in load.sent if sent.status not in (200, 201)} <= {
        "database_unavailable",
        "request_in_progress",
    }
    assert load.reads.keys() <= {200, 503}
    load.prove("immediate restart of PostgreSQL, twice")


def test_connections_that_died_while_idle_are_nobodys_business(
    production: Shop, cluster: Postgres
) -> None:
    """Each thread has one, and none asked for anything when it went: reads and writes
    are answered as if nothing had been.
    """
    load, ticket = Load(production), production.seeded["tickets"][0]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            writes = [
                Sent("PUT", f"tickets/{ticket}/add-part/", {"part": production.seeded["part"]})
                for ticket in production.seeded["tickets"]
            ]
            list(pool.map(load.write, writes))
            cluster.sql(END.format(name_of(production)))
            time.sleep(0.1)
            assert {production.call("GET", f"tickets/{ticket}/")[0] for _ in range(16)} == {200}
            assert {production.call("GET", "tickets/?ordering=number")[0] for _ in range(16)} == {
                200
            }
            cluster.sql(END.format(name_of(production)))
            time.sleep(0.1)
            list(pool.map(load.write, [Sent(sent.method, sent.path, sent.body) for sent in writes]))
            # Reads gone bad must not leave a thread with a dead connection for its next
            # log-in, whose user is read first.
            cluster.sql(END.format(name_of(production)))
            assert [production.log_in() for _ in range(8)] == [200] * 8

    assert set(load.statuses()) == {200}
    load.prove("idle connections ended, nine times")


def test_a_connection_that_dies_inside_a_transaction_leaves_nothing(
    production: Shop, cluster: Postgres
) -> None:
    """The write waits for a row when its connection goes: it is told 503, and its retry
    is the first to have an effect.
    """
    load, ticket = Load(production), production.seeded["tickets"][0]
    address = cluster.url(name_of(production))
    waiting = (
        f"SELECT pid FROM pg_stat_activity WHERE datname = '{name_of(production)}' AND "
        f"wait_event_type = 'Lock'"
    )
    write = Sent("PUT", f"tickets/{ticket}/add-part/", {"part": production.seeded["part"]})
    with ThreadPoolExecutor(1) as pool, psycopg.connect(address) as other:
        other.execute("SELECT 1 FROM tickets_serviceticket WHERE id = %s FOR UPDATE", [ticket])
        running = pool.submit(load.write, write)
        until(lambda: cluster.sql(waiting))
        cluster.sql(f"SELECT pg_terminate_backend(pid) FROM ({waiting}) AS found")
        running.result()

    assert (write.status, write.code) == (503, "database_unavailable")
    assert production.inside("found")["parts"] == {}
    load.prove("connection ended inside a transaction")
