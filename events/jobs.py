"""What stands on the jobs topic: all that a worker needs, so that it never reads the log."""

from __future__ import annotations

import msgspec

from events.base import Millis
from events.codec import UndecodableError, decode
from events.generations import GenerationRequested
from events.ids import AccountId, GenerationId

FREE, PAID, API = TIERS = ("free", "paid", "api")
"""How jobs share the workers: for credits that were given, or bought, or with an API key."""


class GenerateJob(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="Generate.v1"):
    """Make the pictures of an admitted generation; `request` stays sealed."""

    account_id: AccountId
    generation_id: GenerationId
    deadline_ms: Millis
    """By the broker's clock; a result that comes later has no effect."""
    request: GenerationRequested
    allowed: bool = False
    """An appeal allowed it: what it starts from is not moderated again."""
    tier: str = FREE
    """Of `TIERS`."""


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
    deadline_ms: Millis
    request: msgspec.Raw
    allowed: bool = False
    tier: str = FREE


_outer_decoder = msgspec.json.Decoder(GenerateJobOut)


def decode_job(value: bytes) -> Job:
    """A job from its value bytes; a request of an old version in it is upcast.

    Raises:
        msgspec.DecodeError: no job that this version knows.
    """
    try:
        job: Job = _decoder.decode(value)
    except msgspec.ValidationError as error:
        return _decode_old(value, error)
    except RecursionError as error:
        raise msgspec.DecodeError("nested too deeply") from error
    return job


def _decode_old(value: bytes, error: msgspec.ValidationError) -> Job:
    """The decider puts the stored bytes of a request into its job, whatever their version."""
    try:
        outer = _outer_decoder.decode(value)
        request = decode(bytes(outer.request), GenerationRequested.event_class)
    except (msgspec.ValidationError, UndecodableError):
        raise error from None
    if not isinstance(request, GenerationRequested):
        raise error
    return GenerateJob(
        account_id=outer.account_id,
        generation_id=outer.generation_id,
        deadline_ms=outer.deadline_ms,
        request=request,
        allowed=outer.allowed,
        tier=outer.tier,
    )


def encode_job(job: Job | GenerateJobOut) -> bytes:
    """The value bytes of a job."""
    return msgspec.json.encode(job)
