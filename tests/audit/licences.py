"""Licences: each package that we ship has one that is allowed, or an exception with a reason."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.audit.lock import normal

RULES = Path(__file__).with_name("licences.toml")
_BORDER = re.compile(r"\s*;\s*|\s+(?:AND|OR)\s+|\s*[()]\s*")


class Package(NamedTuple):
    """An installed package and what its metadata says about its licence."""

    name: str
    version: str
    licence: str


class Rules(NamedTuple):
    """What `licences.toml` says."""

    allowed: frozenset[str]
    exceptions: Mapping[str, Mapping[str, str]]
    """Name → `licence` (what it really is) and `reason`."""


def rules(path: Path = RULES) -> Rules:
    """The licences that are allowed, and the exceptions."""
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    return Rules(frozenset(said["allowed"]), said["exceptions"])


@cache
def installed() -> Mapping[str, Package]:
    """Every package of this environment, by its name."""
    said = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", "--with-system"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {
        normal(one["Name"]): Package(one["Name"], one["Version"], one["License"])
        for one in json.loads(said.stdout)
    }


def refused(packages: Mapping[str, Package], names: Iterable[str], by: Rules) -> list[str]:
    """What is wrong with the licences of some packages, a sentence each.

    Args:
        packages: installed ones, by name.
        names: those that are shipped.
        by: what is allowed.
    """
    problems = []
    for name in sorted(set(names) - set(by.exceptions)):
        package = packages.get(name)
        if package is None:
            problems.append(f"{name} is in the lock and not installed: its licence is not known.")
        elif not is_allowed(package.licence, by.allowed):
            problems.append(f"{name} {package.version} has the licence {package.licence!r}.")
    return problems


def is_allowed(licence: str, allowed: frozenset[str]) -> bool:
    """Whether a licence, or each part of an expression, is allowed."""
    if licence in allowed:
        return True
    # Each part, also where one of them would be enough: nobody has to choose.
    parts = [part for part in _BORDER.split(licence) if part]
    return bool(parts) and all(part in allowed for part in parts)
