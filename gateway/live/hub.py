"""Who watches, and what they may have missed: the changes of the last minutes, by account.

Bounded twice: so many changes are kept in all, and so many may wait for one slow reader, who is
then cut off and resumes from the log position it has.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, NamedTuple

from events.live import PartialPreview, Progress
from gateway.limits.in_flight import InFlight
from gateway.live.changes import Change
from gateway.operations import metrics
from gateway.web.errors import Problem

RETRY_AFTER_SECONDS: Final = 5
MANY: Final = "Too many event streams of yours are open. Close one first."


class Item(NamedTuple):
    """One change at its place in the log; progress has no place."""

    partition: int
    offset: int
    at_ms: int
    change: Change | Progress | PartialPreview


class Subscription:
    """What waits for one reader.

    Args:
        account_id: whose changes.
        generation_id: only this generation's; None: all.
        queue_max: how many may wait.
    """

    def __init__(self, account_id: str, generation_id: str | None, queue_max: int) -> None:
        self.account_id = account_id
        self.generation_id = generation_id
        self.cut = False
        """Whether the reader was too slow, or the tail lost its place: it must connect again."""
        self._queue_max = queue_max
        self._queue: deque[Item] = deque()
        self._arrived = asyncio.Event()

    def offer(self, item: Item) -> None:
        """Queue a change if it is wanted."""
        if self.generation_id is not None and self.generation_id != getattr(
            item.change, "generation_id", None
        ):
            return
        if isinstance(item.change, PartialPreview):
            self._forget_previous(item.change)
        if len(self._queue) >= self._queue_max:
            metrics.STREAMS_CUT.inc()
            self.close()
        elif not self.cut:
            self._queue.append(item)
            self._arrived.set()

    def _forget_previous(self, change: PartialPreview) -> None:
        """Of a picture that is being made, a slow reader gets the newest only."""
        place = (change.generation_id, change.index)
        for queued in self._queue:
            one = queued.change
            if isinstance(one, PartialPreview) and (one.generation_id, one.index) == place:
                self._queue.remove(queued)
                return

    def close(self) -> None:
        """End it: the reader has to connect again."""
        self.cut = True
        self._queue.clear()
        self._arrived.set()

    async def get(self, timeout_seconds: float) -> list[Item]:
        """What waits; empty when nothing came in time, or it was cut off."""
        if not self._queue and not self.cut:
            self._arrived.clear()
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        items = list(self._queue)
        self._queue.clear()
        return items


class Hub:
    """The last changes and their readers.

    Args:
        changes_max: how many changes are kept.
        streams_max: how many readers there may be.
        per_account_max: how many of one account.
        queue_max: how many changes may wait for one reader.
    """

    def __init__(
        self, changes_max: int, streams_max: int, per_account_max: int, queue_max: int
    ) -> None:
        self._changes_max = changes_max
        self._streams_max = streams_max
        self._at_once = InFlight("streams-at-once", per_account_max, MANY)
        self._queue_max = queue_max
        self._history: dict[str, deque[Item]] = {}
        self._order: deque[str] = deque()
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._streams = 0
        self._covered: dict[int, int] = {}

    def begin(self, starts: dict[int, int]) -> None:
        """The tail starts (again) at these offsets by partition: forget all, cut everybody off."""
        self._history.clear()
        self._order.clear()
        self._covered = dict(starts)
        for subscriptions in list(self._subscriptions.values()):
            for one in subscriptions:
                one.close()

    def publish(self, partition: int, offset: int, at_ms: int, change: Change) -> None:
        """Keep a change of the log and hand it to who watches."""
        item = Item(partition, offset, at_ms, change)
        account_id = change.account_id
        self._history.setdefault(account_id, deque()).append(item)
        self._order.append(account_id)
        if len(self._order) > self._changes_max:
            self._drop_oldest()
        self._offer(account_id, item)

    def progress(self, change: Progress | PartialPreview) -> None:
        """Hand progress to who watches; it is not kept."""
        self._offer(change.account_id, Item(-1, -1, 0, change))

    def _offer(self, account_id: str, item: Item) -> None:
        for one in self._subscriptions.get(account_id, ()):
            one.offer(item)

    def _drop_oldest(self) -> None:
        account_id = self._order.popleft()
        changes = self._history[account_id]
        oldest = changes.popleft()
        self._covered[oldest.partition] = oldest.offset + 1
        if not changes:
            del self._history[account_id]

    def covers(self, partition: int, offset: int) -> bool:
        """Whether every change from `offset` on is still kept."""
        covered = self._covered.get(partition)
        return covered is not None and covered <= offset

    def covered_from(self, partition: int) -> int | None:
        """The offset from which on every change is kept; None: no such partition."""
        return self._covered.get(partition)

    def since(self, account_id: str, offset: int, generation_id: str | None = None) -> list[Item]:
        """The account's kept changes from `offset` on; an account's are all in one partition."""
        return [
            item
            for item in self._history.get(account_id, ())
            if item.offset >= offset
            and (
                generation_id is None
                or getattr(item.change, "generation_id", None) == generation_id
            )
        ]

    def subscribe(self, account_id: str, generation_id: str | None = None) -> Subscription:
        """Begin to queue changes for a reader; give it back with `unsubscribe`.

        Raises:
            Problem: there are too many readers, of this account or in all.
        """
        if self._streams >= self._streams_max:
            raise Problem(
                "too-many-streams",
                "Too many event streams are open here. Try again later.",
                retry_after=RETRY_AFTER_SECONDS,
            )
        self._at_once.enter(account_id)
        one = Subscription(account_id, generation_id, self._queue_max)
        self._subscriptions.setdefault(account_id, []).append(one)
        self._streams += 1
        metrics.STREAMS.set(self._streams)
        return one

    def cut(self, account_id: str) -> None:
        """End the account's streams: who still may, connects again."""
        for one in self._subscriptions.get(account_id, ()):
            one.close()

    def unsubscribe(self, subscription: Subscription) -> None:
        """The reader is gone."""
        mine = self._subscriptions[subscription.account_id]
        mine.remove(subscription)
        self._at_once.leave(subscription.account_id)
        if not mine:
            del self._subscriptions[subscription.account_id]
        self._streams -= 1
        metrics.STREAMS.set(self._streams)

    def close(self) -> None:
        """End every stream: the process is stopping."""
        for subscriptions in list(self._subscriptions.values()):
            for one in subscriptions:
                one.close()
