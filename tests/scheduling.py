"""Which process runs which test: what shares servers or a world stays in one."""

from __future__ import annotations

from typing import Final

from xdist.scheduler import LoadScopeScheduling

SHARING: Final = ("tests/integration/", "tests/e2e/")
"""Below these, the tests of a folder share what takes long to start."""


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Work units of pytest-xdist: whole folders where they share something, else modules.

    pytest-xdist has `--dist loadgroup` for this, which groups nothing under pytest 9.2, and does
    not say so: https://github.com/pytest-dev/pytest-xdist/issues/1386.
    """

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


def unit_of(nodeid: str) -> str:
    """What the test runs together with."""
    module = nodeid.partition("::")[0]
    folder = module.rpartition("/")[0]
    return folder if f"{folder}/".startswith(SHARING) and folder != "tests/integration" else module
