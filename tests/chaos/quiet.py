"""What a run without a fault leaves, by the oracle's honest history: everything fits together."""

from __future__ import annotations

from typing import NamedTuple

from tests.chaos.bill import micros_each
from tests.chaos.books import Verdict
from tests.chaos.checks import check_all
from tests.chaos.evidence import Call, Evidence
from tests.chaos.faults import Fault
from tests.chaos.load import Promises
from tests.chaos.oracle import judge
from tests.chaos.test_oracle import honest
from tests.chaos.wanting import Wish

DRAWN = "00" * 32
"""What the pictures of the oracle's history hash to."""


class Run(NamedTuple):
    """Everything that a run leaves, fitting together."""

    verdict: Verdict
    promises: Promises
    evidence: Evidence
    faults: list[Fault]

    def problems(self) -> list[str]:
        """Whatever does not fit."""
        return check_all(*self)


def quiet_run() -> Run:
    """What a run without a fault leaves, by the oracle's history."""
    verdict = judge(honest())
    promises, evidence = Promises(), Evidence()
    for number, (generation_id, one) in enumerate(verdict.generations.items()):
        wish = Wish(one.account_id, 2)
        promises.wishes.append(wish)
        if one.status != "rejected":
            promises.accepted[generation_id] = wish
        if one.status in {"done", "failed"}:
            began, drawn = number * 100.0, len(one.images)
            evidence.calls.append(
                Call(
                    *(generation_id, 2, began, began + 5, "answered"),
                    sha256=(DRAWN,) * drawn,
                    billed=drawn,
                )
            )
            (paid,) = one.paid.items() if one.paid else ((str(number), ("failed", 0)),)
            one.paid = {paid[0]: (paid[1][0], drawn * micros_each(one))}
        for image in one.images:
            evidence.objects[image["object_key"]] = DRAWN
            evidence.objects[image["preview_key"]] = "a preview"
        evidence.generations[generation_id] = {"status": one.status, "images": one.images}
    for key in verdict.granted:
        if not key.startswith("welcome of "):
            promises.purchases[key] = one.account_id
    _fill_tables(verdict, evidence)
    fill_costs(verdict, evidence)
    return Run(verdict, promises, evidence, [])


def _fill_tables(verdict: Verdict, evidence: Evidence) -> None:
    names = ("available", "reserved", "granted", "spent")
    nothing = {"debt": 0, "expired": 0}
    for account_id, ledger in verdict.ledgers.items():
        evidence.credits[account_id] = nothing | {name: getattr(ledger, name) for name in names}
        row = {"account_id": account_id, "frozen": None, **evidence.credits[account_id]}
        evidence.tables["credit_accounts"] = [row]
        evidence.tables["grants"] = [
            {"account_id": account_id, "grant_id": grant, "available": left}
            for grant, left in ledger.grants.items()
        ]
        evidence.tables["ledger"] = [
            {"account_id": account_id, "value_hash": one} for one in verdict.counted
        ]
        evidence.tables["purchases"] = [
            {"purchase_id": key, "granted_at_ms": 1}
            for key in verdict.granted
            if not key.startswith("welcome of ")
        ]
    evidence.tables["generations"] = [
        {
            "account_id": one.account_id,
            "generation_id": generation_id,
            "status": one.status,
            "credits_reserved": one.reserved or None,
            "credits_captured": one.captured,
            "credits_returned": one.returned,
        }
        for generation_id, one in verdict.generations.items()
    ]
    evidence.tables["images"] = [
        {"account_id": one.account_id, "generation_id": generation_id, **image}
        for generation_id, one in verdict.generations.items()
        for image in one.images
    ]


def fill_costs(verdict: Verdict, evidence: Evidence) -> None:
    """The read model of spending, from the log."""
    steps = {
        generation_id: [
            *(
                (f"uncertain:{attempt}", micros)
                for attempt, micros in one.uncertain_attempts.items()
            ),
            *(told for told in one.paid.values() if told != ("failed", 0)),
        ]
        for generation_id, one in verdict.generations.items()
    }
    evidence.tables["provider_costs"] = [
        {"generation_id": generation_id, "step": step, "cost_micros": micros}
        for generation_id, told in steps.items()
        for step, micros in told
    ]


def first(run: Run, status: str) -> str:
    """The first generation that ended so."""
    return next(key for key, one in run.verdict.generations.items() if one.status == status)
