"""The private names of other libraries that the shop uses: all are listed, are there,
and take what the shop gives them.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from django import VERSION, forms
from django.contrib.admin import ModelAdmin, site
from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.middleware import get_user
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.contrib.sessions.backends.cache import SessionStore
from django.core.handlers.exception import response_for_exception
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, expressions, prefetch_related_objects, query, sql
from django.db.models.sql import constants
from django.db.models.sql.compiler import SQLCompiler
from django.http import HttpRequest, HttpResponse
from django.utils.log import log_response
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.views import SpectacularAPIView
from granian import _futures
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.utils.serializer_helpers import BindingDict
from unfold.admin import ModelAdmin as UnfoldAdmin

from tickets.models import ServiceTicket

from .factories import make_ticket
from .private_names import ROOT, foreign_names, private_names

README = ROOT / "mechanic_shop/fastpath/README.md"
ROW = re.compile(r"^\| `(\w+)` \([^)]+\) \| (`[^|]+`) \| .+ \|$", re.MULTILINE)

# {name: (where it is, its parameters without types and defaults)}
CALLED: dict[str, tuple[Any, str]] = {
    "get_related_populators": (
        query.get_related_populators,
        "klass_info, select, db" + (", fetch_mode" if VERSION >= (6, 1) else ""),
    ),
    "get_converters": (SQLCompiler.get_converters, "self, expressions"),
    "apply_converters": (SQLCompiler.apply_converters, "self, rows, converters"),
    "get_compiler": (sql.Query.get_compiler, "self, using, connection, elide_empty"),
    "insert_values": (sql.InsertQuery.insert_values, "self, fields, objs, raw"),
    "chain": (sql.Query.chain, "self, klass"),
    "add_update_values": (sql.UpdateQuery.add_update_values, "self, values"),
    "validate_no_broken_transaction": (
        BaseDatabaseWrapper.validate_no_broken_transaction,
        "self",
    ),
    "close_if_health_check_failed": (BaseDatabaseWrapper.close_if_health_check_failed, "self"),
    "response_for_exception": (response_for_exception, "request, exc"),
    "log_response": (log_response, "message, args, response, request, logger, level, exception"),
    "simplify_regex": (simplify_regex, "pattern"),
    "BindingDict": (BindingDict, "serializer"),
    "_cbsched_aioschedule": (_futures._cbsched_aioschedule, "loop, ctx, cb"),
    "_get_session_auth_hash": (AbstractBaseUser._get_session_auth_hash, "self, secret"),
    "_make_hash_value": (PasswordResetTokenGenerator._make_hash_value, "self, user, timestamp"),
    "_post_clean": (forms.ModelForm._post_clean, "self"),
    "_get_obj_does_not_exist_redirect": (
        ModelAdmin._get_obj_does_not_exist_redirect,
        "self, request, opts, object_id",
    ),
    "_get_actions_navigation": (
        UnfoldAdmin._get_actions_navigation,
        "self, provided_actions, allowed_actions, object_id",
    ),
    "_get_schema_response": (SpectacularAPIView._get_schema_response, "self, request"),
    "_is_list_view": (AutoSchema._is_list_view, "self, serializer"),
    "_map_basic_serializer": (AutoSchema._map_basic_serializer, "self, serializer, direction"),
    "_setup": (Paragraph._setup, "self, text, style, bulletText, frags, cleaner"),
    "_startPage": (Canvas._startPage, "self"),
}


class Small(serializers.Serializer):
    name = serializers.CharField()


def attributes() -> dict[str, tuple[Any, type]]:
    """{name: (what the library holds there, its type)}."""
    rows = ServiceTicket.objects.select_related("customer")
    compiler: Any = rows.query.get_compiler(connection=connection)
    compiler.as_sql()
    request: Any = HttpRequest()
    request.session = SessionStore()
    get_user(request)
    ticket: Any = make_ticket()
    prefetch_related_objects([ticket], "mechanics")
    small: Any = Small(data={})
    small.is_valid()
    return {
        "klass_info": (compiler.klass_info["related_klass_infos"][0]["select_fields"], list),
        "select": (compiler.select, list),
        "alias_map": (rows.query.alias_map, dict),
        "alias_refcount": (rows.query.alias_refcount, dict),
        "LOUTER": (constants.LOUTER, str),
        "CombinedExpression": (F("pk") + 1, expressions.CombinedExpression),
        "wrap_database_errors": (connection.wrap_database_errors.__enter__, object),
        "ensure_connection": (connection.ensure_connection, Callable),
        "queries_logged": (connection.queries_logged, bool),
        "execute_wrappers": (connection.execute_wrappers, list),
        "errors_occurred": (connection.errors_occurred, bool),
        "_store": (HttpResponse().headers._store["content-type"], tuple),
        "_writable_fields": (list(small._writable_fields), list),
        "_futures": (_futures, type(inspect)),
        "LIST_SERIALIZER_KWARGS": (serializers.LIST_SERIALIZER_KWARGS, tuple),
        "LIST_SERIALIZER_KWARGS_REMOVE": (serializers.LIST_SERIALIZER_KWARGS_REMOVE, tuple),
        "_request": (Request(HttpRequest())._request, HttpRequest),
        "_errors": (small._errors, dict),
        "_validated_data": (small._validated_data, dict),
        "_field": (small["name"]._field, serializers.CharField),
        "_cached_user": (request._cached_user, AnonymousUser),
        "_prefetched_objects_cache": (ticket._prefetched_objects_cache, dict),
        "_registry": (site._registry, dict),
    }


def listed() -> dict[str, set[str]]:
    """{name: the files that the README gives for it}."""
    return {
        name: set(re.findall(r"`([^`]+)`", places))
        for name, places in ROW.findall(README.read_text())
    }


def test_every_private_name_in_the_code_is_listed() -> None:
    found: dict[str, set[str]] = {}
    for name, path in private_names():
        found.setdefault(name, set()).add(path)
    assert len(found) > 20
    told = listed()
    assert {name: places for name, places in found.items() if told.get(name) != places} == {}


def test_every_name_that_is_listed_is_used_where_the_list_says() -> None:
    for name, places in listed().items():
        for place in places:
            assert re.search(rf"\b{name}\b", (ROOT / place).read_text()), (name, place)


@pytest.mark.parametrize("name", CALLED)
def test_what_is_called_takes_what_it_took(name: str) -> None:
    called, parameters = CALLED[name]
    assert ", ".join(inspect.signature(called).parameters) == parameters


@pytest.mark.django_db
def test_what_is_read_is_there() -> None:
    held = attributes()
    for name, (value, kind) in held.items():
        assert isinstance(value, kind), name
    assert listed().keys() == CALLED.keys() | held.keys(), "each is checked here"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("request._get_raw_host()", {"_get_raw_host"}),
        ("from granian import _futures", {"_futures"}),
        ("from django._private import x", {"_private"}),
        ("getattr(row, '_cache', None)", {"_cache"}),
        ("vars(row).pop('_cache')", {"_cache"}),
        ("model._meta.get_field(x)._default_manager", set()),
        ("class A:\n  def __init__(self):\n    self._own = 1\n  def run(self): self._own", set()),
        ("serializer._errors = {}", {"_errors"}),
    ],
)
def test_the_search_sees_what_is_foreign(source: str, names: set[str]) -> None:
    assert foreign_names(source, "") == names
