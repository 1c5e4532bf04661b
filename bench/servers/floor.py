"""A: the floor. The thinnest Python over the shop's tables: hand-written SQL that
builds the JSON, no framework.

    BENCH_DB=sqlite:///x.sqlite3 granian --interface wsgi floor:app --workers 2 --blocking-threads 2 --no-ws

It keeps few of the shop's rules: no roles, no limits, no history, no ledger. Tokens are
verified wherever one is sent, and so is what a database would not forgive: that a part
is there.
"""

import base64
import hashlib
import hmac
import os
import threading
import time
from urllib.parse import parse_qs, quote_plus

import orjson

DB, KEY = os.environ["BENCH_DB"], os.environ["BENCH_KEY"].encode()
PG = DB.startswith("postgres")
local, cache = threading.local(), {}

if PG:
    import psycopg

    OBJECT, TRUE, TEXT, LIKE = "json_build_object", "{}", "::text", "ILIKE"
    LIST = "(SELECT coalesce(json_agg(q.j), '[]') FROM (SELECT {} {}) q)"
    MOMENT = """replace(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z')"""
    MONEY, COUNT, DAY, WORDS, NOW = (
        "({})::numeric(24,2)::text",
        "({})::text",
        "{}::text",
        "{}",
        "now()",
    )
