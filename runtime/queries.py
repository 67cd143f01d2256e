"""Named queries from the `.sql` file that lies beside the module that runs them.

A query begins at a line `-- name: get_thing` and ends at the next such line or at the end of the
file; other comment lines stay in it, so that they show in the server's log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME = re.compile(r"^--\s*name:\s*(?P<name>\S+)\s*$", re.MULTILINE)


class Queries(Mapping[str, str]):
    """The queries of one file: `queries.get_thing` or `queries["get_thing"]`.

    Raises:
        AttributeError, KeyError: the file has no such query; the message names the file.
    """

    def __init__(self, path: Path, queries: dict[str, str]) -> None:
        self._path = path
        self._queries = queries

    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):  # while being copied or unpickled, nothing is there yet
            raise AttributeError(name)
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"{self._path.name} has no query named {name}") from None

    def __getitem__(self, name: str) -> str:
        try:
            return self._queries[name]
        except KeyError:
            raise KeyError(f"{self._path.name} has no query named {name}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)


def load_queries(path: Path) -> Queries:
    """Read the named queries of one `.sql` file.

    Raises:
        ValueError: SQL before the first name, a name twice, an empty query, or a name that
            cannot be an attribute; all are mistakes in the source tree.
    """
    text = path.read_text(encoding="utf-8")
    marks = list(_NAME.finditer(text))
    preamble = text[: marks[0].start()] if marks else text
    if _without_comments(preamble):
        raise ValueError(f"{path.name}: SQL stands before the first `-- name:` line.")
    queries: dict[str, str] = {}
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True):
        name, query = mark["name"], text[mark.end() : end].strip().removesuffix(";")
        if not name.isidentifier() or name.startswith("_") or hasattr(Queries, name):
            raise ValueError(f"{path.name}: `{name}` cannot be the name of a query.")
        if name in queries:
            raise ValueError(f"{path.name}: two queries are named {name}.")
        if not _without_comments(query):
            raise ValueError(f"{path.name}: the query {name} is empty.")
        queries[name] = query
    return Queries(path, queries)


def _without_comments(text: str) -> str:
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return "".join(lines).strip()
