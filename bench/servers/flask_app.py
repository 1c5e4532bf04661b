"""B: Flask, SQLAlchemy and marshmallow, as a good developer writes it: eager loading,
ETags, cached reports, guarded stock.

BENCH_DB=sqlite:///x.sqlite3 gunicorn -w 2 -k gthread --threads 4
'flask_app:create_app()'
"""

import time

import jwt
import tables
from flask import Flask, jsonify, request
from marshmallow import Schema, ValidationError, fields, validate
from sqlalchemy import create_engine, func, select, update
from sqlalchemy.orm import scoped_session, sessionmaker
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
from werkzeug.exceptions import HTTPException, abort

engine = create_engine(tables.URL, pool_size=8, max_overflow=0)
db = scoped_session(sessionmaker(engine))
app = Flask(__name__)
app.json.sort_keys = False
kept = {}


class Moment(fields.DateTime):
    def _serialize(self, value, attr, obj, **kwargs):
        return tables.iso(value)


def money(**kwargs):
    return fields.Decimal(places=2, as_string=True, **kwargs)


def quantity(**kwargs):
    return fields.Decimal(places=3, as_string=True, **kwargs)


class NameSchema(Schema):
    id, name = fields.Integer(), fields.String()


class VehicleSchema(NameSchema):
    plate = fields.String()


class AssignmentSchema(Schema):
    id, name, role = fields.Integer(attribute="mechanic_id"), fields.String(), fields.String()


class SmallPartSchema(Schema):
    id, sku, name = fields.Integer(), fields.String(), fields.String()


class LineSchema(Schema):
    part, job = fields.Nested(SmallPartSchema), fields.Integer()
    quantity, unit_price, line_total, allocated, issued = (
        quantity(),
        money(),
        money(),
        quantity(),
        quantity(),
    )


class TicketSchema(Schema):
    id, number = fields.Integer(), fields.String()
    customer, vehicle = fields.Nested(NameSchema), fields.Nested(VehicleSchema, allow_none=True)
    concern, cause, correction = fields.String(), fields.String(), fields.String()
    service_date, promised_at = fields.Date(), Moment()
    status, on_hold, hold_reason = fields.String(), fields.Boolean(), fields.String()
    odometer_in, odometer_out = fields.Integer(), fields.Integer()
    mechanics, parts = (
        fields.List(fields.Nested(AssignmentSchema)),
        fields.List(fields.Nested(LineSchema)),
    )
    parts_total = money()
    opened_at, completed_at, closed_at, created_at, updated_at = (
        Moment(),
        Moment(),
        Moment(),
        Moment(),
        Moment(),
    )


class MechanicSchema(NameSchema):
    specialties = fields.List(fields.String())
    bio, is_active = fields.String(), fields.Boolean()


class PartSchema(SmallPartSchema):
    description, unit = fields.String(), fields.String()
    price, cost, on_hand, allocated, available = (
        money(),
        money(),
        quantity(),
        quantity(),
        quantity(),
    )
    reorder_point, reorder_quantity = quantity(), quantity()
    bin, barcode, tax_code, is_active = (
        fields.String(),
        fields.String(),
        fields.Integer(),
        fields.Boolean(),
    )
    created_at, updated_at = Moment(), Moment()


class NewTicketSchema(Schema):
    customer, vehicle = fields.Integer(required=True), fields.Integer(load_default=None)
    concern = fields.String(required=True, validate=validate.Length(1, 5000))
    odometer_in = fields.Integer(load_default=None)


class AddPartSchema(Schema):
    part, quantity = (
        fields.Integer(required=True),
        quantity(load_default=1, validate=validate.Range(min=0, min_inclusive=False)),
    )


class AssignSchema(Schema):
    mechanic = fields.Integer(required=True)


class LoginSchema(Schema):
    email, password = fields.Email(required=True), fields.String(required=True)


one_ticket, many_tickets = TicketSchema(), TicketSchema(many=True)
one_mechanic, many_mechanics = MechanicSchema(), MechanicSchema(many=True)
new_ticket, new_part, new_mechanic, login_form = (
    NewTicketSchema(),
    AddPartSchema(),
    AssignSchema(),
    LoginSchema(),
)


@app.teardown_appcontext
def done(_):
    db.remove()


@app.errorhandler(ValidationError)
def invalid(error):
    return jsonify(errors=error.messages), 400


@app.errorhandler(HTTPException)
def refused(error):
    return jsonify(detail=error.description), error.code


def conditional(data):
    response = jsonify(data)
    response.add_etag()
    return response.make_conditional(request)


