"""The benchmark's data, in the shop's own tables: the same rows on SQLite and on
PostgreSQL, the same at every run.

    python bench/gen.py sqlite:////tmp/shop.sqlite3 --tickets 100000
    python bench/gen.py postgres://root@127.0.0.1:5432/bench_shop --tickets 1000000

The tables come from ``manage.py migrate`` on a database that holds nothing yet; the
rows are written past the ORM, and what the models derive (a vehicle's name, a line's
total, …) is derived here by the same functions or the same rule. Beside N tickets there
are N/10 customers, so that somebody's own tickets are ten whatever the size of the
chain, 200 mechanics and 2,000 parts, of which part 1 never runs out. The books balance:
``manage.py check_stock``.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MANAGER = "manager@example.com"
PASSWORD = "Wrench-and-socket-9"  # of everybody
MECHANICS, PARTS, WITH_LOGIN = 200, 2_000, 1_000
HOT_PART, HOT_STOCK = 1, 900_000_000_000  # in thousandths, like all quantities here
BEGIN, YEARS = datetime(2020, 1, 1, tzinfo=UTC), 6
SECRETS = {
    "SECRET_KEY": "only-for-the-benchmark-0123456789-abcdefghijklmnopqrstuvwxyz",
    "JWT_SIGNING_KEY": "also-only-for-the-benchmark-0123456789-abcdefghijklmnopqrst",
}


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


FIRST = words(
    "Ann, Bob, Carla, Dmitri, Elena, Farid, Greta, Hugo, Ines, Jonas, Kira, Liam, Mona, "
    "Nils, Olga, Pavel, Quinn, Rosa, Sven, Tara"
)
LAST = words(
    "Abbott, Baker, Chavez, Dietrich, Evans, Fischer, Garcia, Hansen, Ito, Jensen, "
    "Kowalski, Lopez, Miller, Novak, Ortiz"
)
TRADES = words(
    "brakes, engine, electrics, gearbox, exhaust, air conditioning, diagnosis, bodywork, "
    "tyres, hybrid drives"
)
CARS = [
    ("Honda", "Accord"),
    ("Ford", "F-150"),
    ("Toyota", "Camry"),
    ("Subaru", "Outback"),
    ("Volkswagen", "Golf"),
    ("Chevrolet", "Malibu"),
]
COLORS = words("white, black, silver, blue, red, green")
THINGS = words(
    "brake pad, oil filter, spark plug, timing belt, alternator, water pump, wiper "
    "blade, head lamp, clutch disc, fuse"
)
CONCERNS = [
    "Oil change and inspection",
    "Brakes squeal when cold",
    "Engine light is on",
    "Air conditioning blows warm",
    "Noise from the left front wheel when turning",
    "Does not start in the morning",
]
FIXES = [
    "Replaced and road-tested.",
    "Adjusted to the maker's figures.",
    "Cleaned, greased, tested.",
    "Replaced under the maker's bulletin.",
]

# How far a ticket of each status has come: the moves after the first, and the hour of
# each after it was opened.
HOURS = {
    "approved": 2,
    "in_progress": 20,
    "completed": 30,
    "invoiced": 31,
    "closed": 48,
    "cancelled": 5,
}
PATHS = {
    "estimate": [],
    "approved": ["approved"],
    "in_progress": ["approved", "in_progress"],
    "completed": ["approved", "in_progress", "completed"],
    "invoiced": ["approved", "in_progress", "completed", "invoiced"],
    "closed": ["approved", "in_progress", "completed", "invoiced", "closed"],
    "cancelled": ["cancelled"],
}
OLD = (["closed", "cancelled"], [97, 3])
# of the newest 4 %
YOUNG = (
    ["estimate", "approved", "in_progress", "completed", "invoiced"],
    [25, 30, 25, 8, 12],
)
HELD, FITTED = {"approved", "in_progress"}, {"completed", "invoiced", "closed"}

Row = tuple[Any, ...]


def stamp(moment: datetime) -> str:
    """As Django writes it on SQLite; PostgreSQL, told that it is UTC, reads the same."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def quantity(thousandths: int) -> str:
    sign, rest = ("-", -thousandths) if thousandths < 0 else ("", thousandths)
    return f"{sign}{rest // 1000}.{rest % 1000:03d}"