else:
    import sqlite3

    OBJECT, TRUE, TEXT, LIKE = "json_object", "json(iif({}, 'true', 'false'))", "", "LIKE"
    LIST = "(SELECT json_group_array(json(q.j)) FROM (SELECT {} {}) q)"
    MOMENT = "replace({}, ' ', 'T') || 'Z'"
    MONEY, COUNT, DAY, WORDS, NOW = (
        "printf('%.2f', {})",
        "printf('%.3f', {})",
        "{}",
        "json({})",
        "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    )


def obj(**members):
    return f"{OBJECT}({', '.join(f'{chr(39)}{name}{chr(39)}, {value}' for name, value in members.items())})"


def rows(what, source):
    return LIST.format(f"{what} AS j", source)


# --- the shapes -----------------------------------------------------------------------

TICKET = (
    obj(
        id="t.id",
        number="'T-' || to_char(t.id, 'FM999999999000000')" if PG else "printf('T-%06d', t.id)",
        customer=obj(id="c.id", name="c.name"),
        vehicle=(
            f"CASE WHEN v.id IS NOT NULL THEN {obj(id='v.id', name='v.name', plate='v.plate')} END"
        ),
        concern="t.concern",
        cause="t.cause",
        correction="t.correction",
        service_date=DAY.format("t.service_date"),
        promised_at=MOMENT.format("t.promised_at"),
        status="t.status",
        on_hold=TRUE.format("t.on_hold"),
        hold_reason="t.hold_reason",
        odometer_in="t.odometer_in",
        odometer_out="t.odometer_out",
        mechanics=rows(
            obj(id="m.id", name="m.name", role="x.role"),
            (
                "FROM tickets_ticketmechanic x JOIN mechanics_mechanic m ON m.id = "
                "x.mechanic_id WHERE x.ticket_id = t.id ORDER BY x.id"
            ),
        ),
        parts=rows(
            obj(
                part=obj(id="p.id", sku="p.sku", name="p.name"),
                job="x.job_id",
                quantity=COUNT.format("x.quantity"),
                unit_price=MONEY.format("x.unit_price"),
                line_total=MONEY.format("x.line_total"),
                allocated=COUNT.format("x.allocated"),
                issued=COUNT.format("x.issued"),
            ),
            (
                "FROM tickets_ticketpart x JOIN inventory_part p ON p.id = x.part_id WHERE "
                "x.ticket_id = t.id ORDER BY x.id"
            ),
        ),
        parts_total=MONEY.format(
            "coalesce((SELECT sum(x.line_total) FROM tickets_ticketpart x WHERE "
            "x.ticket_id = t.id), 0)"
        ),
        **{
            name: MOMENT.format(f"t.{name}")
            for name in ("opened_at", "completed_at", "closed_at", "created_at", "updated_at")
        },
    )
    + TEXT
)
MECHANIC = {
    "id": "m.id",
    "name": "m.name",
    "specialties": WORDS.format("m.specialties"),
    "bio": "m.bio",
    "is_active": TRUE.format("m.is_active"),
}
PART = (
    obj(
        **{name: f"p.{name}" for name in ("id", "sku", "name", "description", "unit")},
        **{name: MONEY.format(f"p.{name}") for name in ("price", "cost")},
        **{name: COUNT.format(f"p.{name}") for name in ("on_hand", "allocated")},
        available=COUNT.format("p.on_hand - p.allocated"),
        **{name: COUNT.format(f"p.{name}") for name in ("reorder_point", "reorder_quantity")},
        bin="p.bin",
        barcode="p.barcode",
        tax_code="p.tax_code_id",
        is_active=TRUE.format("p.is_active"),
        created_at=MOMENT.format("p.created_at"),
        updated_at=MOMENT.format("p.updated_at"),
    )
    + TEXT
)
FROM = (
    "FROM tickets_serviceticket t JOIN customers_customer c ON c.id = t.customer_id LEFT "
    "JOIN customers_vehicle v ON v.id = t.vehicle_id"
)
NEWEST = "ORDER BY t.opened_at DESC, t.id DESC"
ONE = f"SELECT {TICKET} {FROM} WHERE t.id = ?"
# Keys first: PostgreSQL would otherwise build the JSON of every skipped row. The offset
# is no parameter: its generic plan is three times slower.
PAGE = f"""SELECT {TICKET} FROM (SELECT id FROM tickets_serviceticket WHERE {{where}} ORDER BY opened_at DESC, id DESC LIMIT 25 OFFSET {{skip}}) k
 JOIN tickets_serviceticket t ON t.id = k.id {FROM.partition(" t ")[2]} {NEWEST}"""
MINE = "customer_id = (SELECT id FROM customers_customer WHERE user_id = ?)"
ONE_MECHANIC = f"SELECT {obj(**MECHANIC)}{TEXT} FROM mechanics_mechanic m WHERE m.id = ?"
MECHANICS = (
    f"SELECT {obj(**MECHANIC)}{TEXT} FROM mechanics_mechanic m WHERE {{where}} ORDER BY "
    f"m.name, m.id LIMIT 25"
)
POPULAR = f"""SELECT {obj(**MECHANIC, ticket_count="coalesce(k.n, 0)")}{TEXT} FROM mechanics_mechanic m LEFT JOIN (
 SELECT x.mechanic_id, count(*) n FROM tickets_ticketmechanic x JOIN tickets_serviceticket t ON t.id = x.ticket_id
 WHERE t.status <> 'cancelled' GROUP BY x.mechanic_id) k ON k.mechanic_id = m.id ORDER BY coalesce(k.n, 0) DESC, m.name, m.id LIMIT 25"""
PARTS = f"SELECT {PART} FROM inventory_part p ORDER BY p.sku, p.id LIMIT 25"
FALSE = "false" if PG else "0"
CREATE = f"""INSERT INTO tickets_serviceticket (customer_id, vehicle_id, concern, odometer_in, cause, correction, status, on_hold, hold_reason,
 version, opened_at, created_at, updated_at) VALUES (?, ?, ?, ?, '', '', 'estimate', {FALSE}, '', 1, {NOW}, {NOW}, {NOW}) RETURNING id"""
TAKE = (
    f"UPDATE inventory_part SET allocated = allocated + ?, updated_at = {NOW} WHERE id = "
    f"? AND on_hand >= allocated + ? RETURNING price, cost"
)
LINE = f"""INSERT INTO tickets_ticketpart (ticket_id, part_id, quantity, unit_price, unit_cost, line_total, allocated, issued,
 status, discount_percent, discount_amount, created_at, updated_at)
 VALUES (?, ?, ?, ?, ?, round(? * ?, 2), ?, 0, 'proposed', 0, 0, {NOW}, {NOW}) ON CONFLICT (ticket_id, part_id) WHERE job_id IS NULL DO UPDATE SET
 quantity = tickets_ticketpart.quantity + excluded.quantity, allocated = tickets_ticketpart.allocated + excluded.allocated,
 line_total = round((tickets_ticketpart.quantity + excluded.quantity) * tickets_ticketpart.unit_price, 2), updated_at = {NOW}"""
ASSIGN = f"""INSERT INTO tickets_ticketmechanic (ticket_id, mechanic_id, role, assigned_at, assigned_by_id, created_at, updated_at)
 VALUES (?, ?, 'assistant', {NOW}, ?, {NOW}, {NOW}) ON CONFLICT DO NOTHING"""
CHANGED = f"UPDATE tickets_serviceticket SET version = version + 1, updated_at = {NOW} WHERE id = ?"


# --- the database ---------------------------------------------------------------------


def connection():
    if not hasattr(local, "connection"):
        if PG:
            local.connection = psycopg.connect(DB, autocommit=True, prepare_threshold=0)
        else:
            local.connection = sqlite3.connect(
                DB.removeprefix("sqlite:///"), isolation_level=None, timeout=20
            )
            for pragma in (
                "journal_mode=WAL",
                "synchronous=NORMAL",
                "mmap_size=268435456",
                "cache_size=-65536",
                "foreign_keys=ON",
            ):
                local.connection.execute(f"PRAGMA {pragma}")
    return local.connection


def sql(text, *args):
    if PG:
        text = text.replace("%", "%%").replace("?", "%s") if args else text
    return connection().execute(text, args or None) if PG else connection().execute(text, args)


class Atomic:
    def __enter__(self):
        sql("BEGIN" if PG else "BEGIN IMMEDIATE")

    def __exit__(self, kind, *_):
        sql("ROLLBACK" if kind else "COMMIT")


# --- tokens ---------------------------------------------------------------------------


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sign(claims):
    head = b64(b'{"alg":"HS256","typ":"JWT"}') + b"." + b64(orjson.dumps(claims))
    return (head + b"." + b64(hmac.digest(KEY, head, "sha256"))).decode()


def user_of(header):
    head, _, mac = header.removeprefix("Bearer ").encode().rpartition(b".")
    if not hmac.compare_digest(b64(hmac.digest(KEY, head, "sha256")), mac):
        return None
    body = head.partition(b".")[2]
    claims = orjson.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))
    return int(claims["user_id"]) if claims["exp"] > time.time() else None


