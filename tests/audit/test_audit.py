"""`make audit`, with a database of vulnerabilities that says what a test wants."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.audit import bill, lock, vulnerabilities
from tests.audit.__main__ import SHIPPED, WHOLE, main
from tests.audit.licences import Rules, rules
from tests.audit.vulnerabilities import VULNERABLE, Run

KNOWN = {
    "name": "pyyaml",
    "version": "5.3",
    "vulns": [{"id": "PYSEC-2021-142", "aliases": ["CVE-2020-14343"], "fix_versions": ["5.4"]}],
}
"""As pip-audit 2.10 writes what it finds about `VULNERABLE`."""


def _database(answer: Callable[[lock.Locked], dict[str, Any]]) -> Run:
    """A pip-audit whose database gives an answer about each package of a lock."""

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        packages = [
            KNOWN
            if (one.name, one.version) == VULNERABLE
            else {"name": one.name, "version": one.version, **answer(one)}
            for one in _asked(command)
        ]
        said = json.dumps({"dependencies": packages, "fixes": []})
        return subprocess.CompletedProcess(command, 0, said, "")

    return run


def _asked(command: Sequence[str]) -> list[lock.Locked]:
    """What pip-audit is asked about; it refuses a name that is there twice."""
    packages = lock.read(Path(command[list(command).index("--requirement") + 1]))
    assert len({one.name for one in packages}) == len(packages)
    return packages


LOCKED = {(one.name, one.version) for path in (WHOLE, SHIPPED) for one in lock.read(path)}
healthy = _database(lambda _: {"vulns": []})


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without a network, whatever the CI that runs this sets."""
    monkeypatch.delenv("AUDIT_STRICT", raising=False)


@pytest.fixture(autouse=True)
def valid_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once is enough for the seconds that it takes: test_bill has the bill validated."""
    monkeypatch.setattr(bill, "problem", lambda _: None)


def test_a_clean_lock_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With nothing known against any package of either lock the audit passes, strictly too."""
    monkeypatch.setenv("AUDIT_STRICT", "1")
    assert main(run=healthy, to=tmp_path / "sbom.json") == 0
    assert f"Vulnerabilities: {len(LOCKED)} packages checked, 0 found." in _said(capsys)


@pytest.mark.parametrize("name", ["litestar", "schemathesis"])
def test_what_is_vulnerable_fails_and_is_named(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One vulnerable package, shipped or for development, fails with its version, id and cure."""
    vuln = {"id": "GHSA-0000", "aliases": ["CVE-2026-0001"], "fix_versions": ["99.1"]}
    database = _database(lambda one: {"vulns": [vuln] if one.name == name else []})
    assert main(run=database, to=tmp_path / "sbom.json") == 1
    (version,) = [one.version for one in lock.read(WHOLE) if one.name == name]
    sentence = f"VULNERABLE: {name} {version}: GHSA-0000 (CVE-2026-0001), fixed in 99.1."
    assert _said(capsys).count(sentence) == 1


def _out_of_reach(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess(command, 1, "", "Traceback\nConnectionError: no route\n")


def _ignorant(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A mirror that knows the packages, and keeps no vulnerabilities: not even the known one."""
    said = {"dependencies": [{"name": "pyyaml", "version": "5.3", "vulns": []}], "fixes": []}
    return subprocess.CompletedProcess(command, 0, json.dumps(said), "")


def _does_not_know(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    said = {"dependencies": [{"name": "pyyaml", "skip_reason": "not found"}], "fixes": []}
    return subprocess.CompletedProcess(command, 0, json.dumps(said), "")


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (_out_of_reach, "ConnectionError: no route"),
        (_ignorant, "it finds nothing wrong with pyyaml 5.3"),
        (_does_not_know, "not found"),
    ],
    ids=["out of reach", "knows nothing", "lacks the package"],
)
def test_a_database_that_says_nothing_is_no_good_news(
    run: Run,
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is said aloud that nothing was checked, and why; the rest is done; strictly it fails."""
    assert main(run=run, to=tmp_path / "sbom.json") == 0
    said = _said(capsys)
    assert f"VULNERABILITIES NOT CHECKED of {len(LOCKED)} packages" in said
    assert why in said
    assert (tmp_path / "sbom.json").exists()
    monkeypatch.setenv("AUDIT_STRICT", "1")
    assert main(run=run, to=tmp_path / "sbom.json") == 1


def test_one_package_that_nobody_knows_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package that only the database does not know is named, and fails a strict audit."""
    database = _database(
        lambda one: {"skip_reason": "withdrawn"} if one.name == "faust-streaming" else {"vulns": []}
    )
    assert main(run=database, to=tmp_path / "sbom.json") == 0
    assert "VULNERABILITIES NOT CHECKED of 1 packages (faust-streaming)." in _said(capsys)
    monkeypatch.setenv("AUDIT_STRICT", "1")
    assert main(run=database, to=tmp_path / "sbom.json") == 1


def test_everything_is_asked_about() -> None:
    """All versions of both locks are asked about, also those for other platforms, each once."""
    asked: list[tuple[str, str]] = []

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        asked.extend((one.name, one.version) for one in _asked(command))
        return healthy(command)

    vulnerabilities.look_at_all([*LOCKED, ("colorama", "0.1"), *LOCKED], run=run)
    assert asked[0] == VULNERABLE
    assert sorted(asked[1:]) == sorted({*LOCKED, ("colorama", "0.1")})


def test_a_forbidden_licence_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shipped package whose licence is not allowed fails the audit and is named."""
    ours = rules()
    strict = Rules(
        ours.allowed - {"MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"}, ours.exceptions
    )
    assert main(run=healthy, rules=strict, to=tmp_path / "sbom.json") == 1
    assert "LICENCE: certifi " in _said(capsys)


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out
