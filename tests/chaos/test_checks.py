"""The checks of a run: what fits the log passes, and whatever differs from it is named."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from tests.chaos.books import Verdict
from tests.chaos.checks import check_all
from tests.chaos.evidence import Call, Evidence
from tests.chaos.faults import Fault
from tests.chaos.load import Promises, Wish
from tests.chaos.oracle import judge
from tests.chaos.test_oracle import honest

DRAWN = "00" * 32
"""What the pictures of the oracle's history hash to."""


class Run(NamedTuple):
    """Everything that a run leaves, fitting together."""

    verdict: Verdict
    promises: Promises
    evidence: Evidence
    faults: list[Fault]

    def problems(self) -> list[str]:
        return check_all(*self)


def quiet_run() -> Run:
    """What a run without a fault leaves, by the oracle's history."""
    verdict = judge(honest())
    promises, evidence = Promises(), Evidence()
    for number, (generation_id, one) in enumerate(verdict.generations.items()):
        wish = Wish(one.account_id, f"wish {number}", 2)
        promises.wishes[wish.prompt] = wish
        if one.status != "rejected":
            promises.accepted[generation_id] = wish
        if one.status in {"done", "failed"}:
            evidence.calls.append(
                Call(wish.prompt, 2, number * 100.0, number * 100.0 + 5, "answered", (DRAWN,))
            )
        for image in one.images:
            evidence.objects[image["object_key"]] = DRAWN
            evidence.objects[image["preview_key"]] = "a preview"
        evidence.generations[generation_id] = {"status": one.status, "images": one.images}
    for key in verdict.granted:
        if not key.startswith("welcome of "):
            promises.purchases[key] = one.account_id
    _fill_tables(verdict, evidence)
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


def test_what_fits_the_log_passes() -> None:
    """A run whose tables, objects, calls and answers agree with the log has no problem."""
    assert quiet_run().problems() == []


def first(run: Run, status: str) -> str:
    """The first generation that ended so."""
    return next(key for key, one in run.verdict.generations.items() if one.status == status)


def prompt(run: Run, status: str) -> str:
    return run.promises.accepted[first(run, status)].prompt


def missing_picture(run: Run) -> None:
    del run.evidence.objects[next(iter(run.evidence.objects))]


def changed_byte(run: Run) -> None:
    run.evidence.objects[next(iter(run.evidence.objects))] = "01" * 32


def missing_preview(run: Run) -> None:
    del run.evidence.objects[next(key for key in run.evidence.objects if key.endswith(".webp"))]


def drawn_by_nobody(run: Run) -> None:
    run.evidence.calls[:] = [
        Call(one.prompt, one.count, one.began, one.ended, one.outcome) for one in run.evidence.calls
    ]


def given_one(run: Run) -> str:
    """A generation that has one picture, of the two that were wished for."""
    return next(one for one, it in run.verdict.generations.items() if len(it.images) == 1)


def answered_in_full(run: Run) -> None:
    """That generation could have had both."""
    done = run.promises.accepted[given_one(run)].prompt
    run.evidence.calls[:] = [
        dataclasses.replace(one, sha256=(DRAWN, DRAWN)) if one.prompt == done else one
        for one in run.evidence.calls
    ]


def free_preview(run: Run) -> None:
    run.evidence.objects["generations/somebody/something/0.webp"] = "a preview"


def free_picture(run: Run) -> None:
    run.evidence.objects["generations/somebody/something/0.png"] = DRAWN


def lost_request(run: Run) -> None:
    run.promises.accepted["gone"] = Wish("somebody", "gone", 1)


def lost_purchase(run: Run) -> None:
    run.promises.purchases["gone"] = "somebody"


def second_generation(run: Run) -> None:
    del run.promises.wishes[prompt(run, "cancelled")]


def refused_and_made(run: Run) -> None:
    run.promises.refused.add(first(run, "done"))


def call_off_the_books(run: Run) -> None:
    again = Call(prompt(run, "done"), 2, 50.0, 55.0, "answered", (DRAWN,))
    run.evidence.calls.append(again)


def call_without_reason(run: Run) -> None:
    run.verdict.generations[first(run, "done")].uncertain_attempts.add(1)
    call_off_the_books(run)


def third_call(run: Run) -> None:
    run.verdict.generations[first(run, "done")].uncertain_attempts.update({1, 2})
    run.faults.append(Fault(1.0, 60.0, "worker", "pause", 1))
    call_off_the_books(run)
    call_off_the_books(run)


