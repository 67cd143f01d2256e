"""`POST /batches/{id}/cancel`: everything of a batch that nobody has begun to make."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from events.generations import GenerationCancelled
from events.ids import GenerationId, fact_id
from gateway.batches.documents import BatchDocument
from gateway.batches.reads import QUERIES, find_batch
from gateway.events_out import EVENTS, outgoing
from gateway.identity.signed_in import Account
from gateway.live.tail import FINAL
from gateway.web.cursors import LogPosition
from gateway.web.errors import Problem
from runtime.postgres.pool import as_account

if TYPE_CHECKING:
    from gateway.deps import Deps


async def cancel_batch(
    deps: Deps, account: Account, batch_id: str
) -> tuple[BatchDocument, LogPosition | None]:
    """Cancel what can be; the batch as it is then, and where the last of it stands in the log.

    Raises:
        Problem: there is no such batch, it is finished, or all that is open is being made.
        PixelpopError: it is not known to be cancelled.
    """
    document = await find_batch(deps, account, batch_id)
    if document.status == "cancelled":
        return document, None
    left = [UUID(one.id) for one in document.items if one.status not in FINAL]
    if not left:
        raise Problem(
            "already-finished", f"It is {document.status} already; there is nothing to cancel."
        )
    async with as_account(deps.pool, account.uuid) as connection:
        await connection.execute(QUERIES.claim_cancelled, left, account.uuid)
        rows = await connection.fetch(QUERIES.get_cancelled, left)
    cancelled = [str(row["generation_id"]) for row in rows]
    if not cancelled:
        raise Problem("being-made", "All that is left of it is being made already.")
    places = await asyncio.gather(*(_told(deps, account, one) for one in cancelled))
    last = max(places, key=lambda place: place.offset)
    await deps.consistency.passed(last)
    return await find_batch(deps, account, batch_id), last


async def _told(deps: Deps, account: Account, generation_id: str) -> LogPosition:
    now_ms = deps.clock.now_ms()
    event = GenerationCancelled(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        generation_id=GenerationId(generation_id),
    )
    record = outgoing(
        event, fact_id(generation_id, "cancelled"), correlation_id=generation_id, time_ms=now_ms
    )
    position = await deps.log.append(EVENTS, record)
    return LogPosition(position.partition, position.offset)
