"""Requests of simulated customers: alone, or several in one command."""

from __future__ import annotations

from random import Random
from typing import Final

from msgspec.structs import replace

from events import ids
from events.batches import BatchRequested
from events.generations import GenerationRequested
from events.ids import BatchId, GenerationId

_SHARE: Final = 0.12
_SIZES: Final = (1, 2, 3, 8, 20)


def asked(one: GenerationRequested) -> GenerationRequested | BatchRequested:
    """What was wanted, or a batch of requests like it."""
    chance = Random(one.generation_id)
    if chance.random() >= _SHARE:
        return one
    batch = BatchId(ids.derive("simulated-batch", one.generation_id))
    return BatchRequested(
        account_id=one.account_id,
        occurred_at_ms=one.occurred_at_ms,
        batch_id=batch,
        requests=tuple(
            replace(
                one,
                generation_id=ids.batch_generation_id(batch, index),
                count=1 + index % 2,
                prohibited=one.prohibited if index % 2 else None,
            )
            for index in range(chance.choice(_SIZES))
        ),
    )


def names_of(event: GenerationRequested | BatchRequested) -> list[GenerationId]:
    """The ids of what was asked for."""
    if isinstance(event, GenerationRequested):
        return [event.generation_id]
    return [one.generation_id for one in event.requests]
