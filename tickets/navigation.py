"""Where the admin's side bar shows tickets and money."""

from mechanic_shop.admin.navigation import declare

declare("", 10, "Tickets", "assignment", "tickets.serviceticket")
declare("Money", 10, "Invoices", "receipt_long", "tickets.invoice")
declare("Money", 20, "Payments", "payments", "tickets.payment")
declare("Money", 30, "Credit notes", "contract_delete", "tickets.creditnote")
declare("Money", 40, "Approvals", "thumb_up", "tickets.authorization")
declare("Shop", 20, "Canned jobs", "inventory", "tickets.cannedjob")
declare("Shop", 30, "Labor rates", "schedule", "tickets.laborrate")
