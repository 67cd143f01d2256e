"""A lock, read: which packages, at which versions, by which hashes, for whom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement

_VIA = re.compile(r"^ +# +(?:via +)?(?P<who>\S.*)$")
ROOT_NAME = "pixelpop (pyproject.toml)"
"""How uv names the project itself, its extras included; groups are `…:dev)`."""


class Locked(NamedTuple):
    """One package of a lock."""

    name: str
    """As PyPA's names compare equal: small letters, hyphens."""
    version: str
    hashes: tuple[str, ...]
    """SHA-256 in hex, one per file that may be installed."""
    wanted_by: tuple[str, ...]


def read(path: Path) -> list[Locked]:
    """Every package of a lock, in its order."""
    text = path.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)
    return [_package(block) for block in blocks if block[:1].isalnum()]


def _package(block: str) -> Locked:
    first, *rest = block.splitlines()
    wanted = Requirement(first.rstrip("\\ "))
    (version,) = wanted.specifier
    said = [found["who"] for line in rest if (found := _VIA.match(line))]
    return Locked(
        name=normal(wanted.name),
        version=version.version,
        hashes=tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", block)),
        wanted_by=tuple(who for who in said if who != "via"),
    )


def shipped(packages: list[Locked]) -> set[str]:
    """Names of what an installation brings, extras included, without what development needs."""
    found: set[str] = set()
    wanted = {ROOT_NAME}
    while wanted:
        wanted = {
            one.name for one in packages if one.name not in found and wanted & set(one.wanted_by)
        }
        found |= wanted
    return found


def normal(name: str) -> str:
    """A package's name in the form that compares equal."""
    return re.sub(r"[-_.]+", "-", name).lower()
