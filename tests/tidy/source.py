"""The files of the project, for the tests that look at them."""

from __future__ import annotations

import ast
import subprocess
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHIPPED = ("commands", "events", "gateway", "processors", "projections", "runtime", "pixelpop.py")
"""What `pip install` installs; the rest serves those who work on it."""


@cache
def files() -> tuple[str, ...]:
    """Every file that is or will be checked in, relative to the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(sorted(path for path in listed.split("\0") if path and (ROOT / path).is_file()))


def modules(*below: str) -> list[str]:
    """Python modules, all or those below some folders."""
    found = [path for path in files() if path.endswith(".py")]
    if below:
        found = [path for path in found if path.split("/")[0] in below]
    return found


@cache
def text(path: str) -> str:
    """The contents of a text file; empty for a binary one."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: str) -> ast.Module:
    """A module, parsed."""
    return ast.parse(text(path), filename=path)


def comments(path: str) -> Iterator[tuple[int, str]]:
    """Line numbers and texts of a module's comments."""
    with (ROOT / path).open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