def paid_for_a_cancelled_one(run: Run) -> None:
    run.evidence.calls.append(Call(prompt(run, "cancelled"), 2, 1.0, 2.0, "aborted"))


def never_called(run: Run) -> None:
    done = prompt(run, "done")
    run.evidence.calls[:] = [call for call in run.evidence.calls if call.prompt != done]


def other_balance(run: Run) -> None:
    next(iter(run.evidence.credits.values()))["available"] += 1


def other_row(run: Run) -> None:
    run.evidence.tables["generations"][0]["status"] = "processing"


def lost_row(run: Run) -> None:
    run.evidence.tables["generations"].pop()


def lost_image_row(run: Run) -> None:
    run.evidence.tables["images"].pop()


def lost_ledger_line(run: Run) -> None:
    run.evidence.tables["ledger"].pop()


def doubled_ledger_line(run: Run) -> None:
    run.evidence.tables["ledger"] *= 2


def other_account_row(run: Run) -> None:
    run.evidence.tables["credit_accounts"][0]["spent"] += 1


def frozen_account(run: Run) -> None:
    run.evidence.tables["credit_accounts"][0]["frozen"] = "offset 7: corrupt"


def other_grant(run: Run) -> None:
    run.evidence.tables["grants"][0]["available"] += 1


def lost_purchase_row(run: Run) -> None:
    run.evidence.tables["purchases"].clear()


def other_answer(run: Run) -> None:
    run.evidence.generations[first(run, "done")]["status"] = "processing"


def hidden_picture(run: Run) -> None:
    run.evidence.generations[first(run, "done")]["images"] = []


def _tampers() -> Iterator[tuple[Callable[[Run], None], str]]:
    yield missing_picture, "is not stored"
    yield changed_byte, "is not what the event"
    yield missing_preview, "is missing"
    yield drawn_by_nobody, "never drawn"
    yield free_picture, "nobody was charged for it"
    yield free_preview, "nobody was charged for it"
    yield answered_in_full, "the provider would have made the others"
    yield lost_request, "is not in the log"
    yield lost_purchase, "confirmed and not granted"
    yield second_generation, "keys and has"
    yield refused_and_made, "was called refused and is done"
    yield call_off_the_books, "on the books as uncertain"
    yield call_without_reason, "although nothing had happened"
    yield third_call, "was called 3 times"
    yield paid_for_a_cancelled_one, "which nobody was promised"
    yield never_called, "the provider was not called"
    yield other_balance, "GET /credits"
    yield other_row, "read.generations"
    yield lost_row, "read.generations"
    yield lost_image_row, "read.images"
    yield lost_ledger_line, "read.ledger"
    yield doubled_ledger_line, "read.ledger"
    yield other_account_row, "read.credit_accounts"
    yield frozen_account, "read.credit_accounts"
    yield other_grant, "read.grants"
    yield lost_purchase_row, "read.purchases"
    yield other_answer, "says ('processing'"
    yield hidden_picture, "says ('done', 0)"


@pytest.mark.parametrize(("tamper", "named"), list(_tampers()))
def test_what_differs_from_the_log_is_named(tamper: Callable[[Run], None], named: str) -> None:
    """A picture, a call, a row, a promise or an answer that does not fit is a problem."""
    run = copy.deepcopy(quiet_run())
    tamper(run)
    problems = run.problems()
    assert any(named in problem for problem in problems), problems


def test_fewer_pictures_are_right_when_the_second_call_is_lost_too() -> None:
    """There is no third call, so what was stored of the second is all that can be delivered."""
    run = quiet_run()
    answered_in_full(run)
    wish = run.promises.accepted[given_one(run)]
    (call,) = (one for one in run.evidence.calls if one.prompt == wish.prompt)
    killed = Call(call.prompt, 2, call.began - 10, call.began - 5, "aborted")
    run.evidence.calls.append(killed)
    run.verdict.generations[given_one(run)].uncertain_attempts.add(1)
    run.faults.append(Fault(call.ended, call.ended, "worker", "kill", 1))
    assert run.problems() == []


def test_an_extra_call_after_a_fault_is_no_problem() -> None:
    """One more call on the books, made because a worker was paused in the first, is allowed."""
    run = quiet_run()
    call_without_reason(run)
    run.faults.append(Fault(1.0, 20.0, "worker-2", "pause", 1))
    assert run.problems() == []
