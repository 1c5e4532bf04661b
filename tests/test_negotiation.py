"""What a request may be written in, and what may be asked for."""

import codecs
import gzip
from typing import Any

import orjson
import pytest

from inventory.models import Part

from .answers import refused
from .conftest import Client
from .factories import make_ticket

pytestmark = pytest.mark.django_db
API = "/api/v1"
PART = orjson.dumps({"sku": "A", "name": "A", "price": 1})


def send(client: Client, body: bytes, **headers: Any) -> Any:
    return client.generic(
        "POST",
        f"{API}/parts/",
        body,
        content_type=headers.pop("content_type", "application/json"),
        **headers,
    )


@pytest.mark.parametrize("accept", ["", " "])
@pytest.mark.parametrize(
    "path", ["tickets/", "tickets/{}/", "tickets/{}/estimate/", "reports/sales/", "auth/me/"]
)
def test_an_empty_accept_means_any_media_type(manager: Client, accept: str, path: str) -> None:
    path = path.format(make_ticket().pk)
    response = manager.get(f"{API}/{path}", HTTP_ACCEPT=accept)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    assert manager.get(f"{API}/{path}", HTTP_ACCEPT="image/png").status_code == 406


def test_json_may_begin_with_a_byte_order_mark(manager: Client) -> None:
    assert send(manager, codecs.BOM_UTF8 + PART).status_code == 201
    refused(send(manager, codecs.BOM_UTF8), 400, "parse_error")


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "gzip, identity"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_compressed_body_is_415_and_the_answer_says_so(
    manager: Client, encoding: str, content_type: str
) -> None:
    response = send(
        manager, gzip.compress(PART), HTTP_CONTENT_ENCODING=encoding, content_type=content_type
    )
    assert encoding.lower() in refused(response, 415, "unsupported_media_type")["detail"]
    assert not Part.objects.exists()


def test_a_compressed_body_that_does_not_say_so_is_415_too(manager: Client) -> None:
    assert (
        "gzip"
        in refused(send(manager, gzip.compress(PART)), 415, "unsupported_media_type")["detail"]
    )
    assert send(manager, PART, HTTP_CONTENT_ENCODING="identity").status_code == 201
