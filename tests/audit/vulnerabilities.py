"""Known vulnerabilities of what is locked, as pip-audit finds them; and whether it could look."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

TIMEOUT_SECONDS = 300.0
"""For one lock; pip-audit asks about each package by itself."""

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class Found(NamedTuple):
    """What one look at one lock gave."""

    vulnerable: list[str]
    """A sentence each."""
    unchecked: list[str]
    """Packages that nobody could say anything about."""
    checked: int


def look(requirements: Path, *, run: Run | None = None) -> Found:
    """Ask about every package of a lock.

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
        return Found([], names(requirements), 0)
    vulnerable, unchecked, checked = [], [], 0
    for package in packages:
        if "skip_reason" in package:
            unchecked.append(package["name"])
            continue
        checked += 1
        vulnerable += [
            f"{package['name']} {package['version']}: {one['id']}"
            f" ({', '.join(one.get('aliases', [])) or 'no other name'}),"
            f" fixed in {', '.join(one['fix_versions']) or 'no version'}."
            for one in package["vulns"]
        ]
    return Found(vulnerable, unchecked, checked)


def names(requirements: Path) -> list[str]:
    """The packages of a lock."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return [line.partition("==")[0].partition("[")[0] for line in lines if line[:1].isalnum()]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "no answer in time")
