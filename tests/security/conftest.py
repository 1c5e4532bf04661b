"""A garage to attack."""

import pytest

from ..test_matrix import World


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """One garage with the owner's ticket in estimate, on which the assigned mechanic is
    and a part is quoted.
    """
    found = World(request)
    call = getattr(request.node, "callspec", None) and request.node.callspec.params.get("call")
    if call is not None:
        found.prepare(str(call))
    return found
