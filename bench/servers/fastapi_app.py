"""C: FastAPI, SQLAlchemy 2 and pydantic 2, as a good developer writes it.

BENCH_DB=sqlite:///x.sqlite3 uvicorn fastapi_app:app --workers 2 --loop uvloop --http
httptools
"""

import datetime as dt
import hashlib
import time
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

import jwt
import tables
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from tables import (
    EAGER,
    NEWEST,
    PER_PAGE,
    Customer,
    Mechanic,
    Part,
    Ticket,
    TicketMechanic,
    TicketPart,
    User,
    Vehicle,
)

engine = create_engine(tables.URL, pool_size=8, max_overflow=0)
upsert = postgresql.insert if tables.PG else sqlite.insert
app = FastAPI()
kept = {}


def session():
    with Session(engine) as found:
        yield found


Db = Annotated[Session, Depends(session)]
Moment = Annotated[dt.datetime, PlainSerializer(tables.iso)]
Money = Annotated[Decimal, PlainSerializer(lambda value: f"{value:.2f}")]
Quantity = Annotated[Decimal, PlainSerializer(lambda value: f"{value:.3f}")]


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NameOut(Out):
    id: int
    name: str


class VehicleOut(NameOut):
    plate: str


class AssignmentOut(Out):
    id: int = Field(validation_alias="mechanic_id")
    name: str
    role: str


class SmallPartOut(Out):
    id: int
    sku: str
    name: str


class LineOut(Out):
    part: SmallPartOut
    job: int | None
    quantity: Quantity
    unit_price: Money
    line_total: Money
    allocated: Quantity
    issued: Quantity


class TicketOut(Out):
    id: int
    number: str
    customer: NameOut
    vehicle: VehicleOut | None
    concern: str
    cause: str
    correction: str
    service_date: dt.date | None
    promised_at: Moment | None
    status: str
    on_hold: bool
    hold_reason: str
    odometer_in: int | None
    odometer_out: int | None
    mechanics: list[AssignmentOut]
    parts: list[LineOut]
    parts_total: Money
    opened_at: Moment
    completed_at: Moment | None
    closed_at: Moment | None
    created_at: Moment
    updated_at: Moment


class MechanicOut(NameOut):
    specialties: list[str]
    bio: str
    is_active: bool


class PopularOut(MechanicOut):
    ticket_count: int


class PartOut(SmallPartOut):
    description: str
    unit: str
    price: Money
    cost: Money
    on_hand: Quantity
    allocated: Quantity
    available: Quantity
    reorder_point: Quantity
    reorder_quantity: Quantity
    bin: str
    barcode: str
    tax_code: int | None
    is_active: bool
    created_at: Moment
    updated_at: Moment


Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    count: int
    next: str | None
    previous: str | None
    results: list[Row]


class NewTicket(BaseModel):
    customer: int
    vehicle: int | None = None
    concern: str = Field(min_length=1, max_length=5000)
    odometer_in: int | None = None


class AddPart(BaseModel):
    part: int
    quantity: Decimal = Field(Decimal(1), gt=0)


class Assign(BaseModel):
    mechanic: int


class Login(BaseModel):
    email: str
    password: str


def conditional(found, shape, if_none_match):
    if found is None:
        raise HTTPException(404)
    body = shape.model_validate(found).model_dump_json().encode()
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    if tag == if_none_match:
        return Response(status_code=304, headers={"ETag": tag})
    return Response(body, media_type="application/json", headers={"ETag": tag})


def page(db, request, query, number=1, order=(), load=()):
    count = db.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = db.scalars(
        query.order_by(*order).options(*load).limit(PER_PAGE).offset(PER_PAGE * (number - 1))
    ).all()
    return tables.envelope(
        str(request.url).partition("?")[0], dict(request.query_params), number, count, rows
    )


def cached(name, make):
    hit = kept.get(name)
    if not hit or hit[0] < time.monotonic():
        hit = kept[name] = time.monotonic() + 60, make().model_dump_json().encode()
    return Response(hit[1], media_type="application/json")


IfNoneMatch = Annotated[str | None, Header()]


@app.get("/api/v1/tickets/", response_model=Page[TicketOut])
def tickets(
    db: Db,
    request: Request,
    status: str,
    page_number: Annotated[int, Field(ge=1, alias="page")] = 1,
):
    return page(db, request, tables.closed(status), page_number, NEWEST, EAGER)


