"""Licences: each package that we ship has one that is allowed, or an exception with a reason."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

RULES = Path(__file__).with_name("licences.toml")
_BORDER = re.compile(r"\s*;\s*|\s+(?:AND|OR)\s+|\s*[()]\s*")


class Package(NamedTuple):
    """An installed package and what its metadata says about its licence."""

    name: str
    version: str
    licence: str


def installed() -> list[Package]:
    """Every package of this environment."""
    said = subprocess.run(
        [sys.executable, "-m", "piplicenses", "--format=json", "--from=mixed", "--with-system"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [Package(one["Name"], one["Version"], one["License"]) for one in json.loads(said.stdout)]


def refused(packages: Iterable[Package], shipped: Iterable[str]) -> list[str]:
    """What is wrong with the licences of the shipped packages, a sentence each.

    Args:
        packages: installed ones.
        shipped: names from a lock.
    """
    rules = tomllib.loads(RULES.read_text(encoding="utf-8"))
    allowed, exceptions = set(rules["allowed"]), set(rules["exceptions"])
    known = {normal(package.name): package for package in packages}
    problems = []
    for name in sorted({normal(one) for one in shipped}):
        package = known.get(name)
        if name in exceptions:
            continue
        if package is None:
            problems.append(f"{name} is in the lock and not installed: its licence is not known.")
        elif not _is_allowed(package.licence, allowed):
            problems.append(f"{name} {package.version} has the licence {package.licence!r}.")
    return problems


def _is_allowed(licence: str, allowed: set[str]) -> bool:
    if licence in allowed:
        return True
    # An expression: each part must be allowed, also where one of them would be enough.
    parts = [part for part in _BORDER.split(licence) if part]
    return bool(parts) and all(part in allowed or part == "DFSG approved" for part in parts)


def normal(name: str) -> str:
    """A package's name in the form that compares equal."""
    return re.sub(r"[-_.]+", "-", name).lower()