def password_fits(password, stored):
    _, rounds, salt, digest = stored.split("$")
    return hmac.compare_digest(
        base64.b64decode(digest),
        hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(rounds)),
    )


# --- the answers ----------------------------------------------------------------------


def one(text, key, status="200 OK", tag=None):
    row = sql(text, key).fetchone()
    if not row:
        return "404 Not Found", b"{}"
    body = row[0].encode()
    etag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return ("304 Not Modified", b"", etag) if tag == etag else (status, body, etag)


def kept(key, seconds, make):
    """What ``make`` gave at most so many seconds ago."""
    hit = cache.get(key)
    if not hit or hit[0] < time.monotonic():
        hit = cache[key] = time.monotonic() + seconds, make()
    return hit[1]


def page(env, query, total, found):
    number = int(query.get("page", ["1"])[0])
    rest = "".join(
        f"{name}={quote_plus(value)}&"
        for name, (value, *_) in sorted(query.items())
        if name != "page"
    )
    link = lambda n: (  # noqa: E731
        b'"http://%s%s?%spage=%d"'
        % (env["HTTP_HOST"].encode(), env["PATH_INFO"].encode(), rest.encode(), n)
    )
    following = link(number + 1) if total > 25 * number else b"null"
    previous = link(number - 1) if number > 1 else b"null"
    results = ",".join([row[0] for row in found]).encode()
    return b'{"count":%d,"next":%s,"previous":%s,"results":[%s]}' % (
        total,
        following,
        previous,
        results,
    )


