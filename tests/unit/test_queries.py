"""Named queries: found by name, and mistakes in the file found at import."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.queries import Queries, load_queries


def load(folder: Path, text: str) -> Queries:
    file = folder / "things.sql"
    file.write_text(text)
    return load_queries(file)


def test_by_name(tmp_path: Path) -> None:
    """A query is an attribute and an item; comments inside stay, the last semicolon goes."""
    queries = load(
        tmp_path,
        "-- What this is.\n\n-- name: get_thing\n-- Why.\nSELECT 1;\n\n"
        "-- name: put_thing\nSELECT 2\n",
    )
    assert queries.get_thing == "-- Why.\nSELECT 1"
    assert queries["put_thing"] == "SELECT 2"
    assert list(queries) == ["get_thing", "put_thing"]


def test_missing_name_is_named(tmp_path: Path) -> None:
    """Asking for a query that is not there names the query and the file."""
    queries = load(tmp_path, "-- name: a\nSELECT 1")
    with pytest.raises(AttributeError, match=r"things\.sql has no query named b"):
        _ = queries.b
    with pytest.raises(KeyError, match="no query named b"):
        _ = queries["b"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SELECT 1;\n-- name: a\nSELECT 2", "before the first"),
        ("SELECT 1", "before the first"),
        ("-- name: a\nSELECT 1\n-- name: a\nSELECT 2", "two queries are named a"),
        ("-- name: a\n-- nothing\n-- name: b\nSELECT 2", "a is empty"),
        ("-- name: get-thing\nSELECT 1", "get-thing"),
        ("-- name: items\nSELECT 1", "items"),
        ("-- name: _hidden\nSELECT 1", "_hidden"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, why: str) -> None:
    """A file that cannot be read as named queries says which file and why."""
    with pytest.raises(ValueError, match=r"things\.sql") as error:
        load(tmp_path, text)
    assert why in str(error.value)


def test_every_file_of_the_project_loads() -> None:
    """All query files beside our modules can be read."""
    root = Path(__file__).parents[2]
    folders = ("gateway", "processors", "projections", "runtime")
    files = [file for folder in folders for file in (root / folder).rglob("*.sql")]
    assert files
    for file in files:
        assert len(load_queries(file)) > 0, file
