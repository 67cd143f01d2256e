"""How soon the jobs of a killed worker went on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.chaos.books import Verdict
from tests.chaos.evidence import Call
from tests.chaos.faults import SERVERS, Fault

RESUME_SECONDS_MAX = 20.0


class Resumed(NamedTuple):
    """One killed call and what came after it."""

    generation_id: str
    seconds: float | None
    """Until anything was done about it again; None: never."""
    undisturbed_seconds: float | None
    """The same since the last fault of a server meanwhile; another killed worker is no excuse."""


def resumed(verdict: Verdict, calls: Iterable[Call], faults: Iterable[Fault]) -> list[Resumed]:
    """For every aborted call, the time until the next call or the next word of a worker.

    The calls' times are this machine's, the log's are the broker's: the same clock here.
    """
    calls = list(calls)
    ends = [fault.ended for fault in faults if fault.victim in SERVERS]
    out = []
    for call in calls:
        generation_id = call.generation_id
        generation = verdict.generations.get(generation_id)
        if call.outcome != "aborted" or generation is None:
            continue
        if generation.result_at_ms and generation.result_at_ms / 1000 <= call.ended:
            continue  # somebody else had finished it already
        words = [moment / 1000 for moment in generation.moments_ms]
        begun = [other.began for other in calls if other.generation_id == generation_id]
        later = [moment for moment in (*words, *begun) if moment > call.ended]
        if not later:
            out.append(Resumed(generation_id, None, None))
            continue
        again = min(later)
        since = max([call.ended, *(end for end in ends if call.ended < end < again)])
        out.append(Resumed(generation_id, again - call.ended, again - since))
    return out
