"""Where the admin's side bar shows customers and vehicles."""

from mechanic_shop.admin.navigation import declare

declare("", 20, "Customers", "group", "customers.customer")
declare("", 30, "Vehicles", "directions_car", "customers.vehicle")
