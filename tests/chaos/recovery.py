"""How soon the jobs of a killed worker went on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tests.chaos.books import Verdict
from tests.chaos.evidence import Call
from tests.chaos.load import Promises

RESUME_SECONDS_MAX = 20.0


class Resumed(NamedTuple):
    """One killed call and what came after it."""

    generation_id: str
    seconds: float | None
    """Until anything was done about it again; None: never."""


def resumed(verdict: Verdict, promises: Promises, calls: Iterable[Call]) -> list[Resumed]:
    """For every aborted call, the time until the next call or the next word of a worker.

    The calls' times are this machine's, the log's are the broker's: the same clock here.
    """
    ids = {wish.prompt: generation_id for generation_id, wish in promises.accepted.items()}
    calls = list(calls)
    out = []
    for call in calls:
        generation = verdict.generations.get(ids.get(call.prompt, ""))
        if call.outcome != "aborted" or generation is None:
            continue
        words = [moment / 1000 for moment in generation.moments_ms]
        if generation.result_at_ms and generation.result_at_ms / 1000 <= call.ended:
            continue  # somebody else had finished it already
        begun = [other.began for other in calls if other.prompt == call.prompt]
        later = [moment for moment in (*words, *begun) if moment > call.ended]
        seconds = min(later) - call.ended if later else None
        out.append(Resumed(ids[call.prompt], seconds))
    return out
