"""Gifts come out on one side: ending those that nobody received, and telling the log of all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from events.codec import Event
from events.gifts import GiftClaimed, GiftPart, GiftTaken, GiftUnclaimed
from events.ids import AccountId, fact_id
from gateway.events_out import EVENTS, outgoing
from runtime.kafka.records import Position
from runtime.postgres.pool import Pool, borrowed
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Log

QUERIES = load_queries(Path(__file__).with_name("gifts.sql"))
PAGE: Final = 500
_parts = msgspec.json.Decoder(tuple[GiftPart, ...])


class Gifts:
    """Ends and tells.

    Args:
        pool: holds the gifts; each row is its own outbox.
        log: where they are told.
    """

    def __init__(self, pool: Pool, log: Log) -> None:
        self._pool = pool
        self._log = log

    async def turn(self) -> int:
        """End those that nobody received in time, and tell what came out; how many it told.

        Raises:
            PixelpopError: database or log cannot be reached; nothing is lost.
        """
        async with borrowed(self._pool) as connection:
            await connection.fetchval(QUERIES.end_gifts, PAGE)
            rows = await connection.fetch(QUERIES.untold, PAGE)
        for row in rows:
            await self.tell(row)
        return len(rows)

    async def tell(self, row: Any) -> Position:
        """Tell the log on which side a gift came out; where the last of it stands.

        Raises:
            PixelpopError: it is told later, by whoever looks next.
        """
        gift_id, at_ms = str(row["gift_id"]), row["ended_at_ms"]
        giver = AccountId(str(row["giver"]))
        about: dict[str, Any] = {"occurred_at_ms": at_ms, "gift_id": gift_id}
        if row["state"] == "claimed":
            await self._append(GiftTaken(account_id=giver, **about), "taken")
            receiver = AccountId(str(row["receiver"]))
            event = GiftClaimed(account_id=receiver, parts=_parts.decode(row["parts"]), **about)
            position = await self._append(event, "claimed")
        else:
            unclaimed = GiftUnclaimed(account_id=giver, reason=row["state"], **about)
            position = await self._append(unclaimed, "unclaimed")
        async with borrowed(self._pool) as connection:
            await connection.execute(QUERIES.told, UUID(gift_id))
        return position

    async def _append(self, event: GiftTaken | GiftClaimed | GiftUnclaimed, step: str) -> Position:
        told: Event = event
        return await self._log.append(
            EVENTS,
            outgoing(
                told,
                fact_id(event.gift_id, step),
                correlation_id=event.gift_id,
                time_ms=event.occurred_at_ms,
            ),
        )
