"""Requests of a random log, alone or several in one command."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from events import ids
from events.batches import BatchRequested
from events.generations import GenerationRequested
from events.ids import AccountId, GenerationId

KEYS = 4
"""Idempotency keys per account: few, so that facts repeat and meet closed generations."""
_SHARE = 0.15


def generation_of(chance: Random, account_id: AccountId) -> GenerationId:
    """One that the account may have asked for, alone or in a batch."""
    key = chance.randrange(KEYS)
    if chance.random() < _SHARE:
        return ids.batch_generation_id(ids.batch_id(account_id, str(key)), key % 3)
    return ids.generation_id(account_id, str(key))


def asked(chance: Random, one: GenerationRequested) -> GenerationRequested | BatchRequested:
    """One request, or a batch of requests like it."""
    if chance.random() >= _SHARE:
        return one
    batch = ids.batch_id(one.account_id, str(chance.randrange(KEYS)))
    return BatchRequested(
        account_id=one.account_id,
        occurred_at_ms=0,
        batch_id=batch,
        requests=tuple(
            replace(one, generation_id=ids.batch_generation_id(batch, index))
            for index in range(chance.randint(1, 3))
        ),
    )
