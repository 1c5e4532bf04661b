"""Plain Django models over the shop's tables: what startapp and an evening give."""
# ruff: noqa: DJ008

from decimal import Decimal

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Table(models.Model):
    class Meta:
        abstract, managed, app_label = True, False, "naive"


class Dated(Table):
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Table.Meta):
        abstract = True


def money(digits=12, **kwargs):
    return models.DecimalField(max_digits=digits, decimal_places=2, **kwargs)


def quantity(**kwargs):
    return models.DecimalField(max_digits=12, decimal_places=3, **kwargs)


class User(AbstractBaseUser, Table):
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    USERNAME_FIELD, objects = "email", BaseUserManager()

    class Meta(Table.Meta):
        db_table, abstract = "accounts_user", False


class Customer(Table):
    name = models.CharField(max_length=120)
    user = models.OneToOneField(User, models.SET_NULL, null=True)

    class Meta(Table.Meta):
        db_table, abstract = "customers_customer", False


class Vehicle(Table):
    name = models.CharField(max_length=200)
    plate = models.CharField(max_length=17)

    class Meta(Table.Meta):
        db_table, abstract = "customers_vehicle", False


class Mechanic(Table):
    name = models.CharField(max_length=120)
    specialties = models.JSONField(default=list)
    bio = models.TextField()
    is_active = models.BooleanField(default=True)

    class Meta(Table.Meta):
        db_table, abstract, ordering = "mechanics_mechanic", False, ["name", "id"]


class Part(Dated):
    sku = models.CharField(max_length=60)
    name = models.CharField(max_length=160)
    description = models.TextField()
    unit = models.CharField(max_length=10)
    price, cost = money(), money()
    on_hand, allocated, reorder_point, reorder_quantity = (
        quantity(),
        quantity(),
        quantity(),
        quantity(),
    )
    bin = models.CharField(max_length=30)
    barcode = models.CharField(max_length=60)
    tax_code = models.IntegerField(null=True, db_column="tax_code_id")
    is_active = models.BooleanField(default=True)

    class Meta(Table.Meta):
        db_table, abstract, ordering = "inventory_part", False, ["sku", "id"]

    @property
    def available(self):
        return self.on_hand - self.allocated


class Ticket(Dated):
    customer = models.ForeignKey(Customer, models.CASCADE)
    vehicle = models.ForeignKey(Vehicle, models.CASCADE, null=True)
    concern = models.TextField()
    cause, correction = models.TextField(default=""), models.TextField(default="")
    service_date = models.DateField(null=True)
    promised_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=20, default="estimate")
    on_hold = models.BooleanField(default=False)
    hold_reason = models.CharField(max_length=20, default="")
    odometer_in, odometer_out = (
        models.PositiveIntegerField(null=True),
        models.PositiveIntegerField(null=True),
    )
    opened_at = models.DateTimeField(auto_now_add=True)
    completed_at, closed_at = models.DateTimeField(null=True), models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta(Table.Meta):
        db_table, abstract, ordering = "tickets_serviceticket", False, ["-opened_at", "-id"]

    @property
    def number(self):
        return f"T-{self.id:06d}"

    @property
    def parts_total(self):
        return sum((line.line_total for line in self.parts.all()), Decimal("0.00"))


class TicketMechanic(Dated):
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="mechanics")
    mechanic = models.ForeignKey(Mechanic, models.CASCADE, related_name="links")
    role = models.CharField(max_length=10, default="assistant")
    assigned_at = models.DateTimeField(auto_now_add=True)

    class Meta(Table.Meta):
        db_table, abstract, ordering = "tickets_ticketmechanic", False, ["id"]


class TicketPart(Dated):
    ticket = models.ForeignKey(Ticket, models.CASCADE, related_name="parts")
    part = models.ForeignKey(Part, models.CASCADE)
    unit_price, unit_cost, line_total = money(), money(), money(24)
    quantity, allocated, issued = quantity(), quantity(default=0), quantity(default=0)
    job = models.IntegerField(null=True, db_column="job_id")
    status = models.CharField(max_length=10, default="proposed")
    discount_percent, discount_amount = money(default=0), money(default=0)

    class Meta(Table.Meta):
        db_table, abstract, ordering = "tickets_ticketpart", False, ["id"]
