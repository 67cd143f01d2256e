"""Which licences are let through."""

from __future__ import annotations

import pytest

from tests.audit import lock
from tests.audit.__main__ import SHIPPED, WHOLE
from tests.audit.licences import Package, Rules, installed, is_allowed, refused, rules

BY = Rules(frozenset({"MIT", "Apache-2.0"}), {"odd": {"licence": "Odd", "reason": "odd"}})


@pytest.mark.parametrize(
    "licence", ["MIT", "Apache-2.0 OR MIT", "(MIT AND Apache-2.0)", "MIT; MIT"]
)
def test_allowed_licences_pass(licence: str) -> None:
    """One allowed licence, or an expression of allowed ones alone, is let through."""
    assert is_allowed(licence, BY.allowed)


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "MIT AND GPL-3.0-only", "MIT; GPL-3.0-only", "MIT-ish", "UNKNOWN", "", ";"],
)
def test_other_licences_do_not(licence: str) -> None:
    """What is unknown, or names anything that is not allowed, is refused."""
    assert not is_allowed(licence, BY.allowed)


def test_what_is_wrong_is_said() -> None:
    """A wrong licence and a package that nobody could look at are named; an exception is not."""
    packages = {"good": Package("good", "1", "MIT"), "bad": Package("bad", "2", "AGPL-3.0-only")}
    assert refused(packages, ["good", "bad", "absent", "odd"], BY) == [
        "absent is in the lock and not installed: its licence is not known.",
        "bad 2 has the licence 'AGPL-3.0-only'.",
    ]


def test_everything_that_is_shipped_is_allowed() -> None:
    """Every package of the production lock, and of the extras, has an allowed licence here."""
    names = {one.name for one in lock.read(SHIPPED)} | lock.shipped(lock.read(WHOLE))
    assert refused(installed(), names, rules()) == []


def test_every_exception_is_needed_and_explained() -> None:
    """An exception names a shipped package, its licence and a reason, and is not idle."""
    ours, packages = rules(), installed()
    names = {one.name for one in lock.read(SHIPPED)} | lock.shipped(lock.read(WHOLE))
    for name, exception in ours.exceptions.items():
        assert name in names, f"{name} is not shipped"
        assert exception["licence"], name
        assert exception["reason"], name
        package = packages.get(name)
        assert package is None or not is_allowed(package.licence, ours.allowed), f"{name}: idle"
