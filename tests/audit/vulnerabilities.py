"""Known vulnerabilities of what is locked, as pip-audit finds them; and whether it could look."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.audit import lock

TIMEOUT_SECONDS = 300.0
"""For one list; pip-audit asks about each package by itself."""

VULNERABLE = ("pyyaml", "5.3")
"""CVE-2020-14343. A database that does not know it answers, but does not know anything."""

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class Found(NamedTuple):
    """What one look at one lock gave."""

    vulnerable: list[str]
    """A sentence each."""
    unchecked: list[str]
    """Packages that nobody could say anything about."""
    checked: int
    why: str = ""
    """Why nothing was checked, in pip-audit's words, where it said so."""


def look(requirements: Path, *, run: Run | None = None) -> Found:
    """Ask about every package of a list of requirements.

    Where the database does not answer, all of them are `unchecked`: nothing found is then no news.
    """
    command = [
        *(sys.executable, "-m", "pip_audit", "--requirement", str(requirements)),
        *("--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off"),
    ]
    done = (run or _run)(command)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = done.stderr.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return Found([], [one.name for one in lock.read(requirements)], 0, last[0])
    vulnerable, unchecked, checked, why = [], [], 0, ""
    for package in packages:
        if "skip_reason" in package:
            unchecked.append(package["name"])
            why = package["skip_reason"]
            continue
        checked += 1
        vulnerable += [
            f"{package['name']} {package['version']}: {one['id']}"
            f" ({', '.join(one.get('aliases', [])) or 'no other name'}),"
            f" fixed in {', '.join(one['fix_versions']) or 'no version'}."
            for one in package["vulns"]
        ]
    return Found(vulnerable, unchecked, checked, why)


def look_at_all(packages: Iterable[tuple[str, str]], *, run: Run | None = None) -> Found:
    """Ask about names and versions, once it is known that there is somebody to ask.

    First comes one package that is known to be vulnerable: where the database is out of reach,
    or is a mirror that keeps no vulnerabilities, nobody asks it hundreds of times.
    """
    wanted = sorted(set(packages))
    first = _ask([VULNERABLE], run)
    if not first.vulnerable:
        name, version = VULNERABLE
        why = first.why or f"it finds nothing wrong with {name} {version}"
        return Found([], [name for name, _ in wanted], 0, why)
    looks = [_ask(some, run) for some in _apart(wanted)]
    return Found(
        vulnerable=[sentence for one in looks for sentence in one.vulnerable],
        unchecked=[name for one in looks for name in one.unchecked],
        checked=sum(one.checked for one in looks),
        why=next((one.why for one in looks if one.why), ""),
    )


def _apart(packages: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Spread over lists in which no name is there twice: pip-audit refuses that."""
    lists: list[dict[str, str]] = []
    for name, version in packages:
        free = next((one for one in lists if name not in one), None)
        if free is None:
            lists.append(free := {})
        free[name] = version
    return [list(one.items()) for one in lists]


def _ask(packages: list[tuple[str, str]], run: Run | None) -> Found:
    # Without the locks' markers: what is for other platforms is shipped, too.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "packages.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in packages))
        return look(file, run=run)


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "no answer in time")
