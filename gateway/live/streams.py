"""Open streams: what a reader missed, then what happens, until it goes or is too slow."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from typing import Any, Final
from uuid import UUID

import structlog

from events.topics import EVENTS
from gateway.api.documents import Balance
from gateway.deps import Deps
from gateway.generations.reads import QUERIES, find_document, to_documents
from gateway.identity.signed_in import Account
from gateway.live.hub import Item, Subscription
from gateway.live.stream_events import HEARTBEAT, encode, encode_item, status_of
from gateway.live.tail import FINAL
from gateway.web.cursors import LogPosition, event_id
from gateway.web.errors import render
from runtime.errors import PixelpopError
from runtime.kafka.partitioner import partition_for
from runtime.postgres.pool import as_account

_log = structlog.get_logger(__name__)

SNAPSHOT_GENERATIONS: Final = 20
REREAD_SECONDS_MAX: Final = 10.0
_HEADERS: Final = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # or nginx would hold events back
]


class Stream(ABC):
    """An ASGI app that sends one account's changes.

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
        """Send until the reader goes, is cut off, or there is nothing more to come."""
        writing = asyncio.get_running_loop().create_task(self._write(send))
        reading = asyncio.get_running_loop().create_task(_gone(receive))
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._deps.hub.unsubscribe(self._subscription)
            reading.cancel()
            writing.cancel()
            await asyncio.wait({writing, reading})
        if not writing.cancelled() and (error := writing.exception()) is not None:
            if not isinstance(error, PixelpopError):
                raise error
            _log.warning("event stream ended", error=str(error), path=scope["path"])

    async def _write(self, send: Any) -> None:
        try:
            first, over = await self._first()
        except PixelpopError as error:
            status, headers, body = render(error, "/events")
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await _send_chunk(send, first or b": hello\n\n")
        settings = self._deps.settings
        until = asyncio.get_running_loop().time() + settings.stream_seconds_max
        while not over and not self._subscription.cut:
            # Whoever opened it proved then who it was. A token ends, and nobody tells of that.
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            items = await self._subscription.get(min(left, settings.stream_heartbeat_seconds))
            if items:
                chunk, over = self._encoded(items)
                if chunk:
                    await _send_chunk(send, chunk)
            elif not self._subscription.cut:
                await _send_chunk(send, HEARTBEAT)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _first(self) -> tuple[bytes, bool]:
        """What to begin with, and whether that is the end already."""
        if self._after is not None and self._after.partition == self._partition:
            missed = await self._missed(self._after)
            if missed is not None:
                self._sent = self._after.offset
                return self._encoded(missed)
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
    async def _begin(self) -> tuple[bytes, bool]:
        """What the stream begins with, and whether that is all."""

    def _encoded(self, items: list[Item]) -> tuple[bytes, bool]:
        """Events of what was not sent yet, and whether the last one is the end."""
        chunks = []
        for item in items:
            if item.offset >= 0:
                if item.offset <= self._sent:
                    continue
                self._sent = item.offset
            chunk = encode_item(item)
            if chunk is not None:
                chunks.append(chunk)
            if self._ends(item):
                chunks.append(encode("end", {"status": status_of(item)}))
                return b"".join(chunks), True
        return b"".join(chunks), False

    def _ends(self, item: Item) -> bool:  # noqa: ARG002  subclasses look at it
        return False


class AccountStream(Stream):
    """Everything that happens to the account."""

    async def _begin(self) -> tuple[bytes, bool]:
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
        reset = encode("reset", snapshot, event_id(self._partition, max(seen - 1, 0)))
        chunk, over = self._encoded(deps.hub.since(account.account_id, seen))
        return reset + chunk, over


class GenerationStream(Stream):
    """What happens to one generation, until it is finished."""

    async def _begin(self) -> tuple[bytes, bool]:
        """All its changes, if they are at hand from the first one on; else how it stands."""
        deps, wanted = self._deps, self._subscription.generation_id
        assert wanted is not None
        known = deps.tail.get(wanted)
        if (
            known is not None
            and known.request_offset is not None
            and deps.hub.covers(self._partition, known.request_offset)
        ):
            return self._encoded(
                deps.hub.since(self._account.account_id, known.request_offset, wanted)
            )
        seen = (await deps.consistency.refresh()).get(self._partition, 0)
        document = await find_document(deps, self._account, UUID(wanted))
        reset = encode(
            "reset", {"generation": document}, event_id(self._partition, max(seen - 1, 0))
        )
        if document is not None and document.status in FINAL:
            return reset + encode("end", {"status": document.status}), True
        self._sent = seen - 1
        chunk, over = self._encoded(deps.hub.since(self._account.account_id, seen, wanted))
        return reset + chunk, over

    def _ends(self, item: Item) -> bool:
        return status_of(item) in FINAL


async def _send_chunk(send: Any, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _gone(receive: Any) -> None:
    """Return once the reader is gone."""
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except Exception as error:  # noqa: BLE001  whatever the server raises, nobody reads any more
        _log.info("a stream's connection broke", error=repr(error))


__all__ = ["EVENTS", "AccountStream", "GenerationStream"]
