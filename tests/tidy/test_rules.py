"""Each rule finds what it looks for, and lets pass what is fine."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy import rules, source


@pytest.mark.parametrize(
    "line",
    [
        "see https://" + "py" + "pi.org/simple",
        'open("/' + 'home/someone/x")',
        "PATH=/" + "work/main",
        "/" + "root/.cache",
    ],
)
def test_forbidden_words_are_found(line: str) -> None:
    """Registries and places on somebody's disk."""
    assert rules.forbidden_words(line) != []


@pytest.mark.parametrize("line", ["https://pixelpop.app/" + "home/", "a/" + "work/b", "the work"])
def test_other_words_are_not(line: str) -> None:
    """Addresses and prose."""
    assert rules.forbidden_words(line) == []


@pytest.mark.parametrize(
    "comment",
    ["# noqa", "# noqa: S608", "# noqa: S608, S101", "# type: ignore", "# type: ignore[arg-type]"],
)
def test_a_silent_exception_is_found(comment: str) -> None:
    """A rule switched off without a word."""
    assert rules.silent_exceptions(iter([(1, comment)])) != []


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa: S608  the names are constants",
        "# noqa: S101, ARG001 - the protocol wants it",
        "# type: ignore[arg-type]  # every example is one",
        "# a comment",
    ],
)
def test_an_explained_exception_is_not(comment: str) -> None:
    """Its reason stands beside it."""
    assert rules.silent_exceptions(iter([(1, comment)])) == []


@pytest.mark.parametrize(
    "code",
    [
        'f"SELECT a FROM {table}"',
        'f"INSERT INTO {table} VALUES ($1)"',
        '"DELETE FROM %s" % table',
        '"DROP TABLE {}".format(table)',
        '"UPDATE " + table + " SET a = 1"',
        'f"CREATE ROLE {name}"',
    ],
)
def test_assembled_sql_is_found(code: str) -> None:
    """Each way to put a value into a statement."""
    assert rules.assembled_sql(ast.parse(code)) != []


@pytest.mark.parametrize(
    "code", ['"SELECT a FROM b WHERE c = $1"', 'f"Select {n} pictures"', 'f"{a} FROM {b}"', "1 + 2"]
)
def test_other_strings_are_not(code: str) -> None:
    """Constant statements and prose."""
    assert rules.assembled_sql(ast.parse(code)) == []


@pytest.mark.parametrize(
    "sql",
    [
        "SET search_path = 'a'",
        "SELECT 1; -- one\nset role nobody;",
        "LISTEN news",
        "SELECT set_config('a.b', $1, false)",
        "SELECT pg_advisory_lock(1)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "CREATE TEMPORARY TABLE t (n int)",
    ],
)
def test_what_outlives_its_transaction_is_found(sql: str) -> None:
    """Each way to leave something behind on a connection."""
    assert rules.outlives_its_transaction(sql) != []


@pytest.mark.parametrize(
    "sql",
    [
        "SET LOCAL ROLE a",
        "UPDATE a\nSET b = 1",
        "SELECT set_config('a.b', $1, true)",
        "SELECT pg_advisory_xact_lock(1)",
        "CREATE TEMPORARY TABLE t ON COMMIT DROP AS SELECT 1",
        "-- SET a = 1;\nSELECT 1",
    ],
)
def test_what_ends_with_its_transaction_is_not(sql: str) -> None:
    """The same for a transaction, and columns that are set."""
    assert rules.outlives_its_transaction(sql) == []


def test_sleeps_are_found() -> None:
    """Blocking and not; giving way to others is no sleep."""
    assert len(rules.sleeps(ast.parse("time.sleep(1)\nawait asyncio.sleep(0.1)"))) == 2
    assert rules.sleeps(ast.parse("await asyncio.sleep(0)")) == []


def test_functions_are_measured_wherever_they_are() -> None:
    """Methods and nested functions too."""
    code = "class A:\n  def b(self):\n    def c():\n      pass\n    return c\n"
    assert dict(rules.functions(ast.parse(code))) == {"A.b": 4, "A.b.c": 2}


def test_every_package_is_under_the_import_contract() -> None:
    """A new folder cannot stay outside the layers."""
    project = tomllib.loads((source.ROOT / "pyproject.toml").read_text())
    shipped = {path.parent.name for path in source.ROOT.glob("*/__init__.py")}
    shipped -= {"tests", "benchmarks"}
    assert set(project["tool"]["importlinter"]["root_packages"]) == shipped
    (layers,) = [
        one["layers"]
        for one in project["tool"]["importlinter"]["contracts"]
        if one["type"] == "layers"
    ]
    assert {name for layer in layers for name in layer.split(" | ")} == shipped


def test_the_import_contract_sees_through_other_modules(tmp_path: Path) -> None:
    """A core that reaches Kafka by way of the kit is caught; so is an arrow that points up."""
    project = (source.ROOT / "pyproject.toml").read_text()
    contract = project[project.index("[tool.importlinter]") : project.index("[tool.ruff]")]
    (tmp_path / "pyproject.toml").write_text(contract)
    for name in ("commands", "events", "gateway", "processors", "projections", "runtime"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    assert _lint(tmp_path).returncode == 0
    (tmp_path / "runtime" / "kafka.py").write_text("import aiokafka\n")
    (tmp_path / "events" / "sly.py").write_text("import runtime.kafka\n")
    assert "aiokafka" in _lint(tmp_path).stdout
    (tmp_path / "events" / "sly.py").write_text("import commands\n")
    assert "events is not allowed to import commands" in _lint(tmp_path).stdout
    (tmp_path / "events" / "sly.py").write_text("")
    (tmp_path / "gateway" / "sly.py").write_text("import processors\n")
    assert _lint(tmp_path).returncode != 0


def _lint(directory: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=directory,
        env={"PYTHONPATH": str(directory), "PATH": "/usr/bin:/bin", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
