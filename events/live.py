"""What stands on the live topic: progress for people who are watching; lossy by intent."""

from __future__ import annotations

from typing import Annotated

import msgspec

from events.ids import AccountId, GenerationId


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Progress.v1"):
    """How far a generation is."""

    account_id: AccountId
    generation_id: GenerationId
    stage: str
    """`queued`, `drawing`, `storing`."""
    percent: Annotated[int, msgspec.Meta(ge=0, le=100)]


def decode_progress(value: bytes) -> Progress:
    """Progress from its value bytes.

    Raises:
        msgspec.DecodeError: something else.
    """
    try:
        return msgspec.json.decode(value, type=Progress)
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deeply") from error
