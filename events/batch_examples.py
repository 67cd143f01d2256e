"""An example of a batch, for `events.examples`."""

from __future__ import annotations

from msgspec.structs import replace

from events import ids
from events.batches import BatchRequested
from events.generations import GenerationRequested
from events.ids import BatchId


def batch_of(one: GenerationRequested) -> BatchRequested:
    """The same request twice, in one command."""
    batch = BatchId(ids.derive("example", "batch"))
    return BatchRequested(
        account_id=one.account_id,
        occurred_at_ms=one.occurred_at_ms,
        batch_id=batch,
        requests=tuple(
            replace(one, generation_id=ids.batch_generation_id(batch, index)) for index in range(2)
        ),
    )
