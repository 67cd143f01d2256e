"""What must hold of disturbed paid jobs as a whole, and the figures that a person reads."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tests.chaos.books import Verdict
from tests.chaos.evidence import Call
from tests.chaos.paid import queueing
from tests.chaos.run import Outcome
from tests.chaos.summary import summarize


class Figures(NamedTuple):
    """One run in numbers."""

    jobs: int
    """Generations that were admitted."""
    ended: int
    """Of these, how many have exactly one end that counts."""
    charged: int
    """Calls on the provider's bill."""
    failed: int
    """Of these, how many brought nothing that can be delivered, and said so."""
    ambiguous: int
    """Calls on our books of which nobody knows whether they were paid."""


def figures(outcome: Outcome) -> Figures:
    """Count."""
    admitted = [one for one in outcome.verdict.generations.values() if one.reserved]
    charged = [call for call in outcome.evidence.calls if call.billed]
    return Figures(
        jobs=len(admitted),
        ended=sum(one.settled for one in admitted),
        charged=len(charged),
        failed=sum(call.outcome == "answered" and not call.sha256 for call in charged),
        ambiguous=sum(len(one.uncertain_attempts) for one in admitted),
    )


def check_paid(outcome: Outcome, jobs: int, faults: int) -> Iterator[str]:
    """So many jobs were disturbed so often, each ended once, and no call was paid in vain twice."""
    told = figures(outcome)
    if len(outcome.promises.accepted) < jobs:
        yield f"only {len(outcome.promises.accepted)} of {jobs} jobs were accepted in time"
    if len(outcome.faults.done) < faults:
        yield f"only {len(outcome.faults.done)} of {faults} faults were done in time"
    if told.ended != told.jobs:
        yield f"{told.jobs} jobs have {told.ended} ends"
    yield from check_resumed(outcome.verdict, outcome.evidence.calls)
    # Tighter than jobs, failed attempts and ambiguous ones: a charged failure is a job's end.
    if told.charged > told.jobs + told.ambiguous:
        yield f"{told.charged} calls were charged for {told.jobs} jobs, {told.ambiguous} ambiguous"


def check_resumed(verdict: Verdict, calls: Iterable[Call]) -> Iterator[str]:
    """What can be asked for again is paid again only where nobody got to know its id."""
    made: dict[str, list[Call]] = defaultdict(list)
    for call in calls:
        generation = verdict.generations.get(call.generation_id)
        if call.billed and generation is not None and generation.model == queueing.MODEL:
            made[call.generation_id].append(call)
    for generation_id, paid in made.items():
        if any(call.outcome == "answered" for call in paid[:-1]):
            yield f"{generation_id} was paid again although it could be asked for"


def summarize_paid(outcome: Outcome) -> str:
    """The report of any run, and what this one is about."""
    told = figures(outcome)
    calls = Counter(map(_fate, outcome.evidence.calls))
    in_all = calls.total()
    parts = ", ".join(f"{times} {fate} ({times / in_all:.0%})" for fate, times in calls.items())
    ends = Counter(
        f"{one.model} {one.kind} {one.status}"
        for one in outcome.verdict.generations.values()
        if one.reserved
    )
    ended = ", ".join(f"{times} {end}" for end, times in sorted(ends.items()))
    most = told.jobs + told.failed + told.ambiguous
    return "\n".join(
        [
            summarize(outcome),
            f"jobs       {told.jobs} admitted, {told.ended} ended once: {ended}",
            f"calls      {in_all}: {parts}",
            (
                f"paid       {told.charged} calls charged; at most {told.jobs} jobs + "
                f"{told.failed} failed attempts + {told.ambiguous} ambiguous = {most}"
            ),
        ]
    )


def _fate(call: Call) -> str:
    match call.outcome:
        case "answered":
            return "answered" if call.sha256 else "failed, charged"
        case "refused":
            return "failed, not charged"
        case "uncertain":
            return "lost"
        case "taken":
            return "taken, never asked for"
        case outcome:
            return outcome
