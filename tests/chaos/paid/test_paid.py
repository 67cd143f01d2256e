"""The plan of a run of paid jobs, and what its judge says of figures that do not add up."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from pathlib import Path

from tests.chaos.faults import WORKERS, Fault, Faults
from tests.chaos.load import Promises
from tests.chaos.paid import queueing
from tests.chaos.paid.judging import check_paid, check_resumed, figures, summarize_paid
from tests.chaos.paid.scene import Form, plan
from tests.chaos.quiet import first, quiet_run
from tests.chaos.run import Outcome
from tests.chaos.wanting import Wish
from tests.fakes.fal import Made

FORM = Form(jobs=500, kills=20, pauses=5)
KILL = Fault(1.0, 1.0, "worker", "kill", 1)


def quiet_outcome() -> Outcome:
    """A run without a problem, and one fault."""
    run = quiet_run()
    faults = Faults(Path(), 0, 0, [], print, done=[KILL])
    return Outcome(1, Path(), run.verdict, run.promises, run.evidence, faults, [])


def test_a_seed_repeats_its_plan() -> None:
    """Twenty kills and five pauses of workers alone, the same for the same seed."""
    planned = plan(FORM, random.Random(7))
    assert planned == plan(FORM, random.Random(7))
    assert Counter(one.kind for one in planned) == {"kill": 20, "pause": 5}
    assert Counter(one.victim for one in planned) == dict(zip(WORKERS, (13, 12), strict=True))
    assert all(bool(one.pause_seconds) == (one.kind == "pause") for one in planned)


def test_what_fits_passes() -> None:
    """Five jobs with one end each, of which three were called for."""
    outcome = quiet_outcome()
    assert list(check_paid(outcome, jobs=5, faults=1)) == []
    told = figures(outcome)
    assert (told.jobs, told.ended, told.charged, told.ambiguous) == (5, 5, 2, 0)
    assert "2 calls charged; at most 5 jobs + 0 failed attempts + 0 ambiguous = 5" in (
        summarize_paid(outcome)
    )


def test_what_does_not_fit_is_named() -> None:
    """Too few jobs or faults, a job without an end, more charges than there can be."""
    outcome = quiet_outcome()
    call = outcome.evidence.calls[0]
    again = [dataclasses.replace(call, attempt=attempt) for attempt in range(4)]
    outcome.evidence.calls += again
    outcome.verdict.generations[first(quiet_run(), "done")].settled = False
    problems = list(check_paid(outcome, jobs=6, faults=2))
    assert [one.split(" ")[0] for one in problems] == ["only", "only", "5", "6"], problems


def test_what_can_be_asked_for_is_not_paid_again() -> None:
    """A second charge is right after a call whose id nobody knew, and after no other."""
    run = quiet_run()
    done = first(run, "done")
    run.verdict.generations[done].model = queueing.MODEL
    call = next(one for one in run.evidence.calls if one.generation_id == done)
    unheard = dataclasses.replace(call, outcome="taken", sha256=())
    assert list(check_resumed(run.verdict, [unheard, call])) == []
    assert len(list(check_resumed(run.verdict, [call, call]))) == 1


async def test_the_queue_knows_what_was_asked_for_again() -> None:
    """Its diary says of each request what it would charge and whether its pictures were fetched."""
    queue = queueing.MoodyQueue(random.Random(1), (0.0, 0.0))
    queue.made = [
        Made("one", "fal-ai/flux/dev", {"prompt": "w", "num_images": 2}, directive, 0.0, None, {})
        for directive in ("drop", "", "failed")
    ]
    queue.made[1].id = "two"
    queue._began = {"one": 1.0, "two": 2.0}
    queue._fetched = {"two": 3.0}
    promises = Promises(accepted={"gen": Wish("somebody", 2, name="w")})
    told = [
        (one.generation_id, one.outcome, one.attempt, one.billed) for one in queue.history(promises)
    ]
    assert told == [
        ("gen", "uncertain", 1, 2),
        ("gen", "answered", 2, 2),
        ("gen", "refused", 2, 0),
    ]
