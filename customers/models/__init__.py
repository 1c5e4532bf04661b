"""Customers and the vehicles that they own."""

from .customer import Customer, CustomerQuerySet, erased, matches_customer
from .vehicle import Vehicle, VehicleQuerySet

__all__ = [
    "Customer",
    "CustomerQuerySet",
    "Vehicle",
    "VehicleQuerySet",
    "erased",
    "matches_customer",
]
