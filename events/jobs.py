"""What stands on the jobs topic: all that a worker needs, so that it never reads the log."""

from __future__ import annotations

import msgspec

from events.generations import GenerationRequested
from events.ids import AccountId, GenerationId


class GenerateJob(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Generate.v1"):
    """Make the pictures of an admitted generation; `request` stays sealed."""

    account_id: AccountId
    generation_id: GenerationId
    deadline_ms: int
    """By the broker's clock; a result that comes later has no effect."""
    request: GenerationRequested


class DiscardJob(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Discard.v1"):
    """Delete the objects of a result that came after its settlement."""

    account_id: AccountId
    generation_id: GenerationId
    object_keys: tuple[str, ...]


Job = GenerateJob | DiscardJob

_decoder = msgspec.json.Decoder(Job)


class GenerateJobOut(
    msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="type", tag="Generate.v1"
):
    """`GenerateJob` as the decider writes it: the request's stored bytes go in unread."""

    account_id: AccountId
    generation_id: GenerationId
    deadline_ms: int
    request: msgspec.Raw


def decode_job(value: bytes) -> Job:
    """A job from its value bytes.

    Raises:
        msgspec.DecodeError: no job that this version knows.
    """
    job: Job = _decoder.decode(value)
    return job


def encode_job(job: Job | GenerateJobOut) -> bytes:
    """The value bytes of a job."""
    return msgspec.json.encode(job)
