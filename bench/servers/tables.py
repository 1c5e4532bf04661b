"""SQLAlchemy models over the shop's tables, shared by the Flask (B) and the FastAPI (C)
server.
"""

import base64
import datetime as dt
import hashlib
import hmac
import os
import time
from decimal import ROUND_HALF_UP, Decimal

import jwt
from sqlalchemy import JSON, DateTime, ForeignKey, Numeric, Text, event, func, or_, select
from sqlalchemy.engine import Engine
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
)
from sqlalchemy.types import TypeDecorator

DB, KEY = os.environ["BENCH_DB"], os.environ["BENCH_KEY"]
PG = DB.startswith("postgres")
URL = DB.replace("postgresql:", "postgresql+psycopg:") if PG else DB
PER_PAGE = 25


class Moment(TypeDecorator):
    """UTC; SQLite has no time zones."""

    impl, cache_ok = DateTime(timezone=True), True

    def process_bind_param(self, value, dialect):
        return value

    def process_result_value(self, value, dialect):
        return value if value is None or value.tzinfo else value.replace(tzinfo=dt.UTC)


def now():
    return dt.datetime.now(dt.UTC)


class Base(DeclarativeBase):
    type_annotation_map = {dt.datetime: Moment, Decimal: Numeric(12, 2)}

    id: Mapped[int] = mapped_column(primary_key=True)


class Dated:
    created_at: Mapped[dt.datetime] = mapped_column(default=now)
    updated_at: Mapped[dt.datetime] = mapped_column(default=now, onupdate=now)


Count = Numeric(12, 3)


class User(Base):
    __tablename__ = "accounts_user"
    email: Mapped[str]
    password: Mapped[str]


class Customer(Base):
    __tablename__ = "customers_customer"
    name: Mapped[str]
    user_id: Mapped[int | None]


class Vehicle(Base):
    __tablename__ = "customers_vehicle"
    name: Mapped[str]
    plate: Mapped[str]


class Mechanic(Base):
    __tablename__ = "mechanics_mechanic"
    name: Mapped[str]
    specialties: Mapped[list] = mapped_column(JSON)
    bio: Mapped[str]
    is_active: Mapped[bool]


class Part(Dated, Base):
    __tablename__ = "inventory_part"
    sku: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    unit: Mapped[str]
    price: Mapped[Decimal]
    cost: Mapped[Decimal]
    on_hand: Mapped[Decimal] = mapped_column(Count)
    allocated: Mapped[Decimal] = mapped_column(Count)
    reorder_point: Mapped[Decimal] = mapped_column(Count)
    reorder_quantity: Mapped[Decimal] = mapped_column(Count)
    bin: Mapped[str]
    barcode: Mapped[str]
    tax_code: Mapped[int | None] = mapped_column("tax_code_id", default=None)
    is_active: Mapped[bool]

    @property
    def available(self):
        return self.on_hand - self.allocated


class TicketMechanic(Dated, Base):
    __tablename__ = "tickets_ticketmechanic"
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets_serviceticket.id"))
    mechanic_id: Mapped[int] = mapped_column(ForeignKey("mechanics_mechanic.id"))
    role: Mapped[str] = mapped_column(default="assistant")
    assigned_at: Mapped[dt.datetime] = mapped_column(default=now)
    mechanic: Mapped[Mechanic] = relationship()

    @property
    def name(self):
        return self.mechanic.name


class TicketPart(Dated, Base):
    __tablename__ = "tickets_ticketpart"
    ticket_id: Mapped[int] = mapped_column(ForeignKey("tickets_serviceticket.id"))
    part_id: Mapped[int] = mapped_column(ForeignKey("inventory_part.id"))
    quantity: Mapped[Decimal] = mapped_column(Count)
    unit_price: Mapped[Decimal]
    unit_cost: Mapped[Decimal]
    line_total: Mapped[Decimal] = mapped_column(Numeric(24, 2))
    allocated: Mapped[Decimal] = mapped_column(Count)
    issued: Mapped[Decimal] = mapped_column(Count, default=Decimal(0))
    job: Mapped[int | None] = mapped_column("job_id", default=None)
    status: Mapped[str] = mapped_column(default="proposed")
    discount_percent: Mapped[Decimal] = mapped_column(default=Decimal(0))
    discount_amount: Mapped[Decimal] = mapped_column(default=Decimal(0))
    part: Mapped[Part] = relationship()