def count(table, where, *args):
    """Exact, but at most a second old."""
    return kept(
        (table, where, args),
        1,
        lambda: sql(f"SELECT count(*) FROM {table} WHERE {where}", *args).fetchone()[0],
    )


def tickets(env, query, where, *args):
    skip = 25 * (int(query.get("page", ["1"])[0]) - 1)
    return "200 OK", page(
        env,
        query,
        count("tickets_serviceticket", where, *args),
        sql(PAGE.format(where=where, skip=skip), *args),
    )


def mechanics(env, query):
    where, args = ["1 = 1"], []
    for word in query.get("search", [""])[0].split():
        where.append(f"(m.name {LIKE} ? OR m.bio {LIKE} ? OR m.specialties{TEXT} {LIKE} ?)")
        args += [f"%{word}%"] * 3
    condition = " AND ".join(where)
    total = sql(f"SELECT count(*) FROM mechanics_mechanic m WHERE {condition}", *args).fetchone()[0]
    return "200 OK", page(env, query, total, sql(MECHANICS.format(where=condition), *args))


def read(env, path, user):
    query = parse_qs(env["QUERY_STRING"])
    if path[0] == "tickets":
        if len(path) == 1:
            return tickets(env, query, "status = ?", query["status"][0])
        if path[1] == "mine":
            return tickets(env, query, MINE, user) if user else ("401 Unauthorized", b"{}")
        return one(ONE, int(path[1]), tag=env.get("HTTP_IF_NONE_MATCH"))
    if path == ["mechanics", "popular"]:
        return "200 OK", kept(
            "popular",
            60,
            lambda: page(env, query, count("mechanics_mechanic", "1 = 1"), sql(POPULAR)),
        )
    if path == ["parts"]:
        return "200 OK", kept(
            "parts", 60, lambda: page(env, query, count("inventory_part", "1 = 1"), sql(PARTS))
        )
    return mechanics(env, query) if len(path) == 1 else one(ONE_MECHANIC, int(path[1]))


def write(env, path, user):
    body = orjson.loads(env["wsgi.input"].read(int(env["CONTENT_LENGTH"])))
    if path == ["tickets"]:
        new = sql(
            CREATE, body["customer"], body["vehicle"], body["concern"], body["odometer_in"]
        ).fetchall()[0][0]
        return one(ONE, new, "201 Created")
    if path == ["auth", "token"]:
        row = sql(
            "SELECT id, password FROM accounts_user WHERE email = ?", body["email"]
        ).fetchone()
        if not row or not password_fits(body["password"], row[1]):
            return "401 Unauthorized", b"{}"
        now = int(time.time())
        tokens = {
            "access": sign({"user_id": str(row[0]), "exp": now + 900}),
            "refresh": sign({"user_id": str(row[0]), "exp": now + 86400}),
        }
        return "200 OK", orjson.dumps(tokens)
    ticket = int(path[1])
    with Atomic():
        if path[2] == "add-part":
            part, n = body["part"], body["quantity"]
            taken = sql(TAKE, n, part, n).fetchall()
            if not taken:
                return "409 Conflict", b"{}"
            price, cost = taken[0]
            sql(LINE, ticket, part, n, price, cost, n, price, n)
        else:
            sql(ASSIGN, ticket, body["mechanic"], user)
        sql(CHANGED, ticket)
    return one(ONE, ticket)


def app(env, start):
    header = env.get("HTTP_AUTHORIZATION")
    user = user_of(header) if header else None
    path = env["PATH_INFO"].strip("/").split("/")[2:]
    status, body, *tag = (read if env["REQUEST_METHOD"] == "GET" else write)(env, path, user)
    start(
        status,
        [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *(("ETag", etag) for etag in tag),
        ],
    )
    return [body]
