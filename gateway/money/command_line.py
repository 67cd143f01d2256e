"""`pixelpop audit`. Each command imports what it runs, so that starts are short."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from runtime.command_line import AsJson, attached, run

audit = App(name="audit", help="Proof that the books are right.")


@audit.command(name="reconcile")
def audit_reconcile(
    *, append_missing: bool = False, yes: bool = False, json: AsJson = False
) -> int:
    """Compare the ledger with what the payment providers say of payments and refunds.

    Exit status: 0 nothing differs, 1 something does, 3 it could not be compared.

    Parameters
    ----------
    append_missing
        Append the facts that lost webhooks would have told, after asking.
    yes
        Do not ask.
    json
        Print JSON, for scripts.
    """
    from gateway.money import reconciling

    return run(reconciling.run(attached(), append_missing=append_missing, yes=yes, as_json=json))


@audit.command(name="findings")
def audit_findings(
    *, days: Annotated[int, Parameter(validator=Number(gt=0))] = 30, json: AsJson = False
) -> int:
    """Show what the log was told of payments that should be looked at.

    Parameters
    ----------
    days
        How far back.
    json
        Print JSON, for scripts.
    """
    from projections.audit import findings

    return run(findings.show(attached(), days=days, as_json=json))