class Shop:
    """All rows of a shop with so many tickets. Each table's rows are drawn from a seed
    of their own.
    """

    def __init__(self, tickets: int) -> None:
        self.size = tickets
        self.customers = max(100, tickets // 10)
        self.logins = min(self.customers, WITH_LOGIN)
        draw = Random(1)
        young = tickets - max(25, tickets // 25)
        self.owner = draw.choices(range(1, self.customers + 1), k=tickets)
        self.status = draw.choices(*OLD, k=young) + draw.choices(*YOUNG, k=tickets - young)
        self.price = [draw.randint(100, 90_000) for _ in range(PARTS)]
        self.step = timedelta(days=365 * YEARS) / tickets
        self.fitted, self.held = [0] * (PARTS + 1), [0] * (PARTS + 1)
        for ticket, part, count in self.lines():
            status = self.status[ticket - 1]
            if status in FITTED:
                self.fitted[part] += count
            elif status in HELD:
                self.held[part] += count
        self.spare = [0, HOT_STOCK, *(1000 * draw.randint(50, 5000) for _ in range(PARTS - 1))]

    def opened(self, ticket: int) -> datetime:
        return (BEGIN + self.step * ticket).replace(microsecond=0)

    def cost(self, part: int) -> str:
        return money(self.price[part - 1] * 6 // 10)

    def lines(self) -> Iterator[tuple[int, int, int]]:
        """(ticket, part, thousandths): none to four different parts; some parts are
        asked for much more than others.
        """
        draw = Random(2)
        for ticket in range(1, self.size + 1):
            for part in sorted(
                {2 + int((PARTS - 1) * draw.random() ** 2) for _ in range(draw.randint(0, 4))}
            ):
                yield (
                    ticket,
                    part,
                    draw.randint(1, 9) * 500 if by_the_litre(part) else draw.randint(1, 4) * 1000,
                )

    def tables(self) -> Iterator[tuple[str, str, Iterable[Row]]]:
        """(model, its columns, its rows), in an order that foreign keys allow."""
        yield (
            "accounts.User",
            (
                "id password last_login is_superuser email is_staff is_active date_joined "
                "session_epoch"
            ),
            self.users(),
        )
        yield (
            "customers.Customer",
            "id created_at updated_at user_id name email phone phone_digits address notes",
            self.customer_rows(),
        )
        yield (
            "customers.Vehicle",
            (
                "id created_at updated_at customer_id plate vin make model year engine color "
                "odometer name vin_valid"
            ),
            self.vehicle_rows(),
        )
        yield (
            "mechanics.Mechanic",
            (
                "id created_at updated_at user_id name specialties bio is_active email phone "
                "hourly_cost hired_on"
            ),
            self.mechanic_rows(),
        )
        yield (
            "inventory.Part",
            "id created_at updated_at sku name description unit price cost on_hand "
            "allocated reorder_point reorder_quantity bin barcode"
            " is_active unique_key",
            self.part_rows(),
        )
        yield (
            "tickets.ServiceTicket",
            "id created_at updated_at customer_id vehicle_id concern cause correction "
            "service_date promised_at status on_hold hold_reason"
            " odometer_in odometer_out opened_at completed_at closed_at version",
            self.ticket_rows(),
        )
        yield (
            "tickets.TicketMechanic",
            "id created_at updated_at ticket_id mechanic_id role assigned_at assigned_by_id",
            self.assignment_rows(),
        )
        yield (
            "tickets.TicketPart",
            (
                "id created_at updated_at ticket_id part_id quantity unit_price unit_cost "
                "line_total allocated issued"
            ),
            self.line_rows(),
        )
        yield (
            "tickets.StatusChange",
            "id ticket_id from_status to_status by_id at reason",
            self.history_rows(),
        )
        yield (
            "inventory.StockMovement",
            "id part_id quantity reason on_hand_after reference unit_cost note by_id created_at",
            self.movement_rows(),
        )

    def users(self) -> Iterator[Row]:
        """The manager is user 1, customer n is user n + 1.

        One hash for all, with a salt as long as Django's: behind a shorter one each
        first log-in would hash anew.
        """
        from django.contrib.auth.hashers import make_password

        password, joined = make_password(PASSWORD, salt="onlyforthebenchmark000"), stamp(BEGIN)
        yield 1, password, None, False, MANAGER, True, True, joined, 0
        for customer in range(1, self.logins + 1):
            yield customer + 1, password, None, False, email_of(customer), False, True, joined, 0

    def customer_rows(self) -> Iterator[Row]:
        from customers.phones import phone_key

        draw, made = Random(3), stamp(BEGIN)
        for pk in range(1, self.customers + 1):
            phone = f"({200 + pk % 700}) 555-{pk % 10_000:04d}"
            user = pk + 1 if pk <= self.logins else None
            name, address = person(draw), f"{draw.randint(1, 9999)} Elm Street, Springfield"
            yield (
                pk,
                made,
                made,
                user,
                name,
                email_of(pk),
                phone,
                phone_key(phone),
                address,
                "pays cash" if pk % 7 == 0 else "",
            )

    def vehicle_rows(self) -> Iterator[Row]:
        """Vehicle n is customer n's; every fourth customer has a second one."""
        from customers.models import Vehicle
        from customers.vin import vin_valid

        draw, made = Random(4), stamp(BEGIN)
        owners = chain(range(1, self.customers + 1), range(4, self.customers + 1, 4))
        for pk, customer in enumerate(owners, 1):
            make, model = draw.choice(CARS)
            vin = next(
                vin for digit in "0123456789X" if vin_valid(vin := f"1HGCM826{digit}3A{pk:06d}")
            )
            year, odometer = draw.randint(1998, 2024), draw.randint(5_000, 250_000)
            plate = f"{chr(65 + pk % 26)}{chr(65 + pk // 26 % 26)}{pk:06d}"
            name = Vehicle(plate=plate, vin=vin, make=make, model=model, year=year).spoken_name()
            yield (
                pk,
                made,
                made,
                customer,
                plate,
                vin,
                make,
                model,
                year,
                "2.0",
                draw.choice(COLORS),
                odometer,
                name,
                True,
            )

    def mechanic_rows(self) -> Iterator[Row]:
        draw, made = Random(5), stamp(BEGIN)
        for pk in range(1, MECHANICS + 1):
            trades = draw.sample(TRADES, draw.randint(1, 3))
            words = "[" + ", ".join(f'"{trade}"' for trade in trades) + "]"
            bio = (
                f"{draw.randint(1, 35)} years at the bench, most of them on "
                f"{draw.choice(CARS)[0]}; likes {draw.choice(TRADES)}."
            )
            active, cost, hired = (
                is_active(pk),
                money(draw.randint(2500, 6500)),
                f"20{draw.randint(5, 19):02d}-03-01",
            )
            yield (
                pk,
                made,
                made,
                None,
                person(draw),
                words,
                bio,
                active,
                f"mechanic{pk}@example.com",
                f"555-{pk:04d}",
                cost,
                hired,
            )

    def part_rows(self) -> Iterator[Row]:
        made = stamp(BEGIN)
        for pk in range(1, PARTS + 1):
            name = f"{THINGS[pk % len(THINGS)].capitalize()} {pk}"
            unit = "litre" if by_the_litre(pk) else "each"
            on_hand, allocated = quantity(self.spare[pk] + self.held[pk]), quantity(self.held[pk])
            yield (
                *(
                    pk,
                    made,
                    made,
                    f"P-{pk:05d}",
                    name,
                    f"{name}, as the maker fits it.",
                    unit,
                    money(self.price[pk - 1]),
                    self.cost(pk),
                ),
                *(
                    on_hand,
                    allocated,
                    "10.000",
                    "50.000",
                    f"{chr(65 + pk % 26)}-{pk % 40}",
                    f"40{pk:011d}",
                    True,
                    f"p-{pk:05d}",
                ),
            )

    def ticket_rows(self) -> Iterator[Row]:
        draw = Random(6)
        for pk in range(1, self.size + 1):
            opened, status, customer = self.opened(pk), self.status[pk - 1], self.owner[pk - 1]
            ends = {move: stamp(opened + timedelta(hours=HOURS[move])) for move in PATHS[status]}
            done, closed = ends.get("completed"), ends.get("closed") or ends.get("cancelled")
            on_hold = status in HELD and draw.random() < 0.1
            odometer = draw.randint(5_000, 250_000)
            made = stamp(opened)
            yield (
                *(
                    pk,
                    made,
                    max([made, *ends.values()]),
                    customer,
                    customer if draw.random() < 0.95 else None,
                    f"{draw.choice(CONCERNS)} (note {pk})",
                ),
                *(
                    "Worn." if done else "",
                    draw.choice(FIXES) if done else "",
                    made[:10],
                    stamp(opened + timedelta(days=2)),
                    status,
                ),
                *(
                    on_hold,
                    "parts" if on_hold else "",
                    odometer,
                    odometer + 3 if done else None,
                    made,
                    done,
                    closed,
                    1 + len(ends),
                ),
            )

    def assignment_rows(self) -> Iterator[Row]:
        """One to three different mechanics on a ticket; some are asked for much more
        than others.
        """
        draw, pk = Random(7), 0
        for ticket in range(1, self.size + 1):
            at = stamp(self.opened(ticket) + timedelta(hours=1))
            team = sorted(
                {1 + int(MECHANICS * draw.random() ** 2) for _ in range(draw.randint(1, 3))}
            )
            for place, mechanic in enumerate(team):
                pk += 1
                yield pk, at, at, ticket, mechanic, "assistant" if place else "lead", at, 1

    def line_rows(self) -> Iterator[Row]:
        for pk, (ticket, part, count) in enumerate(self.lines(), 1):
            at, status, price = (
                stamp(self.opened(ticket)),
                self.status[ticket - 1],
                self.price[part - 1],
            )
            total = money((count * price + 500) // 1000)  # half up
            held, fitted = count * (status in HELD), count * (status in FITTED)
            yield (
                pk,
                at,
                at,
                ticket,
                part,
                quantity(count),
                money(price),
                self.cost(part),
                total,
                quantity(held),
                quantity(fitted),
            )

    def history_rows(self) -> Iterator[Row]:
        pk = 0
        for ticket, status in enumerate(self.status, 1):
            before, opened = "", self.opened(ticket)
            for step in ("estimate", *PATHS[status]):
                pk += 1
                yield (
                    pk,
                    ticket,
                    before,
                    step,
                    1,
                    stamp(opened + timedelta(hours=HOURS.get(step, 0))),
                    "",
                )
                before = step

    def movement_rows(self) -> Iterator[Row]:
        """Of each part one receipt of all that was ever needed, then an issue for each
        line that was fitted.
        """
        shelf, at = [0] * (PARTS + 1), stamp(BEGIN)
        for part in range(1, PARTS + 1):
            shelf[part] = self.spare[part] + self.held[part] + self.fitted[part]
            yield (
                part,
                part,
                quantity(shelf[part]),
                "receipt",
                quantity(shelf[part]),
                "",
                self.cost(part),
                "first delivery",
                1,
                at,
            )
        pk = PARTS
        for ticket, part, count in self.lines():
            if self.status[ticket - 1] in FITTED:
                pk += 1
                shelf[part] -= count
                at = stamp(self.opened(ticket) + timedelta(hours=HOURS["completed"]))
                yield (
                    pk,
                    part,
                    quantity(-count),
                    "issue",
                    quantity(shelf[part]),
                    f"T-{ticket:06d}",
                    self.cost(part),
                    "",
                    1,
                    at,
                )


def person(draw: Random) -> str:
    return f"{draw.choice(FIRST)} {draw.choice(LAST)}"


def email_of(customer: int) -> str:
    return f"customer{customer}@example.com"


def is_active(mechanic: int) -> bool:
    return mechanic % 20 != 0


def by_the_litre(part: int) -> bool:
    return part % 8 == 0


# --- into the database ----------------------------------------------------------------


def fill(tickets: int) -> None:
    """Migrate the database of DATABASE_URL, write all rows, gather statistics."""
    import django

    django.setup()
    from django.apps import apps
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0, skip_checks=True)
    if apps.get_model("tickets.ServiceTicket").objects.exists():
        sys.exit(
            "There are tickets in this database: give one that does not exist yet, or is empty."
        )
    writer = PostgreSQL(connection) if connection.vendor == "postgresql" else SQLite(connection)
    shop = Shop(tickets)
    writer.before([apps.get_model(name)._meta.db_table for name, _, _ in shop.tables()])
    for name, columns, rows in shop.tables():
        model = apps.get_model(name)
        rest = defaults_of(model, set(columns.split()), connection)
        fixed = tuple(rest.values())
        writer.write(
            model._meta.db_table,
            [*columns.split(), *rest],
            (row + fixed for row in rows) if fixed else rows,
        )
    user_groups = apps.get_model("accounts.User").groups.through
    user_groups.objects.create(
        user_id=1, group=apps.get_model("auth.Group").objects.get(name="manager")
    )
    writer.after()


def defaults_of(model: Any, known: set[str], connection: Any) -> dict[str, Any]:
    """What the model's other columns hold in a new row: columns that came later than
    this file.
    """
    rest = [field for field in model._meta.concrete_fields if field.column not in known]
    if missing := known - {field.column for field in model._meta.concrete_fields}:
        sys.exit(
            f"bench/gen.py writes {model._meta.label}.{', '.join(sorted(missing))}, which "
            f"is no more: change it there."
        )
    found = {
        field.column: field.get_db_prep_save(field.get_default(), connection) for field in rest
    }
    if empty := [field.column for field in rest if found[field.column] is None and not field.null]:
        sys.exit(
            f"bench/gen.py does not know {model._meta.label}.{', '.join(empty)}: add it there."
        )
    return found


class SQLite:
    def __init__(self, connection: Any) -> None:
        connection.ensure_connection()
        self.raw = connection.connection

    def before(self, tables: list[str]) -> None:
        for pragma in ("foreign_keys=OFF", "synchronous=OFF"):
            self.raw.execute(f"PRAGMA {pragma}")
        marks = ", ".join("?" * len(tables))
        found = self.raw.execute(
            (
                f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT "
                f"NULL AND tbl_name IN ({marks})"
            ),
            tables,
        )
        self.indexes = dict(found.fetchall())
        self.raw.execute("BEGIN IMMEDIATE")
        for index in self.indexes:
            self.raw.execute(f'DROP INDEX "{index}"')

    def write(self, table: str, columns: list[str], rows: Iterable[Row]) -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        self.raw.executemany(
            f'INSERT INTO "{table}" ({names}) VALUES ({", ".join("?" * len(columns))})', rows
        )

    def after(self) -> None:
        for sql in self.indexes.values():
            self.raw.execute(sql)
        self.raw.execute("COMMIT")
        if orphan := self.raw.execute("PRAGMA foreign_key_check").fetchone():
            sys.exit(f"bench/gen.py wrote a row without what it refers to: {tuple(orphan)}")
        self.raw.execute("ANALYZE")
        self.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class PostgreSQL:
    def __init__(self, connection: Any) -> None:
        connection.ensure_connection()
        self.raw = connection.connection

    def before(self, tables: list[str]) -> None:
        self.tables = tables
        self.raw.execute("SET timezone TO 'UTC'")
        self.raw.execute("SET synchronous_commit TO off")
        self.raw.execute("SET maintenance_work_mem TO '256MB'")
        found = self.raw.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
            " WHERE i.indrelid = ANY (SELECT unnest(%s::text[])::regclass)"
            " AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)",
            [tables],
        )
        self.indexes = dict(found.fetchall())
        for index in self.indexes:
            self.raw.execute(f"DROP INDEX {index}")
        # The rows refer to each other by construction (SQLite's run proves it); a
        # superuser need not have each looked up.
        if self.raw.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()[0]:
            self.raw.execute("SET session_replication_role TO replica")

    def write(self, table: str, columns: list[str], rows: Iterable[Row]) -> None:
        names = ", ".join(f'"{column}"' for column in columns)
        lines = (
            "\t".join(["\\N" if value is None else str(value) for value in row]) + "\n"
            for row in rows
        )
        with self.raw.cursor().copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            while block := "".join(islice(lines, 5000)):
                copy.write(block)
        self.raw.execute(
            f"""SELECT setval(pg_get_serial_sequence('"{table}"', 'id'), (SELECT max(id) FROM "{table}"))"""
        )

    def after(self) -> None:
        for sql in self.indexes.values():
            self.raw.execute(sql)
        self.raw.execute("SET session_replication_role TO DEFAULT")
        self.raw.execute("VACUUM ANALYZE")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", help="DATABASE_URL of a new or empty database")
    parser.add_argument("--tickets", type=int, default=100_000)
    chosen = parser.parse_args()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="mechanic_shop.settings", DATABASE_URL=chosen.url, **SECRETS
    )
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    fill(chosen.tickets)


if __name__ == "__main__":
    main()
