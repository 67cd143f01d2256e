"""Several prompts in one command: one fact, of which every reader makes single requests."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from events.base import MoneyFact
from events.generations import GenerationRequested
from events.ids import BatchId, batch_generation_id

ITEMS_MAX = 100
"""What a reader takes; how many may be asked for is a rule of `commands.batches`."""


class BatchRequested(MoneyFact, frozen=True, kw_only=True, gc=False, tag="BatchRequested.v1"):
    """Somebody asks for several generations at once; each is decided, made and paid by itself.

    A reader that does not know it would find decisions about nothing: so it must stop there.
    """

    batch_id: BatchId
    requests: Annotated[tuple[GenerationRequested, ...], Meta(min_length=1, max_length=ITEMS_MAX)]
    """In order; each as if it were asked for alone, sealed for its own event id
    (`fact_id(generation_id, "requested")`), its id following from the batch and its place."""

    @property
    def is_sound(self) -> bool:
        """Whether every request is this account's and has the id of its place."""
        return all(
            one.account_id == self.account_id
            and one.generation_id == batch_generation_id(self.batch_id, index)
            for index, one in enumerate(self.requests)
        )


class _Tagged(msgspec.Struct, gc=False):
    type: str
    batch_id: BatchId | None = None


_tagged = msgspec.json.Decoder(_Tagged)
_single: msgspec.json.Decoder[Any] = msgspec.json.Decoder(GenerationRequested)
_batch: msgspec.json.Decoder[Any] = msgspec.json.Decoder(BatchRequested)


def request_in(value: bytes, generation_id: str) -> GenerationRequested | None:
    """The request of a generation in the value bytes of what it was asked for with.

    Raises:
        msgspec.DecodeError: these bytes are no request.
    """
    if batch_in(value) is None:
        single: GenerationRequested = _single.decode(value)
        return single
    batch: BatchRequested = _batch.decode(value)
    return next((one for one in batch.requests if one.generation_id == generation_id), None)


def batch_in(value: bytes) -> BatchId | None:
    """The batch that these value bytes ask for; None: they ask for a single generation.

    Raises:
        msgspec.DecodeError: these bytes are no event.
    """
    found = _tagged.decode(value)
    return found.batch_id if found.type == BatchRequested.__struct_config__.tag else None
