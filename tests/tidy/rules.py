"""What is looked for, as functions of source text: so that each can be shown to find something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60

# Put together from halves, so that this file does not contain what it looks for.
_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "registry." + "yarnpkg",
    "repo.maven." + "apache.org",
    "repo1.maven" + ".org",
    "crates" + ".io",
    "proxy." + "golang.org",
)
_PLACES = re.compile(
    r"(?<![\w.:/$}-])/(?:" + "|".join(("ho" + "me", "ro" + "ot", "wo" + "rk")) + r")/[\w.]"
)
_NOQA = re.compile(r"#\s*noqa\b(?P<rest>.*)")
_NOQA_WITH_REASON = re.compile(r":\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*\s+[-—#(]*\s*\w.*")
_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<rest>.*)")
_IGNORE_WITH_REASON = re.compile(r"\[[\w, -]+\]\s*[#(]*\s*\w.*")
_SQL = re.compile(
    r"\b(?:SELECT\s.+\sFROM|SELECT\s+\w+\(|INSERT\s+INTO|UPDATE\s+[^a-z]*SET|DELETE\s+FROM"
    r"|CREATE\s+(?:TABLE|ROLE|SCHEMA|VIEW|INDEX|USER|DATABASE|OR\s+REPLACE)|ALTER\s+(?:TABLE|ROLE|VIEW)"
    r"|DROP\s+(?:TABLE|SCHEMA|VIEW|ROLE|DATABASE)|TRUNCATE\s|GRANT\s+\w+.*\sTO|COPY\s+\S*\s*(?:FROM|TO))",
    re.DOTALL,
)

_SQL_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_FOR_A_SESSION = re.compile(
    r"\A\s*(?:SET\s+(?!LOCAL\b|CONSTRAINTS\b)|LISTEN\b|PREPARE\b|LOAD\b)"
    r"|\bset_config\s*\([^;]*,\s*false\s*\)|\bpg_(?:try_)?advisory_lock|\bWITH\s+HOLD\b"
    r"|\bCREATE\s+TEMP(?:ORARY)?\s+TABLE\b(?![^;]*\bON\s+COMMIT\s+DROP\b)",
    re.IGNORECASE,
)

Found = tuple[int, str]
"""A line number, and what is wrong there."""


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names (dotted) and lengths in lines of all functions, decorators not counted."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}{child.name}"
                yield name, (child.end_lineno or child.lineno) - child.lineno + 1
                yield from walk(child, f"{name}.")
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.")
            else:
                yield from walk(child, prefix)

    return walk(tree, "")


def forbidden_words(text: str) -> list[Found]:
    """Hosts of package registries, and paths of somebody's machine."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        found += [(number, f"names {host}") for host in _HOSTS if host in line]
        if _PLACES.search(line):
            found.append((number, "names a path of one machine"))
    return found


def silent_exceptions(comments: Iterator[Found]) -> list[Found]:
    """Exceptions from a rule that do not say why."""
    found = []
    for number, comment in comments:
        noqa, ignore = _NOQA.search(comment), _IGNORE.search(comment)
        if noqa is not None and not _NOQA_WITH_REASON.match(noqa["rest"]):
            found.append((number, "noqa without a rule and a reason"))
        if ignore is not None and not _IGNORE_WITH_REASON.match(ignore["rest"]):
            found.append((number, "type: ignore without a code and a reason"))
    return found


def assembled_sql(tree: ast.Module) -> list[Found]:
    """SQL put together from Python values: f-strings, `%`, `+` and `.format`."""
    found = []
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.JoinedStr) and any(
            isinstance(part, ast.FormattedValue) for part in node.values
        ):
            parts = node.values
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add):
            parts = [*_flat(node.left), *_flat(node.right)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            parts = [node.func.value] if node.func.attr == "format" else []
        texts = [
            part.value
            for part in parts
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        if texts and _SQL.search(" ? ".join(texts)):
            found.append((getattr(node, "lineno", 0), "SQL assembled from values"))
    return found


def outlives_its_transaction(sql: str) -> list[Found]:
    """Statements whose effect belongs to a session: a pool gives that to whoever comes next."""
    found, line = [], 1
    for statement in _blank(sql).split(";"):
        match = _FOR_A_SESSION.search(statement)
        if match is not None:
            lines = match.group().lstrip().split()
            found.append((line + statement[: match.end()].count("\n"), " ".join(lines)))
        line += statement.count("\n")
    return found


def _blank(sql: str) -> str:
    """The same lines without comments."""
    return _SQL_COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), sql)


def _flat(node: ast.expr) -> list[ast.expr]:
    """The operands of a chain of additions."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_flat(node.left), *_flat(node.right)]
    return [node]


def sleeps(tree: ast.Module) -> list[Found]:
    """Calls of `time.sleep` and `asyncio.sleep`; `asyncio.sleep(0)` only lets others run."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        yields = name == "asyncio.sleep" and [ast.unparse(one) for one in node.args] == ["0"]
        if name in {"time.sleep", "asyncio.sleep", "sleep"} and not yields:
            found.append((node.lineno, name))
    return found
