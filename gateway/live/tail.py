"""What the gateway knows of the last minutes of the log: decisions for those who wait for one.

It is a hint, bounded and forgetful; the read models are the truth (design §2). It applies the
chain rule where it knows the head of an account, and believes the first decision where it does
not. Nothing here does I/O: `tail_reader` feeds it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gateway.live.batches import OpenBatch
from gateway.live.changes import (
    DECODERS,
    AccessChanged,
    AskedForSeveral,
    Binned,
    Cancelled,
    Change,
    Completed,
    Decided,
    Ending,
    Erased,
    Failed,
    Rejected,
    Requested,
    Reserved,
    Settled,
    Started,
)
from gateway.operations import metrics

HEADS_MAX: Final = 100_000
"""Accounts whose chain head is kept."""
FINAL: Final = frozenset({"done", "failed", "rejected", "cancelled"})
"""Statuses that nothing follows."""
_OF_GENERATIONS: Final = (Reserved, Rejected, Settled)


class Known(msgspec.Struct, gc=False, eq=False):
    """What is known of one generation; status is by the vocabulary of design §9.

    It is part of no reference cycle, so the collector need not look through a hundred thousand.
    """

    account_id: str
    generation_id: str
    partition: int
    status: str = "pending"
    request_hash: str | None = None
    """SHA-256 of the value bytes of the request that counts: the first in the log."""
    body_mac: str | None = None
    request_offset: int | None = None
    requested_at_ms: int | None = None
    decision: Reserved | Rejected | None = None
    failure: Failed | None = None
    offset: int = -1
    """Of its last change."""
    batch: OpenBatch | None = None
    """What it was asked for with; None: it was asked for alone."""


Listener = Callable[[int, int, int, Change], None]
"""Called with partition, offset, append time (ms) and what changed, in log order."""


class Tail:
    """Folds records into what is known, and wakes who waits.

    Args:
        generations_max: how many are known at most; the oldest are forgotten first.
        on_change: told of every change that had an effect.
        on_erased: told of every account that was erased.
        on_access: told of every account that may do other things than before.
    """

    def __init__(
        self,
        generations_max: int,
        *,
        on_change: Listener,
        on_erased: Callable[[str], None],
        on_access: Callable[[AccessChanged], None] = lambda _: None,
    ) -> None:
        self.measuring = False
        """Whether what is folded has just happened, so that its times tell something."""
        self._generations_max = generations_max
        self._on_change = on_change
        self._on_erased = on_erased
        self._on_access = on_access
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._heads: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._waiters: dict[str, list[tuple[asyncio.Future[Known], bool]]] = {}

    # Asking ------------------------------------------------------------------------------------

    def get(self, generation_id: str) -> Known | None:
        """What is known of a generation; None: nothing (any more)."""
        return self._known.get(generation_id)

    def expect(self, generation_id: str, *, final: bool = False) -> asyncio.Future[Known]:
        """A future of the generation once it is decided (or `final`: finished).

        Take it before appending, and give it back with `forget`.
        """
        future: asyncio.Future[Known] = asyncio.get_running_loop().create_future()
        known = self._known.get(generation_id)
        if known is not None and _arrived(known, final=final):
            future.set_result(known)
        else:
            self._waiters.setdefault(generation_id, []).append((future, final))
        return future

    def forget(self, generation_id: str, future: asyncio.Future[Known]) -> None:
        """Nobody waits for that future any more."""
        waiters = self._waiters.get(generation_id)
        if waiters is not None:
            waiters[:] = [one for one in waiters if one[0] is not future]
            if not waiters:
                del self._waiters[generation_id]

    def appended(
        self, account_id: str, generation_id: str, partition: int, offset: int, at_ms: int
    ) -> None:
        """Know of a request that this gateway appended itself, until it is read back."""
        known = self._entry(partition, account_id, generation_id)
        if known.offset < 0:
            known.offset = known.request_offset = offset
            known.requested_at_ms = at_ms

    # Folding -----------------------------------------------------------------------------------

    def fold(self, partition: int, records: Sequence[Any]) -> None:
        """Take in records of one partition of the event log, in order."""
        decoders = DECODERS
        for record in records:
            for name, content in record.headers:
                if name == "ce_type":
                    decode = decoders.get(content)
                    break
            else:
                continue
            if decode is None or record.value is None:
                continue
            try:
                change = decode(record.value)
            except (ValueError, RecursionError):  # msgspec.DecodeError is one
                metrics.TAIL_UNREADABLE.inc()
                continue
            if record.key != change.account_id.encode():
                metrics.TAIL_UNREADABLE.inc()
                continue
            self._take(partition, record, change)

    def _take(self, partition: int, record: Any, change: Change | AccessChanged) -> None:
        if isinstance(change, Decided):
            if not self._counts(change, record.value):
                return
            if isinstance(change, _OF_GENERATIONS):
                self._decided(partition, record, change)
                return
        elif isinstance(change, Requested):
            self._requested(partition, record, change)
            return
        elif isinstance(change, AskedForSeveral):
            self._asked_for_several(partition, record, change)
        elif isinstance(change, AccessChanged):
            self._on_access(change)
            return
        elif isinstance(change, Erased):
            self._on_erased(change.account_id)
        elif not isinstance(change, Binned):
            self._made(partition, record, change)
            return
        self._on_change(partition, record.offset, record.timestamp, change)

    def _counts(self, change: Decided, value: bytes) -> bool:
        """The chain rule, as far as the head is known here (design §3)."""
        head = self._heads.get(change.account_id)
        if head is not None:
            expected, sequence = head
            if change.sequence <= sequence:
                return False
            if change.sequence == sequence + 1 and change.previous_hash != expected:
                return False
            self._heads.move_to_end(change.account_id)
        self._heads[change.account_id] = (sha256(value).hexdigest(), change.sequence)
        if len(self._heads) > HEADS_MAX:
            self._heads.popitem(last=False)
        return True

    def _requested(self, partition: int, record: Any, change: Requested) -> None:
        known = self._asked(partition, record, change)
        if known is not None:
            self._changed(known, partition, record, change)

    def _asked_for_several(self, partition: int, record: Any, change: AskedForSeveral) -> None:
        if any(one.account_id != change.account_id for one in change.requests):
            return
        batch = OpenBatch(change.batch_id, (one.generation_id for one in change.requests))
        for one in change.requests:
            known = self._asked(partition, record, one)
            if known is None:
                return  # a repetition
            known.batch, known.offset = batch, record.offset
        self._on_change(partition, record.offset, record.timestamp, change)

    def _asked(self, partition: int, record: Any, change: Requested) -> Known | None:
        """What is known of a request that was read; None: it is a repetition."""
        known = self._entry(partition, change.account_id, change.generation_id)
        if known.request_hash is not None or known.account_id != change.account_id:
            return None  # the first in the log counts
        known.request_hash = sha256(record.value).hexdigest()
        known.body_mac = change.body_mac
        known.request_offset = record.offset
        known.requested_at_ms = record.timestamp
        return known

    def _decided(self, partition: int, record: Any, change: Reserved | Rejected | Settled) -> None:
        known = self._entry(partition, change.account_id, change.generation_id)
        if isinstance(change, Settled):
            if change.outcome in {"timed_out", "erased"}:
                known.status = "failed"
        else:
            known.decision = change
            if isinstance(change, Rejected):
                known.status = "rejected"
        self._changed(known, partition, record, change)

    def _made(
        self, partition: int, record: Any, change: Started | Completed | Failed | Cancelled
    ) -> None:
        known = self._entry(partition, change.account_id, change.generation_id)
        if known.status in FINAL or (known.decision is None and known.request_hash is not None):
            return  # the first result counts, and only of what was admitted
        if isinstance(change, Started):
            known.status = "processing"
        elif isinstance(change, Cancelled):
            known.status = "cancelled"
        elif isinstance(change, Completed) and change.images:
            known.status = "done"
            if self.measuring and known.requested_at_ms is not None:
                metrics.DONE_SECONDS.observe((record.timestamp - known.requested_at_ms) / 1000)
        else:
            known.status = "failed"
            known.failure = change if isinstance(change, Failed) else None
        self._changed(known, partition, record, change)

    def _entry(self, partition: int, account_id: str, generation_id: str) -> Known:
        known = self._known.get(generation_id)
        if known is None:
            known = self._known[generation_id] = Known(account_id, generation_id, partition)
            if len(self._known) > self._generations_max:
                self._known.popitem(last=False)
        return known

    def _changed(self, known: Known, partition: int, record: Any, change: Change) -> None:
        known.offset = record.offset
        ended = known.batch if known.status in FINAL else None
        if ended is not None and ended.ends_with(known.generation_id):
            assert isinstance(change, Ending)
            change = replace(change, ended_batch=ended.batch_id)
        waiters = self._waiters.get(known.generation_id)
        if waiters is not None:
            for future, final in waiters:
                if _arrived(known, final=final) and not future.done():
                    future.set_result(known)
        self._on_change(partition, record.offset, record.timestamp, change)


def _arrived(known: Known, *, final: bool) -> bool:
    if known.status in FINAL:
        return True
    return not final and (known.decision is not None or known.status != "pending")
