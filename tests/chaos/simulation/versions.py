"""Deciders of other versions and settings, running beside those of today."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec.structs import replace

from commands.policy import Policy
from events.batches import BatchRequested
from events.codec import encode
from events.generations import GenerationRequested
from events.ids import AccountId
from events.purchases import CreditsPurchased
from events.reading import Poison, read
from events.recorded import Recorded
from processors.decider import partition as partition_module

UNREADABLE_PACK = "pack-of-the-future"
"""A purchase of this pack stands for an event that the old version cannot decode."""


DEARER_CREDITS = 2
"""For every picture, by one of the policies."""


def _today(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]], at_ms: int
) -> Recorded | Poison:
    return read(key, value, headers, at_ms)


def _old(
    key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]], at_ms: int
) -> Recorded | Poison:
    """Read as a version without moderation, batches and one kind of purchase."""
    recorded = read(key, value, headers, at_ms)
    if isinstance(recorded, Poison):
        return recorded
    event = recorded.event
    if isinstance(event, CreditsPurchased) and event.pack_id == UNREADABLE_PACK:
        return Poison("an event of a newer version", AccountId(event.account_id))
    if isinstance(event, BatchRequested):
        return Poison("an event of a newer version", AccountId(event.account_id))
    if isinstance(event, GenerationRequested) and event.prohibited is not None:
        return replace(recorded, event=replace(event, prohibited=None))
    return recorded


def _newer_encode(event: Any) -> bytes:
    """Write a field that the version of today does not know."""
    return encode(event)[:-1] + b',"invented_later":{"why":"a newer version"}}'


class Version(msgspec.Struct, frozen=True):
    """The code and the settings of one decider process."""

    name: str
    policy: Policy
    read: Callable[..., Recorded | Poison] = _today
    encode: Callable[[Any], bytes] = encode

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within this, `processors.decider.partition` is of this version."""
        module: Any = partition_module
        before = module.read, module.encode
        module.read, module.encode = self.read, self.encode
        try:
            yield
        finally:
            module.read, module.encode = before


TODAY = Version("today", Policy())
VERSIONS = (
    TODAY,
    TODAY,
    Version("dearer and stricter", Policy(bucket_generations=2, price=lambda *_: DEARER_CREDITS)),
    Version("shorter deadline", Policy(deadline_ms=3 * 60_000)),
    Version("newer", Policy(), encode=_newer_encode),
    Version("old", Policy(bucket_refill_ms=6_000), read=_old),
)
