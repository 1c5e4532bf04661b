"""What each role may do with tickets, jobs and money."""

from mechanic_shop.accounts.roles import ALL, declare, rights

VIEWS = (
    rights("tickets.serviceticket", "view")
    | rights("tickets.statuschange", "view")
    | rights("tickets.laborrate", "view")
    | rights("tickets.cannedjob", "view")
)

declare(
    mechanic=VIEWS | {"tickets.work_on_assigned"},
    advisor=VIEWS
    | rights("tickets.serviceticket", "add", "change")
    | rights("tickets.ticketmechanic", "view")
    | rights("tickets.ticketpart", "view")
    | rights("tickets.job", "view")
    | rights("tickets.jobline", "view")
    | rights("tickets.authorization", "view")
    | rights("tickets.invoice", "view", "add")
    | rights("tickets.creditnote", "view")
    | rights("tickets.payment", "view", "add")
    | {"tickets.assign_mechanic", "tickets.move_serviceticket"},
    manager=rights("tickets.serviceticket", *ALL)
    | rights("tickets.ticketmechanic", *ALL)
    | rights("tickets.ticketpart", *ALL)
    | rights("tickets.laborrate", *ALL)
    | rights("tickets.cannedjob", *ALL)
    | rights("tickets.creditnote", "add")
    | {"tickets.refund_payment", "tickets.view_reports"},
)
