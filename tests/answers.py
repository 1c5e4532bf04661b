"""What every refusal of the API looks like."""

from typing import Any


def refused(
    response: Any, status: int, code: str | None = None, field: str | None = None
) -> dict[str, Any]:
    """It is the API's one shape, with this status and code (at this field); returns its
    body.
    """
    assert response.status_code == status, (response.status_code, response.content[:500])
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["request_id"]
    assert {"type", "title", "detail", "code"} <= body.keys()
    if field is not None:
        found = [(error["field"], error["code"]) for error in body["errors"]]
        assert field in [name for name, _ in found], found
        assert code is None or (field, code) in found, found
    elif code is not None:
        assert body["code"] == code, body
    return body
