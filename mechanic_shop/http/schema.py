"""The OpenAPI schema: what drf-spectacular cannot know by itself."""

from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from .number_fields import MoneyField, PlainDecimalField, UnitPriceField
from .related_fields import NestedRelatedField

HEADERS = {
    "Idempotency-Key": (
        "1 to 255 visible ASCII characters: the same key and body within 24 hours replays "
        "the first answer."
    ),
    "If-Match": "The ETag that you read: 412 if somebody changed the object since.",
    "If-None-Match": "An ETag that you have: 304 if nothing changed.",
}
SHAPES: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {"minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
}
PROBLEMS = {
    "400": "The request is malformed; `errors` says where.",
    "401": "Who are you? Log in, and send the access token.",
    "403": "You may see this, but not do it.",
    "404": "There is no such thing, or it is not yours.",
    "406": "The shop cannot answer in a media type that you accept.",
    "409": "The shop's rules say no; `code` is stable, the facts stand beside it.",
    "412": "Somebody changed the object since you read it.",
    "413": "The body is larger than 1 MiB.",
    "415": "Send JSON.",
    "422": "The Idempotency-Key was used for another request.",
    "428": "This shop asks for If-Match: send the ETag that you read.",
    "429": "Too many requests: wait for Retry-After seconds.",
    "503": "The shop cannot do this just now: try again after Retry-After seconds.",
}
PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": (
        "RFC 9457 problem details; a refusal by the shop's rules carries its facts as "
        "further members."
    ),
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "stable, snake_case"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["field", "code", "detail"],
            },
        },
        "request_id": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "additionalProperties": True,
}


DECIMALS: dict[type, str] = {
    MoneyField: (
        "an amount; its decimals are those of the shop's currency: 375 (JPY), 54.41 (USD), "
        "54.410 (KWD)"
    ),
    UnitPriceField: "of one unit; with the currency's decimals, and up to four where it needs more",
}


def response_schema(serializer: Any, many: bool = False, **kwargs: Any) -> Any:
    """Document an action: what it answers is not what it takes."""
    return extend_schema(responses=serializer(many=True) if many else serializer, **kwargs)


class ShopSchema(AutoSchema):
    """Pages lists of actions too, and shows filters on lists alone."""

    def _is_list_view(self, serializer: Any = None) -> bool:
        paged = getattr(self.view, "pagination_class", None) is not None  # a report is one document
        if (
            paged
            and getattr(self.view, "detail", None) is False
            and getattr(self.view, "action", "") not in ("create", "metadata")
        ):
            return self.method == "GET"
        return super()._is_list_view(serializer)

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """Describe fields that need a permission as optional."""
        described = super()._map_basic_serializer(serializer, direction)
        sure = [
            name
            for name in described.get("required", [])
            if name not in getattr(serializer, "permission_required_fields", {})
        ]
        return described | ({"required": sure} if "required" in described else {})

    def get_auth(self) -> list[dict[str, list[str]]]:
        """The ways to log in; empty where the permission allows visitors."""
        auths = super().get_auth()
        visitor: Any = SimpleNamespace(user=AnonymousUser(), method=self.method)
        if {} not in auths and all(
            permission.has_permission(visitor, self.view)
            for permission in self.view.get_permissions()
        ):
            auths.append({})
        return auths

    def get_tags(self) -> list[str]:
        return [self.path.removeprefix("/api/v1/").split("/")[0]]


class SmallRelation(OpenApiSerializerFieldExtension):
    """Read as {id, name}; written as the id or as what was read."""

    target_class = NestedRelatedField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        shown = {name: {"type": "string"} for name in self.target.shown_fields}
        if direction == "response":
            return {
                "type": "object",
                "properties": {"id": {"type": "integer"}} | shown,
                "required": ["id", *shown],
            }
        ident = {"type": "integer", "minimum": 1}
        return {
            "oneOf": [ident, {"type": "object", "properties": {"id": ident}, "required": ["id"]}]
        }


class DecimalAsWritten(OpenApiSerializerFieldExtension):
    """Decimals are answered as strings and taken as strings or numbers."""

    target_class: Any = PlainDecimalField
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        said = next(
            (text for kind, text in DECIMALS.items() if isinstance(self.target, kind)), None
        )
        described = {"description": said} if said else {}  # the field's own words go before
        if direction == "response":
            return {"type": "string", "format": "decimal"} | described
        places = self.target.decimal_places
        sign = "" if self.target.min_value is not None and self.target.min_value >= 0 else "-?"
        pattern = rf"^{sign}[0-9]{{1,{self.target.max_digits - places}}}(\.[0-9]{{1,{places}}})?$"
        return {"type": "string", "format": "decimal", "pattern": pattern} | described


def complete(
    result: dict[str, Any], generator: Any, request: Request, public: bool
) -> dict[str, Any]:
    """Add to every operation its refusals and the headers that it understands."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            add_headers(operation, method, path)
            for status in refusals(operation, method, path):
                content = {
                    "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                }
                operation["responses"].setdefault(
                    status, {"description": PROBLEMS[status], "content": content}
                )
            if method == "get" and "200" in operation["responses"]:
                operation["responses"].setdefault("304", {"description": "You have it already."})
    return result


def refusals(operation: dict[str, object], method: str, path: str) -> list[str]:
    """The statuses with which an operation may refuse."""
    statuses = ["400", "404", "406", "429", "503"]
    if operation.get("security") or "/auth/" in path:
        statuses.append("401")
    if "/auth/token" not in path:
        statuses.append("403")
    if method != "get":
        statuses += ["409", "413", "415", "422"]
    if method in ("put", "patch", "delete"):
        statuses.append("412")
    if method in ("put", "patch"):
        statuses.append("428")
    return statuses


def add_headers(operation: dict[str, Any], method: str, path: str) -> None:
    names = []
    # stored tokens would be stolen tokens
    if method in ("post", "put") and not path.endswith(
        ("/auth/token/", "/auth/token/refresh/", "/share/")
    ):
        names.append("Idempotency-Key")
    if method in ("put", "patch", "delete") and "{id}" in path:
        names.append("If-Match")
    if method == "get":
        names.append("If-None-Match")
    parameters = operation.setdefault("parameters", [])
    for name in names:
        shape = {"type": "string"} | SHAPES.get(name, {})
        parameters.append(
            {
                "name": name,
                "in": "header",
                "required": False,
                "description": HEADERS[name],
                "schema": shape,
            }
        )
