"""A garage to attack."""

import pytest

from ..test_matrix import World


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """One garage with the owner's ticket in estimate, on which the assigned mechanic is and a part is quoted."""
    return World(request)