class Ticket(Dated, Base):
    __tablename__ = "tickets_serviceticket"
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers_customer.id"))
    vehicle_id: Mapped[int | None] = mapped_column(ForeignKey("customers_vehicle.id"))
    concern: Mapped[str]
    cause: Mapped[str] = mapped_column(default="")
    correction: Mapped[str] = mapped_column(default="")
    service_date: Mapped[dt.date | None]
    promised_at: Mapped[dt.datetime | None]
    status: Mapped[str] = mapped_column(default="estimate")
    on_hold: Mapped[bool] = mapped_column(default=False)
    hold_reason: Mapped[str] = mapped_column(default="")
    odometer_in: Mapped[int | None]
    odometer_out: Mapped[int | None]
    opened_at: Mapped[dt.datetime] = mapped_column(default=now)
    completed_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    customer: Mapped[Customer] = relationship()
    vehicle: Mapped[Vehicle | None] = relationship()
    mechanics: Mapped[list[TicketMechanic]] = relationship(order_by=TicketMechanic.id)
    parts: Mapped[list[TicketPart]] = relationship(order_by=TicketPart.id)

    @property
    def number(self):
        return f"T-{self.id:06d}"

    @property
    def parts_total(self):
        return sum((line.line_total for line in self.parts), Decimal("0.00"))


EAGER = (
    joinedload(Ticket.customer),
    joinedload(Ticket.vehicle),
    selectinload(Ticket.mechanics).joinedload(TicketMechanic.mechanic),
    selectinload(Ticket.parts).joinedload(TicketPart.part),
)
NEWEST = (Ticket.opened_at.desc(), Ticket.id.desc())


@event.listens_for(Engine, "connect")
def pragmas(connection, _):
    if not PG:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "busy_timeout=20000",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")


def closed(status):
    return select(Ticket).where(Ticket.status == status)


def own(user):
    return select(Ticket).join(Ticket.customer).where(Customer.user_id == user)


def search_mechanics(term):
    query = select(Mechanic).order_by(Mechanic.name, Mechanic.id)
    for word in term.split():
        like = f"%{word}%"
        query = query.where(
            or_(
                Mechanic.name.ilike(like),
                Mechanic.bio.ilike(like),
                Mechanic.specialties.cast(Text).ilike(like),
            )
        )
    return query


def most_popular():
    """(mechanic, number of tickets) pairs, most first."""
    links = (
        select(TicketMechanic.mechanic_id, func.count().label("n"))
        .join(Ticket, Ticket.id == TicketMechanic.ticket_id)
        .where(Ticket.status != "cancelled")
        .group_by(TicketMechanic.mechanic_id)
        .subquery()
    )
    n = func.coalesce(links.c.n, 0)
    return (
        select(Mechanic, n)
        .outerjoin(links, links.c.mechanic_id == Mechanic.id)
        .order_by(n.desc(), Mechanic.name, Mechanic.id)
        .limit(PER_PAGE)
    )


def total(price, quantity):
    return (price * quantity).quantize(Decimal("0.01"), ROUND_HALF_UP)


def iso(moment):
    return None if moment is None else moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def link(base, query, number):
    return (
        base
        + "?"
        + "".join(f"{name}={value}&" for name, value in sorted(query.items()) if name != "page")
        + f"page={number}"
    )


def envelope(base, query, number, count, results):
    return {
        "count": count,
        "next": link(base, query, number + 1) if count > PER_PAGE * number else None,
        "previous": link(base, query, number - 1) if number > 1 else None,
        "results": results,
    }


def password_fits(password, stored):
    _, rounds, salt, digest = stored.split("$")
    return hmac.compare_digest(
        base64.b64decode(digest),
        hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(rounds)),
    )


def tokens(user):
    claims = {"user_id": str(user), "exp": int(time.time())}
    return {
        name: jwt.encode(claims | {"exp": claims["exp"] + life}, KEY, "HS256")
        for name, life in (("access", 900), ("refresh", 86400))
    }


def user_of(header):
    """The user of a bearer token. Raises jwt.InvalidTokenError."""
    return int(jwt.decode(header.removeprefix("Bearer "), KEY, algorithms=["HS256"])["user_id"])
