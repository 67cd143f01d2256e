"""Requests of simulated customers: of every kind, alone, or several in one command."""

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
_KINDS: Final = {"image": 12, "edit": 3, "variation": 2, "thumbnail": 0.4}
"""With their weights; nobody makes the last one yet."""
_PHOTOS: Final = (1, 1, 2, 4)


def of_some_kind(one: GenerationRequested) -> GenerationRequested:
    """What was wanted, or the same as an edit of photos, like another picture, or of no use."""
    chance = Random(f"kind of {one.generation_id}")
    (kind,) = chance.choices(tuple(_KINDS), tuple(_KINDS.values()))
    if kind == "image":
        return one
    dear = one.model == "preview" and chance.random() < 0.5
    one = replace(one, kind=kind, model="gpt-image" if dear else one.model)
    if kind == "edit":
        uploads = [
            ids.derive("simulated-upload", one.generation_id, str(index))
            for index in range(chance.choice(_PHOTOS))
        ]
        mask = uploads[0] if chance.random() < 0.3 else None
        return replace(
            one,
            upload_ids=tuple(uploads),
            photo_keys=tuple(f"uploads/{one.account_id}/{upload}.webp" for upload in uploads),
            mask_upload_id=mask,
            mask_key=mask and f"uploads/{one.account_id}/{mask}.png",
        )
    if kind == "variation":
        parent = ids.generation_id(one.account_id, "parent")
        return replace(
            one,
            parent_image_id=ids.image_id(parent, 0),
            photo_keys=(f"generations/{one.account_id}/{parent}/0.png",),
        )
    return one


def asked(one: GenerationRequested) -> GenerationRequested | BatchRequested:
    """What was wanted, or a batch of requests like it."""
    chance = Random(one.generation_id)
    if chance.random() >= _SHARE or one.kind != "image":
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
