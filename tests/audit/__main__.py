"""`make audit`: known vulnerabilities, licences, and the bill of materials of what is locked.

Exit status 1: something is vulnerable, a licence is not allowed, or the bill is not valid.
Where the database of vulnerabilities cannot be reached, that is said in capitals and the rest is
done; with AUDIT_STRICT=1, as for a CI that has a network, it is a failure too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.audit import bill, licences, lock, vulnerabilities
from tests.audit.licences import Package, Rules
from tests.audit.vulnerabilities import Run

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "deploy" / "requirements.lock"
WHOLE = ROOT / "requirements.lock"
BILL = ROOT / "build" / "sbom.cdx.json"


def main(*, run: Run | None = None, rules: Rules | None = None, to: Path = BILL) -> int:
    """Check everything; say what was found and what could not be looked at.

    Args:
        run: runs pip-audit; tests give another.
        rules: what is allowed; unset: `licences.toml`.
        to: where the bill goes.
    """
    rules = rules or licences.rules()
    installed = licences.installed()
    # All three, whatever the first of them says.
    failed = [_vulnerabilities(run), _licences(installed, rules), _bill(installed, rules, to)]
    return 1 if any(failed) else 0


def _vulnerabilities(run: Run | None) -> bool:
    locked = [*lock.read(WHOLE), *lock.read(SHIPPED)]
    found = vulnerabilities.look_at_all(((one.name, one.version) for one in locked), run=run)
    for sentence in found.vulnerable:
        _say(f"VULNERABLE: {sentence}")
    if found.unchecked:
        some = ", ".join(found.unchecked[:5]) + (", …" if len(found.unchecked) > 5 else "")
        _say(f"VULNERABILITIES NOT CHECKED of {len(found.unchecked)} packages ({some}).")
        _say(f"  The database told nothing: {found.why}")
    _say(f"Vulnerabilities: {found.checked} packages checked, {len(found.vulnerable)} found.")
    strict = os.environ.get("AUDIT_STRICT") == "1"
    return bool(found.vulnerable) or (strict and bool(found.unchecked))


def _licences(installed: Mapping[str, Package], rules: Rules) -> bool:
    names = {one.name for one in lock.read(SHIPPED)} | lock.shipped(lock.read(WHOLE))
    problems = licences.refused(installed, names, rules)
    for problem in problems:
        _say(f"LICENCE: {problem}")
    excepted = len(names & set(rules.exceptions))
    _say(
        f"Licences: {len(names)} shipped packages, {len(problems)} wrong,"
        f" {excepted} allowed by an exception."
    )
    return bool(problems)


def _bill(installed: Mapping[str, Package], rules: Rules, to: Path) -> bool:
    text = bill.bill(ROOT / "pyproject.toml", lock.read(SHIPPED), installed, rules)
    problem = bill.problem(text)
    if problem is not None:
        _say(f"BILL OF MATERIALS: not valid CycloneDX: {problem}")
        return True
    to.parent.mkdir(exist_ok=True)
    to.write_text(text, encoding="utf-8")
    where = to.relative_to(ROOT) if to.is_relative_to(ROOT) else to
    _say(f"Bill of materials: {where} (CycloneDX {bill.VERSION.to_version()})")
    return False


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")


if __name__ == "__main__":
    sys.exit(main())