@app.get("/api/v1/tickets/mine/", response_model=Page[TicketOut])
def mine(db: Db, request: Request, authorization: Annotated[str, Header()] = ""):
    try:
        user = tables.user_of(authorization)
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    return page(db, request, tables.own(user), 1, NEWEST, EAGER)


@app.get("/api/v1/tickets/{pk}/")
def ticket(pk: int, db: Db, if_none_match: IfNoneMatch = None):
    return conditional(db.get(Ticket, pk, options=EAGER), TicketOut, if_none_match)


@app.get("/api/v1/mechanics/", response_model=Page[MechanicOut])
def mechanics(db: Db, request: Request, search: str = ""):
    return page(db, request, tables.search_mechanics(search))


@app.get("/api/v1/mechanics/popular/")
def popular(db: Db, request: Request):
    def make():
        count = db.scalar(select(func.count()).select_from(Mechanic))
        rows = [
            PopularOut(**MechanicOut.model_validate(found).model_dump(), ticket_count=n)
            for found, n in db.execute(tables.most_popular())
        ]
        return Page[PopularOut](**tables.envelope(str(request.url), {}, 1, count, rows))

    return cached("popular", make)


@app.get("/api/v1/mechanics/{pk}/")
def mechanic(pk: int, db: Db, if_none_match: IfNoneMatch = None):
    return conditional(db.get(Mechanic, pk), MechanicOut, if_none_match)


@app.get("/api/v1/parts/")
def parts(db: Db, request: Request):
    return cached(
        "parts",
        lambda: Page[PartOut].model_validate(
            page(db, request, select(Part), 1, (Part.sku, Part.id)), from_attributes=True
        ),
    )


@app.post("/api/v1/tickets/", response_model=TicketOut, status_code=201)
def create(db: Db, new: NewTicket):
    customer = db.get(Customer, new.customer)
    vehicle = db.get(Vehicle, new.vehicle) if new.vehicle else None
    if customer is None or (new.vehicle and vehicle is None):
        raise HTTPException(404)
    made = Ticket(
        customer=customer, vehicle=vehicle, concern=new.concern, odometer_in=new.odometer_in
    )
    db.add(made)
    db.commit()
    return made


@app.put("/api/v1/tickets/{pk}/add-part/", response_model=TicketOut)
def add_part(pk: int, db: Db, add: AddPart):
    n, now = add.quantity, tables.now()
    enough = Part.on_hand >= Part.allocated + n
    take = (
        update(Part)
        .where(Part.id == add.part, enough)
        .values(allocated=Part.allocated + n, updated_at=now)
        .returning(Part.price, Part.cost)
    )
    taken = db.execute(take.execution_options(synchronize_session=False)).first()
    if taken is None:
        raise HTTPException(409, "insufficient stock")
    price, cost = taken
    line = upsert(TicketPart).values(
        ticket_id=pk,
        part_id=add.part,
        quantity=n,
        unit_price=price,
        unit_cost=cost,
        line_total=tables.total(price, n),
        allocated=n,
        issued=0,
    )
    total = func.round((TicketPart.quantity + line.excluded.quantity) * TicketPart.unit_price, 2)
    more = {
        "quantity": TicketPart.quantity + line.excluded.quantity,
        "allocated": TicketPart.allocated + line.excluded.allocated,
    }
    db.execute(
        line.on_conflict_do_update(
            index_elements=["ticket_id", "part_id"],
            index_where=TicketPart.job.is_(None),
            set_={**more, "line_total": total, "updated_at": now},
        )
    )
    db.execute(
        update(Ticket).where(Ticket.id == pk).values(version=Ticket.version + 1, updated_at=now)
    )
    db.commit()
    return db.get(Ticket, pk, options=EAGER)


@app.put("/api/v1/tickets/{pk}/assign-mechanic/", response_model=TicketOut)
def assign(pk: int, db: Db, sent: Assign):
    db.execute(
        upsert(TicketMechanic)
        .values(ticket_id=pk, mechanic_id=sent.mechanic)
        .on_conflict_do_nothing()
    )
    db.execute(
        update(Ticket)
        .where(Ticket.id == pk)
        .values(version=Ticket.version + 1, updated_at=tables.now())
    )
    db.commit()
    return db.get(Ticket, pk, options=EAGER)


@app.post("/api/v1/auth/token/")
def login(db: Db, who: Login):
    found = db.scalars(select(User).where(User.email == who.email)).first()
    if not found or not tables.password_fits(who.password, found.password):
        raise HTTPException(401)
    return tables.tokens(found.id)
