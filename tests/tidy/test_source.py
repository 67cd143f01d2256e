"""The house rules that a machine can hold, over every file of the project.

What breaks a rule today stands in `allowed.toml` with its present figure, and that may only shrink.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

from tests.tidy import rules, source

_ALLOWED = tomllib.loads((Path(__file__).parent / "allowed.toml").read_text())


def _compared(kind: str, found: dict[str, int]) -> list[str]:
    """What is over its limit and not allowed, or allowed and better than that by now."""
    allowed: dict[str, int] = _ALLOWED.get(kind, {})
    problems = []
    for name, figure in found.items():
        if figure > allowed.get(name, 0):
            problems.append(f"{name}: {figure}, allowed {allowed.get(name, 'none')}")
    for name, figure in allowed.items():
        if found.get(name, 0) < figure:
            problems.append(f"{name}: {found.get(name, 0)} by now; lower it in allowed.toml")
    return problems


def _none(problems: list[str]) -> None:
    assert not problems, "\n" + "\n".join(problems)


def test_modules_fit_in_a_head() -> None:
    """No module has more than 300 lines."""
    lengths = {path: source.text(path).count("\n") for path in source.modules()}
    long = {path: count for path, count in lengths.items() if count > rules.MODULE_LINES_MAX}
    _none(_compared("module_lines", long))


def test_functions_fit_on_a_screen() -> None:
    """No function has more than 60 lines."""
    long = {
        f"{path}:{name}": lines
        for path in source.modules()
        for name, lines in rules.functions(source.tree(path))
        if lines > rules.FUNCTION_LINES_MAX
    }
    _none(_compared("function_lines", long))


def test_no_file_names_a_registry_or_a_machine() -> None:
    """Nothing that is checked in says where packages came from or where it was built."""
    found = [
        f"{path}:{number} {what}"
        for path in source.files()
        for number, what in rules.forbidden_words(source.text(path))
    ]
    _none(found)


def test_every_exception_from_a_rule_says_why() -> None:
    """`noqa` and `type: ignore` name their rule and their reason."""
    counts = {
        path: len(found)
        for path in source.modules()
        if (found := rules.silent_exceptions(source.comments(path)))
    }
    _none(_compared("silent_exceptions", counts))


def test_sql_is_never_assembled() -> None:
    """What is shipped runs named queries with parameters."""
    counts = {
        path: len(found)
        for path in source.modules(*source.SHIPPED)
        if (found := rules.assembled_sql(source.tree(path)))
    }
    _none(_compared("assembled_sql", counts))


def test_no_query_leaves_anything_on_its_connection() -> None:
    """Pools reset no connection, and poolers share them: nothing outlives a transaction."""
    found = [
        f"{path}:{number} {what}"
        for path in source.files()
        if path.endswith(".sql") and not path.startswith("deploy/")
        for number, what in rules.outlives_its_transaction(source.text(path))
    ]
    _none(found)


def test_tests_wait_for_conditions() -> None:
    """No test sleeps and hopes. A fake may play a slow provider; chaos chooses its moments."""
    counts = {
        path: len(found)
        for path in source.modules("tests")
        if not path.startswith(("tests/fakes/", "tests/chaos/"))
        and (found := rules.sleeps(source.tree(path)))
    }
    _none(_compared("sleeps", counts))


def test_every_test_states_its_claim() -> None:
    """Each test has a docstring that is a sentence."""
    silent = [
        f"{path}:{node.name}"
        for path in source.modules("tests")
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").strip().endswith((".", "?", "!"))
    ]
    _none(silent)


def test_sql_files_are_read_by_the_module_beside_them() -> None:
    """Each `.sql` outside the migrations lies beside Python that names it."""
    lonely = []
    for path in source.files():
        if path.endswith(".sql") and not path.startswith("deploy/"):
            folder, name = path.rsplit("/", 1)
            beside = [one for one in source.modules() if one.rsplit("/", 1)[0] == folder]
            if not any(name in source.text(one) or name[:-4] in one for one in beside):
                lonely.append(path)
    _none(lonely)
