"""Mechanics, and which of them are asked for most."""

import json
from datetime import date
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Coalesce, Lower

from mechanic_shop.accounts.models import User
from mechanic_shop.accounts.renewal import PeopleQuerySet
from mechanic_shop.currency import amount_field
from mechanic_shop.dates import day_end, day_start
from mechanic_shop.db.models import ShopModel, ShopQuerySet
from mechanic_shop.db.unique_text import has_a_name
from mechanic_shop.http.search import every_word

from .assignments import assignments


def matches_specialty(word: str) -> Q:
    """A condition on the JSON text of the specialties, in which "ü" is an escape on
    SQLite and quotes and brackets are no words.
    """
    if not any(char.isalnum() for char in word):
        return Q(pk__in=())
    return Q(specialties__icontains=word) | Q(specialties__icontains=json.dumps(word)[1:-1])


# django-stubs makes a manager class of each queryset, and takes none for another's.
class MechanicQuerySet(PeopleQuerySet, ShopQuerySet):  # type: ignore[override]
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Everybody may see who works here; which fields is the serializer's matter."""
        return self

    def search(self, term: str) -> Self:
        """Finds mechanics by name, specialty and bio."""
        return self.filter(every_word(term, "name", "bio", also=matches_specialty))

    def by_popularity(self, since: date | None = None, until: date | None = None) -> Self:
        """Each mechanic with ``ticket_count``, most first, then by name; those without
        tickets last.

        Counts tickets that are not cancelled, assigned on a day of the shop from
        ``since`` to ``until``, both included.
        """
        links = assignments.manager.counted()
        if since:
            links = links.filter(assigned_at__gte=day_start(since))
        if until:
            links = links.filter(assigned_at__lt=day_end(until))
        count = (
            links.filter(mechanic=models.OuterRef("pk"))
            .order_by()
            .values("mechanic")
            .annotate(n=Count("pk"))
            .values("n")
        )
        return self.annotate(ticket_count=Coalesce(models.Subquery(count), 0)).order_by(
            "-ticket_count", "name", "pk"
        )


class Mechanic(ShopModel):
    """Somebody who repairs. Public: name, specialties, bio, is_active; the rest is for
    staff.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="mechanic"
    )
    name = models.CharField(max_length=120)
    specialties = models.JSONField(default=list, blank=True, help_text="a list of words")
    bio = models.TextField(max_length=2000, blank=True)
    is_active = models.BooleanField(
        default=True, help_text="works here today; switch off instead of deleting"
    )
    email = models.EmailField(null=True, blank=True)  # noqa: DJ001 - NULL: not known; unique when set
    phone = models.CharField(max_length=40, blank=True)
    hourly_cost = amount_field(null=True, blank=True, help_text="what an hour costs the shop")
    hired_on = models.DateField(null=True, blank=True)

    redactable = frozenset({"name", "email", "phone"})

    objects: ClassVar = MechanicQuerySet.as_manager()  # type: ignore[assignment]  # see above

    class Meta:
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="one_mechanic_per_email",
                violation_error_code="email_taken",
                violation_error_message="Another mechanic has this e-mail.",
            ),
            models.CheckConstraint(
                condition=Q(hourly_cost__isnull=True) | Q(hourly_cost__gte=0),
                name="an_hour_costs_nothing_or_more",
                violation_error_message="An hour cannot cost less than nothing.",
            ),
            has_a_name("a_mechanic_has_a_name", "mechanic"),
        ]
        indexes = [models.Index(fields=["name", "id"], name="mechanics_by_name")]

    def __str__(self) -> str:
        return self.name
