"""Django's log of what was done in the admin: it keeps the names of rows, as they were."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models


def forget_in_log(*rows: models.Model) -> None:
    """Let the log call these rows what they are called now, and say no more than who
    did something, and when.
    """
    for row in rows:
        about = LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(row), object_id=str(row.pk)
        )
        about.update(object_repr=str(row)[:200], change_message="")
