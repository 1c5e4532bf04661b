"""What is done on a ticket, or could be."""

import re
from decimal import Decimal
from typing import ClassVar, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q

from mechanic_shop.accounts.models import User
from mechanic_shop.currency import sum_field
from mechanic_shop.db.audit import Kind
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.errors import DomainError
from mechanic_shop.http.search import every_word

from ..pricing import arithmetic, shop_rules
from .priced import approved_amount
from .statuses import ENDED, JobStatus, Status
from .ticket import ServiceTicket, ticket_number


class JobQuerySet(ShopQuerySet):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Of all tickets for staff, else of the user's own."""
        if user.has_perm("tickets.view_serviceticket"):
            return self
        return self.filter(ticket__customer__user=user) if user.is_authenticated else self.none()

    def search(self, term: str) -> Self:
        """Finds jobs by title, or by ticket number."""
        if number := re.fullmatch(r"T-([0-9]{6,18})", term.strip(), re.IGNORECASE | re.ASCII):
            return self.filter(ticket=int(number[1]))
        return self.filter(every_word(term, "title"))

    def recommended(self) -> Self:
        """Declined or deferred, and on no later ticket since.

        What a cancelled ticket or job took up is open again, and recommended once.
        """
        taken = (
            Job.objects.filter(continues=OuterRef("pk"))
            .exclude(ticket__status=Status.CANCELLED)
            .exclude(status=JobStatus.CANCELLED)
        )
        again = Q(ticket__status=Status.CANCELLED, continues__isnull=False)
        return self.filter(
            ~Exists(taken), ~again, status__in=(JobStatus.DECLINED, JobStatus.DEFERRED)
        )


class Job(ShopModel):
    """One thing that is done, or could be, on a ticket: its labor, parts, sublet work,
    fees and trade-ins under one heading.

    ``authorized_total`` is what the customer said yes to: the sum of its lines, before
    the ticket's discount and tax.
    """

    ticket = models.ForeignKey(ServiceTicket, models.CASCADE, related_name="jobs", db_index=False)
    position = models.PositiveIntegerField(
        default=0, help_text="its place on the ticket; jobs of one place stand as they were made"
    )
    title = models.CharField(max_length=200)
    concern = models.TextField(max_length=5000, blank=True, help_text="what the customer says")
    cause = models.TextField(max_length=5000, blank=True, help_text="what was found")
    correction = models.TextField(max_length=5000, blank=True, help_text="what was done")
    status = models.CharField(
        max_length=10, choices=JobStatus.choices, default=JobStatus.PROPOSED, editable=False
    )
    authorized_total = sum_field(null=True, blank=True, editable=False)
    approved_amount = approved_amount()
    continues = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="continued_by"
    )

    unaudited: ClassVar[frozenset[str]] = frozenset({"ticket", "continues", "approved_amount"})
    entry_kind = Kind.JOB

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        ordering = ("ticket", "position", "pk")
        constraints = [
            models.CheckConstraint(
                condition=~Q(title=""),
                name="a_job_has_a_title",
                violation_error_message="Say what is to be done.",
            )
        ]
        indexes = [
            models.Index(fields=["ticket", "position", "id"], name="jobs_of_a_ticket"),
            models.Index(fields=["status", "id"], name="jobs_by_status"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def owner_id(self) -> int | None:
        return self.ticket.owner_id

    @property
    def number(self) -> str:
        """The ticket's."""
        return ticket_number(self.ticket_id)

    @property
    def total(self) -> Decimal:
        """What its lines come to, before the ticket's discount and tax."""
        return shop_rules.rounding().round(
            arithmetic.add(line.line_total for line in (*self.lines.all(), *self.parts.all()))
        )

    def refuse_ended(self) -> None:
        """Raises DomainError ``job_ended`` for a job to which nothing is added any
        more.
        """
        if self.status in ENDED:
            raise DomainError(
                "job_ended",
                f'The job "{self.title}" is {self.status}: add a new job to {self.number}.',
                job=self.pk,
                job_status=self.status,
            )

    def audit_subject(self) -> tuple[type[models.Model], int, int | None]:
        return ServiceTicket, self.ticket_id, self.pk

    def audit_label(self) -> str:
        return ticket_number(self.ticket_id)
