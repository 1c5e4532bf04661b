"""What became of a ticket, as JSON."""

from rest_framework import serializers

from mechanic_shop.db.audit import Kind
from mechanic_shop.http.date_fields import UTCField
from mechanic_shop.http.related_fields import NestedRelatedField


class AboutSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField(allow_null=True, help_text="null when it is gone")


class ChangeSerializer(serializers.Serializer):
    field = serializers.CharField()
    # "from" is no name for a class attribute.
    vars()["from"] = serializers.JSONField(allow_null=True)
    to = serializers.JSONField(allow_null=True)


class HistorySerializer(serializers.Serializer):
    """Something that became of a ticket; ``id`` is unique among rows of one ``kind``."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    at = UTCField()
    by = NestedRelatedField(
        read_only=True, fields=("display_name",), aliases={"display_name": "name"}, allow_null=True
    )
    vars()["from"] = serializers.CharField(
        allow_null=True, help_text="the status before a move; empty for a new ticket"
    )
    to = serializers.CharField(allow_null=True, help_text="the status after a move")
    reason = serializers.CharField(help_text="why it was moved")
    about = AboutSerializer(allow_null=True, help_text="the part or the mechanic")
    changes = ChangeSerializer(many=True)