def get_or_404(model, key, **kwargs):
    return db.get(model, key, **kwargs) or abort(404)


def page(query, schema, order=(), load=()):
    number = max(1, request.args.get("page", 1, int))
    count = db.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    rows = db.scalars(
        query.order_by(*order).options(*load).limit(PER_PAGE).offset(PER_PAGE * (number - 1))
    )
    return tables.envelope(
        request.base_url, request.args.to_dict(), number, count, schema.dump(rows.all())
    )


def cached(name, make):
    hit = kept.get(name)
    if not hit or hit[0] < time.monotonic():
        hit = kept[name] = time.monotonic() + 60, make()
    return jsonify(hit[1])


@app.get("/api/v1/tickets/<int:pk>/")
def ticket(pk):
    return conditional(one_ticket.dump(get_or_404(Ticket, pk, options=EAGER)))


@app.get("/api/v1/tickets/")
def tickets():
    return jsonify(page(tables.closed(request.args["status"]), many_tickets, NEWEST, EAGER))


@app.get("/api/v1/tickets/mine/")
def mine():
    try:
        user = tables.user_of(request.headers.get("Authorization", ""))
    except jwt.InvalidTokenError:
        abort(401)
    return jsonify(page(tables.own(user), many_tickets, NEWEST, EAGER))


@app.get("/api/v1/mechanics/<int:pk>/")
def mechanic(pk):
    return conditional(one_mechanic.dump(get_or_404(Mechanic, pk)))


@app.get("/api/v1/mechanics/")
def mechanics():
    return jsonify(page(tables.search_mechanics(request.args.get("search", "")), many_mechanics))


@app.get("/api/v1/mechanics/popular/")
def popular():
    def make():
        count = db.scalar(select(func.count()).select_from(Mechanic))
        rows = [
            one_mechanic.dump(found) | {"ticket_count": n}
            for found, n in db.execute(tables.most_popular())
        ]
        return tables.envelope(request.base_url, {}, 1, count, rows)

    return cached("popular", make)


@app.get("/api/v1/parts/")
def parts():
    return cached("parts", lambda: page(select(Part), PartSchema(many=True), (Part.sku, Part.id)))


@app.post("/api/v1/tickets/")
def create():
    sent = new_ticket.load(request.get_json())
    customer = get_or_404(Customer, sent["customer"])
    vehicle = get_or_404(Vehicle, sent["vehicle"]) if sent["vehicle"] else None
    made = Ticket(
        customer=customer, vehicle=vehicle, concern=sent["concern"], odometer_in=sent["odometer_in"]
    )
    db.add(made)
    db.commit()
    return jsonify(one_ticket.dump(made)), 201


@app.put("/api/v1/tickets/<int:pk>/add-part/")
def add_part(pk):
    sent = new_part.load(request.get_json())
    n = sent["quantity"]
    enough = Part.on_hand >= Part.allocated + n
    taken = db.execute(
        update(Part)
        .where(Part.id == sent["part"], enough)
        .values(allocated=Part.allocated + n, updated_at=tables.now())
    )
    if not taken.rowcount:
        db.rollback()
        abort(409, "insufficient stock")
    found, part = get_or_404(Ticket, pk, options=EAGER), db.get(Part, sent["part"])
    line = next((line for line in found.parts if line.part_id == part.id), None)
    if line is None:
        line = TicketPart(
            part=part, quantity=0, unit_price=part.price, unit_cost=part.cost, allocated=0, issued=0
        )
        found.parts.append(line)
    line.quantity, line.allocated = line.quantity + n, line.allocated + n
    line.line_total = tables.total(line.unit_price, line.quantity)
    found.version += 1
    db.commit()
    return jsonify(one_ticket.dump(db.get(Ticket, pk, options=EAGER, populate_existing=True)))


@app.put("/api/v1/tickets/<int:pk>/assign-mechanic/")
def assign(pk):
    sent = new_mechanic.load(request.get_json())
    found, worker = get_or_404(Ticket, pk, options=EAGER), get_or_404(Mechanic, sent["mechanic"])
    if all(link.mechanic_id != worker.id for link in found.mechanics):
        found.mechanics.append(TicketMechanic(mechanic=worker))
        found.version += 1
    db.commit()
    return jsonify(one_ticket.dump(db.get(Ticket, pk, options=EAGER, populate_existing=True)))


@app.post("/api/v1/auth/token/")
def login():
    sent = login_form.load(request.get_json())
    found = db.scalars(select(User).where(User.email == sent["email"])).first()
    if not found or not tables.password_fits(sent["password"], found.password):
        abort(401)
    return jsonify(tables.tokens(found.id))


def create_app():
    return app
