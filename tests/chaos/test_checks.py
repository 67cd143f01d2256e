"""The checks of a run: what fits the log passes, and whatever differs from it is named."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator

import pytest

from tests.chaos.evidence import Call
from tests.chaos.faults import Fault
from tests.chaos.quiet import DRAWN, Run, fill_costs, first, quiet_run
from tests.chaos.wanting import Wish


def test_what_fits_the_log_passes() -> None:
    """A run whose tables, objects, calls and answers agree with the log has no problem."""
    assert quiet_run().problems() == []


def missing_picture(run: Run) -> None:
    del run.evidence.objects[next(iter(run.evidence.objects))]


def changed_byte(run: Run) -> None:
    run.evidence.objects[next(iter(run.evidence.objects))] = "01" * 32


def missing_preview(run: Run) -> None:
    del run.evidence.objects[next(key for key in run.evidence.objects if key.endswith(".webp"))]


def drawn_by_nobody(run: Run) -> None:
    run.evidence.calls[:] = [dataclasses.replace(one, sha256=()) for one in run.evidence.calls]


def given_one(run: Run) -> str:
    """A generation that has one picture, of the two that were wished for."""
    return next(one for one, it in run.verdict.generations.items() if len(it.images) == 1)


def answered_in_full(run: Run) -> None:
    """That generation could have had both."""
    done = given_one(run)
    run.evidence.calls[:] = [
        dataclasses.replace(one, sha256=(DRAWN, DRAWN)) if one.generation_id == done else one
        for one in run.evidence.calls
    ]


def free_preview(run: Run) -> None:
    run.evidence.objects["generations/somebody/something/0.webp"] = "a preview"


def free_picture(run: Run) -> None:
    run.evidence.objects["generations/somebody/something/0.png"] = DRAWN


def lost_request(run: Run) -> None:
    run.promises.accepted["gone"] = Wish("somebody", 1)


def lost_purchase(run: Run) -> None:
    run.promises.purchases["gone"] = "somebody"


def second_generation(run: Run) -> None:
    run.promises.wishes.pop()


def refused_and_made(run: Run) -> None:
    run.promises.refused.add(first(run, "done"))


def call_off_the_books(run: Run) -> None:
    again = Call(first(run, "done"), 2, 50.0, 55.0, "answered", (DRAWN,))
    run.evidence.calls.append(again)


def call_without_reason(run: Run) -> None:
    run.verdict.generations[first(run, "done")].uncertain_attempts[1] = 68_000
    call_off_the_books(run)


def third_call(run: Run) -> None:
    run.verdict.generations[first(run, "done")].uncertain_attempts |= {1: 0, 2: 0}
    run.faults.append(Fault(1.0, 60.0, "worker", "pause", 1))
    call_off_the_books(run)
    call_off_the_books(run)


def paid_for_a_cancelled_one(run: Run) -> None:
    run.evidence.calls.append(Call(first(run, "cancelled"), 2, 1.0, 2.0, "aborted"))


def never_called(run: Run) -> None:
    done = first(run, "done")
    run.evidence.calls[:] = [call for call in run.evidence.calls if call.generation_id != done]


def charged_off_the_books(run: Run) -> None:
    done = run.evidence.calls[0]
    run.evidence.calls[0] = dataclasses.replace(done, billed=done.billed + 1)


def booked_and_not_charged(run: Run) -> None:
    run.evidence.calls[0] = dataclasses.replace(run.evidence.calls[0], billed=1)


def charged_twice_for_an_attempt(run: Run) -> None:
    run.evidence.calls.append(run.evidence.calls[0])


def two_results(run: Run) -> None:
    run.verdict.generations[first(run, "done")].paid["another"] = ("failed", 0)


def lost_cost_row(run: Run) -> None:
    run.evidence.tables["provider_costs"].pop()


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
    yield second_generation, "times and has"
    yield refused_and_made, "was called refused and is done"
    yield call_off_the_books, "booked as uncertain"
    yield charged_off_the_books, "cost more than the books say"
    yield booked_and_not_charged, "cost less than the books say"
    yield charged_twice_for_an_attempt, "was charged 2 times"
    yield two_results, "results that differ"
    yield lost_cost_row, "read.provider_costs"
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
    (call,) = (one for one in run.evidence.calls if one.generation_id == given_one(run))
    killed = Call(call.generation_id, 2, call.began - 10, call.began - 5, "aborted")
    run.evidence.calls.append(killed)
    run.verdict.generations[given_one(run)].uncertain_attempts[1] = 68_000
    fill_costs(run.verdict, run.evidence)
    run.faults.append(Fault(call.ended, call.ended, "worker", "kill", 1))
    assert run.problems() == []


def test_an_extra_call_after_a_fault_is_no_problem() -> None:
    """One more call on the books, made because a worker was paused in the first, is allowed."""
    run = quiet_run()
    call_without_reason(run)
    fill_costs(run.verdict, run.evidence)
    run.faults.append(Fault(1.0, 20.0, "worker-2", "pause", 1))
    assert run.problems() == []


def test_a_request_may_arrive_when_its_sender_is_gone() -> None:
    """What is read just after the kill was sent before it; what comes later was not."""
    run = quiet_run()
    call_without_reason(run)
    fill_costs(run.verdict, run.evidence)
    began = run.evidence.calls[0].began
    run.faults.append(Fault(began - 0.1, began - 0.1, "worker", "kill", 1))
    assert run.problems() == []
    run.faults[0] = Fault(began - 10, began - 10, "worker", "kill", 1)
    assert len(run.problems()) == 1
