"""What stands on the live topic, for people who are watching; lossy by intent."""

from __future__ import annotations

from typing import Annotated

import msgspec

from events.base import Sealed, Small
from events.ids import AccountId, EventId, GenerationId, fact_id


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Progress.v1"):
    """How far a generation is."""

    account_id: AccountId
    generation_id: GenerationId
    stage: str
    """`queued`, `drawing`, `storing`."""
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)]


class PartialPreview(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="PartialPreview.v1"
):
    """A picture that is still being made, as small as can be told apart."""

    account_id: AccountId
    generation_id: GenerationId
    index: Small
    """Which picture of the generation."""
    image: Sealed
    """Base64 of a WebP, sealed for the event id `partial_id`: a picture is personal, and the topic
    outlives an erasure by minutes."""


def decode_live(value: bytes) -> Progress | PartialPreview:
    """Whatever stands there, from its value bytes.

    Raises:
        msgspec.DecodeError: something else.
    """
    try:
        told: Progress | PartialPreview = _decoder.decode(value)
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deeply") from error
    return told


def partial_id(generation_id: GenerationId, index: int) -> EventId:
    """What a partial preview's image is sealed for."""
    return fact_id(generation_id, f"partial:{index}")


_decoder = msgspec.json.Decoder(Progress | PartialPreview)
