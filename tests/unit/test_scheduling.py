"""What runs in one process, so that it is started once."""

from __future__ import annotations

import pytest

from tests.scheduling import unit_of


@pytest.mark.parametrize(
    ("nodeid", "unit"),
    [
        ("tests/e2e/test_spine.py::test_a_picture", "tests/e2e"),
        ("tests/integration/gateway/test_gifts.py::test_late[a::b]", "tests/integration/gateway"),
        ("tests/integration/test_embedded.py::test_a_port", "tests/integration/test_embedded.py"),
        ("tests/unit/worker/test_storing.py::test_a_key", "tests/unit/worker/test_storing.py"),
        ("tests/contract/test_image.py::test_a_user", "tests/contract/test_image.py"),
    ],
)
def test_what_shares_a_world_is_one_unit(nodeid: str, unit: str) -> None:
    """A folder of integration tests has one world; others have only their module's."""
    assert unit_of(nodeid) == unit
