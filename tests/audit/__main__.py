"""`make audit`: known vulnerabilities, licences, and the bill of materials of what is locked.

Exit status 1: something is vulnerable, a licence is not allowed, or the bill cannot be written.
Where the database of vulnerabilities cannot be reached, that is said in capitals and the rest is
done; with AUDIT_STRICT=1, as for a CI that has a network, it is a failure too.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.audit import licences, vulnerabilities
from tests.audit.vulnerabilities import Found

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "requirements.lock"
WHOLE = ROOT / "requirements.lock"
BILL = ROOT / "build" / "sbom.cdx.json"


def main() -> int:
    """Check everything; say what was found and what could not be looked at."""
    failed = _vulnerabilities()
    failed = _licences() or failed
    failed = _bill() or failed
    return 1 if failed else 0


def _vulnerabilities() -> bool:
    found = _look()
    for sentence in found.vulnerable:
        _say(f"VULNERABLE: {sentence}")
    if found.unchecked:
        _say(
            f"NOT CHECKED: the database of vulnerabilities told nothing about"
            f" {len(found.unchecked)} packages ({', '.join(found.unchecked[:5])}, …)."
        )
    _say(f"Vulnerabilities: {found.checked} packages checked, {len(found.vulnerable)} found.")
    strict = os.environ.get("AUDIT_STRICT") == "1"
    return bool(found.vulnerable) or (strict and bool(found.unchecked))


def _look() -> Found:
    """One package first: where the database is out of reach, nobody asks it a hundred times."""
    first = vulnerabilities.names(SHIPPED)[0]
    version = importlib.metadata.version(first)
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "one.txt"
        alone.write_text(f"{first}=={version}\n", encoding="utf-8")
        if not vulnerabilities.look(alone).checked:
            return Found([], vulnerabilities.names(WHOLE), 0)
    return vulnerabilities.look(WHOLE)


def _licences() -> bool:
    packages = licences.installed()
    problems = licences.refused(packages, vulnerabilities.names(SHIPPED))
    for problem in problems:
        _say(f"LICENCE: {problem}")
    _say(
        f"Licences: {len(vulnerabilities.names(SHIPPED))} shipped packages, {len(problems)} wrong."
    )
    return bool(problems)


def _bill() -> bool:
    BILL.parent.mkdir(exist_ok=True)
    done = write_bill(SHIPPED, BILL)
    if done.returncode:
        _say(f"BILL OF MATERIALS: {done.stderr[-2000:]}")
        return True
    _say(f"Bill of materials: {BILL.relative_to(ROOT)} (CycloneDX)")
    return False


def write_bill(requirements: Path, bill: Path) -> subprocess.CompletedProcess[str]:
    """Write the CycloneDX bill of materials of a lock: names, versions, hashes."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"),
            *("--pyproject", str(ROOT / "pyproject.toml"), "--of", "JSON"),
            *("-o", str(bill), str(requirements)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
