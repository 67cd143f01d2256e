"""The provider's own bill against our books, call by call.

The stand-in counts what it would charge. Every picture on its bill must be on our books: paid for
certain, as a result of the job says, or in a call of which nobody knows how it ended. One attempt
never has more than one call that costs anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from commands.catalogue import MODELS_BY_ID
from tests.chaos.books import Generation, Verdict
from tests.chaos.evidence import Call, Row

PROVIDERS = {"gpt-image": "openai", "flux-dev": "fal"}
"""Who draws for which model here."""


class Totals(NamedTuple):
    """What a run cost, in millionths of a US dollar."""

    billed: int
    """By the provider."""
    certain: int
    """On our books, in results."""
    uncertain: int
    """On our books, in calls that may have been paid."""


def totals(verdict: Verdict, calls: Iterable[Call]) -> Totals:
    """Bill and books as sums."""
    generations = verdict.generations
    billed = sum(
        call.billed * micros_each(generations[call.generation_id])
        for call in calls
        if call.generation_id in generations
    )
    return Totals(
        billed,
        sum(_certain(one) for one in generations.values()),
        sum(sum(one.uncertain_attempts.values()) for one in generations.values()),
    )


def micros_each(generation: Generation) -> int:
    """What one picture costs, by the data that both sides go by."""
    model = MODELS_BY_ID[generation.model]
    provider = PROVIDERS.get(generation.model, "")
    return model.cost_micros(provider, generation.kind, generation.size, generation.quality)


def check_bill(verdict: Verdict, calls: Iterable[Call]) -> Iterator[str]:
    """Every charge is on the books, and nothing is there for certain that was not charged."""
    pictures: Counter[str] = Counter()
    attempts: Counter[tuple[str, int]] = Counter()
    for call in calls:
        pictures[call.generation_id] += call.billed
        attempts[call.generation_id, call.attempt] += call.billed > 0
    for (generation_id, attempt), times in attempts.items():
        if times > 1:
            yield f"attempt {attempt} of {generation_id} was charged {times} times"
        if times and generation_id not in verdict.generations:
            yield f"{generation_id} was charged and is not in the log"
    for generation_id, generation in verdict.generations.items():
        yield from _check_one(generation_id, generation, pictures[generation_id])


def _check_one(generation_id: str, generation: Generation, pictures: int) -> Iterator[str]:
    if len(generation.paid) > 1:
        yield f"{generation_id} has {len(generation.paid)} results that differ"
    billed = pictures * micros_each(generation)
    certain = _certain(generation)
    uncertain = sum(generation.uncertain_attempts.values())
    told = f"{billed} were charged, {certain} are on the books for certain, {uncertain} perhaps"
    if billed > certain + uncertain:
        yield f"{generation_id} cost more than the books say: {told}"
    if certain > billed and not generation.uncertain_attempts:
        yield f"{generation_id} cost less than the books say: {told}"


def _certain(generation: Generation) -> int:
    return sum(micros for _, micros in generation.paid.values())


def check_costs(verdict: Verdict, rows: Iterable[Row]) -> Iterator[str]:
    """The read model of spending holds what the log's facts say, once each."""
    told = {(row["generation_id"], row["step"]): row["cost_micros"] for row in rows}
    expected: dict[tuple[str, str], int] = {}
    for generation_id, one in verdict.generations.items():
        for attempt, micros in one.uncertain_attempts.items():
            expected[generation_id, f"uncertain:{attempt}"] = micros
        for step, micros in one.paid.values():
            if micros or step == "completed":  # which also tells how long it took
                expected[generation_id, step] = micros
    for key in expected.keys() | told.keys():
        if expected.get(key) != told.get(key):
            yield f"read.provider_costs has {told.get(key)} for {key}, the log {expected.get(key)}"
