"""Open streams: what a reader missed, then what happens, until it goes or is too slow."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, Final
from uuid import UUID

import structlog

from gateway.api.documents import Balance
from gateway.deps import Deps
from gateway.generations.reads import QUERIES, find_document, to_documents
from gateway.identity.signed_in import Account
from gateway.live.hub import Item, Subscription
from gateway.live.stream_events import Told, status_of, tell
from gateway.live.tail import FINAL
from gateway.live.wires import SseWire, Wire
from gateway.web.cursors import LogPosition, event_id
from runtime.errors import PixelpopError
from runtime.kafka.partitioner import partition_for
from runtime.postgres.pool import as_account

_log = structlog.get_logger(__name__)

SNAPSHOT_GENERATIONS: Final = 20
REREAD_SECONDS_MAX: Final = 10.0


class Stream(ABC):
    """Sends one account's changes; an ASGI app that sends them as server-sent events.

    Args:
        deps: parts.
        account: who watches.
        subscription: already queueing, so that nothing between it and the backlog is lost.
        after: the last change the reader has; None: it has nothing.
    """

    def __init__(
        self, deps: Deps, account: Account, subscription: Subscription, after: LogPosition | None
    ) -> None:
        self._deps = deps
        self._account = account
        self._subscription = subscription
        self._after = after
        self._sent = -1
        """Offset of the last change that was sent."""
        self._partition = partition_for(account.account_id.encode(), deps.settings.kafka_partitions)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """As a response."""
        await self.over(SseWire(receive, send, scope["path"]))

    async def over(self, wire: Wire) -> None:
        """Send until the reader goes, is cut off, or there is nothing more to come."""
        writing = asyncio.get_running_loop().create_task(self._write(wire))
        reading = asyncio.get_running_loop().create_task(_gone(wire))
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._deps.hub.unsubscribe(self._subscription)
            reading.cancel()
            writing.cancel()
            await asyncio.wait({writing, reading})
        if writing.cancelled():
            return
        try:
            over = writing.result()
            # Only now: the server closes nothing that somebody still waits to receive from.
            await wire.end(over=over)
        except (PixelpopError, TimeoutError) as error:
            _log.warning("event stream ended", error=repr(error))

    async def _write(self, wire: Wire) -> bool:
        """Send what there is to send; returns whether there is nothing more to come."""
        try:
            first, over = await self._first()
        except PixelpopError as error:
            await wire.refuse(error)
            return True
        await wire.begin(first)
        settings = self._deps.settings
        until = asyncio.get_running_loop().time() + settings.stream_seconds_max
        while not over and not self._subscription.cut:
            # Whoever opened it proved then who it was. A token ends, and nobody tells of that.
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            items = await self._subscription.get(min(left, settings.stream_heartbeat_seconds))
            if items:
                told, over = self._told(items)
                if told:
                    await wire.tell(told)
            elif not self._subscription.cut:
                await wire.alive()
        return over

    async def _first(self) -> tuple[list[Told], bool]:
        """What to begin with, and whether that is the end already."""
        if self._after is not None and self._after.partition == self._partition:
            missed = await self._missed(self._after)
            if missed is not None:
                self._sent = self._after.offset
                return self._told(missed)
        return await self._begin()

    async def _missed(self, after: LogPosition) -> list[Item] | None:
        """The changes after a position; None: they are not to be had any more."""
        hub, wanted = self._deps.hub, self._subscription.generation_id
        offset = after.offset + 1
        if offset > self._deps.tail_reader.position(self._partition):
            return None  # of another log, or of the future
        older: list[Item] | None = []
        if not hub.covers(self._partition, offset):
            async with asyncio.timeout(REREAD_SECONDS_MAX):
                older = await self._deps.tail_reader.reread(
                    self._account.account_id, self._partition, offset
                )
        if older is None:
            return None
        kept = hub.since(self._account.account_id, offset)
        return [
            item
            for item in [*older, *kept]
            if wanted is None or getattr(item.change, "generation_id", None) == wanted
        ]

    @abstractmethod
    async def _begin(self) -> tuple[list[Told], bool]:
        """What the stream begins with, and whether that is all."""

    def _told(self, items: list[Item]) -> tuple[list[Told], bool]:
        """Events of what was not sent yet, and whether the last one is the end."""
        events: list[Told] = []
        for item in items:
            if item.offset >= 0:
                if item.offset <= self._sent:
                    continue
                self._sent = item.offset
            told = tell(item, self._account.key)
            if told is not None:
                events.append(told)
            if self._ends(item):
                events.append(Told("end", {"status": status_of(item)}))
                return events, True
        return events, False

    def _ends(self, item: Item) -> bool:  # noqa: ARG002  subclasses look at it
        return False


class AccountStream(Stream):
    """Everything that happens to the account."""

    async def _begin(self) -> tuple[list[Told], bool]:
        """A snapshot of the read models, and the place in the log that it was taken at."""
        deps, account = self._deps, self._account
        offsets = await deps.consistency.refresh()
        seen = offsets.get(self._partition, 0)
        async with as_account(deps.pool, account.uuid) as connection:
            rows = await connection.fetch(
                QUERIES.list_generations,
                account.uuid,
                *(None, None, None, None),
                False,
                SNAPSHOT_GENERATIONS,
            )
            images = await connection.fetch(
                QUERIES.get_images, account.uuid, [row["generation_id"] for row in rows]
            )
            balance = await connection.fetchrow(QUERIES.get_balance, account.uuid)
        snapshot = {
            "generations": await to_documents(deps, account, rows, images),
            "credits": Balance() if balance is None else Balance(**dict(balance)),
        }
        self._sent = seen - 1
        reset = Told("reset", snapshot, event_id(self._partition, max(seen - 1, 0)))
        events, over = self._told(deps.hub.since(account.account_id, seen))
        return [reset, *events], over


class GenerationStream(Stream):
    """What happens to one generation, until it is finished."""

    async def _begin(self) -> tuple[list[Told], bool]:
        """All its changes, if they are at hand from the first one on; else how it stands."""
        deps, wanted = self._deps, self._subscription.generation_id
        assert wanted is not None
        known = deps.tail.get(wanted)
        if (
            known is not None
            and known.request_offset is not None
            and deps.hub.covers(self._partition, known.request_offset)
        ):
            return self._told(
                deps.hub.since(self._account.account_id, known.request_offset, wanted)
            )
        seen = (await deps.consistency.refresh()).get(self._partition, 0)
        document = await find_document(deps, self._account, UUID(wanted))
        reset = Told("reset", {"generation": document}, event_id(self._partition, max(seen - 1, 0)))
        if document is not None and document.status in FINAL:
            return [reset, Told("end", {"status": document.status})], True
        self._sent = seen - 1
        events, over = self._told(deps.hub.since(self._account.account_id, seen, wanted))
        return [reset, *events], over

    def _ends(self, item: Item) -> bool:
        return status_of(item) in FINAL


async def _gone(wire: Wire) -> None:
    """Return once the reader is gone."""
    try:
        await wire.gone()
    except Exception as error:  # noqa: BLE001  whatever the server raises, nobody reads any more
        _log.info("a stream's connection broke", error=repr(error))
