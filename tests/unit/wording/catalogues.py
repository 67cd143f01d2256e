"""What is in the catalogues, and what the program says, for the tests that compare them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Visitor

from commands import wording

ROOT = Path(wording.__file__).parents[2]
FOLDER = Path(wording.__file__).parent
SHIPPED = ("commands", "gateway", "processors", "projections", "runtime")


class _Names(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ftl.VariableReference) -> None:  # noqa: N802 - Fluent's
        self.names.add(node.id.name)


def entries(language: str) -> Iterator[tuple[str, str, ftl.EntryType]]:
    """(Topic, key, entry) of everything in a language's files; comments left out, junk not."""
    for path in sorted((FOLDER / language).glob("*.ftl")):
        for entry in FluentParser().parse(path.read_text(encoding="utf-8")).body:
            if isinstance(entry, ftl.Message):
                yield path.stem, entry.id.name, entry
            elif not isinstance(entry, ftl.BaseComment):
                yield path.stem, "", entry


def messages(language: str) -> dict[str, frozenset[str]]:
    """By key (and `key.attribute`): the arguments that are named."""
    found = {}
    for _, key, entry in entries(language):
        if isinstance(entry, ftl.Message):
            parts = {key: entry.value} | {f"{key}.{a.id.name}": a.value for a in entry.attributes}
            for name, pattern in parts.items():
                if pattern is not None:
                    names = _Names()
                    names.visit(pattern)
                    found[name] = frozenset(names.names)
    return found


def _trees() -> Iterator[tuple[str, ast.Module]]:
    paths = [ROOT / "pixelpop.py"]
    for folder in SHIPPED:
        paths += sorted((ROOT / folder).rglob("*.py"))
    for path in paths:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def constants() -> frozenset[str]:
    """Every string that the program holds."""
    return frozenset(
        node.value
        for _, tree in _trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def sayings() -> Iterator[tuple[str, str, frozenset[str] | None]]:
    """(Place, key, arguments) of every `say(…, "key", …)`; None: they come as a mapping."""
    for path, tree in _trees():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or ast.unparse(node.func).split(".")[-1] != "say":
                continue
            keys = [one for one in node.args if isinstance(one, ast.Constant)]
            if keys:
                names = [one.arg for one in node.keywords]
                known = frozenset(one for one in names if one is not None)
                yield f"{path}:{node.lineno}", keys[-1].value, None if None in names else known
