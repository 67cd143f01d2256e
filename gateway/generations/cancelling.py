"""Cancelling what nobody has begun to make: one generation, or those that are left of a batch.

The claim is taken before a worker takes it; then nobody is paid (design §2.5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn
from uuid import UUID

from events.generations import GenerationCancelled
from events.ids import GenerationId, fact_id
from gateway.api.documents import GenerationDocument
from gateway.events_out import EVENTS, outgoing
from gateway.generations.reads import find_document, missing
from gateway.identity.signed_in import Account
from gateway.live.tail import FINAL
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Problem
from gateway.web.replies import Reply, reply
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Deps

_QUERIES = load_queries(Path(__file__).with_name("cancelling.sql"))
PROBLEMS: Final = (
    "being-made",
    "already-finished",
    "append-unknown",
    "log-overloaded",
    "not-caught-up",
)
"""What may be in the way, as contracts name it."""


async def cancel_generation(
    deps: Deps, account: Account, asked: str
) -> tuple[GenerationDocument, LogPosition | None]:
    """Cancel it; what it is then, and where that stands in the log if it does since now.

    Args:
        deps: the parts of this gateway.
        account: whose it is.
        asked: its id, a UUID as text.

    Raises:
        Problem: there is none, it is being made, or it is finished.
        PixelpopError: it is not known to be cancelled.
    """
    document = await _document(deps, account, asked)
    if document.status == "cancelled":
        return document, None
    if document.status in FINAL:
        refuse_finished(document.status)
    place = await cancel_claimed(deps, account, [UUID(asked)])
    if place is None:
        raise Problem("being-made", "It is being made already and can no longer be cancelled.")
    return await _document(deps, account, asked), place


async def cancel_claimed(deps: Deps, account: Account, asked: Sequence[UUID]) -> LogPosition | None:
    """Cancel those that no worker has begun; where the last of them stands in the log.

    None: all of them are being made. The read models have it then, unless they lag.

    Raises:
        PixelpopError: they are not known to be cancelled.
    """
    async with as_account(deps.pool, account.uuid) as connection:
        await connection.execute(_QUERIES.claim_cancelled, asked, account.uuid)
        rows = await connection.fetch(_QUERIES.get_cancelled, asked)
    if not rows:
        return None
    told = [_told(deps, account, str(row["generation_id"])) for row in rows]
    last = max(await asyncio.gather(*told), key=lambda place: place.offset)
    await deps.consistency.passed(last)
    return last


def refuse_finished(status: str) -> NoReturn:
    """Refuse to cancel what is over.

    Raises:
        Problem: always.
    """
    raise Problem("already-finished", f"It is {status} already; there is nothing to cancel.")


def answer(document: object, place: LogPosition | None) -> Reply:
    """What was cancelled, with a token for reads that shall know of it."""
    return reply(document, headers=[] if place is None else [token_header(*place)])


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


async def _document(deps: Deps, account: Account, generation_id: str) -> GenerationDocument:
    document = await find_document(deps, account, UUID(generation_id))
    if document is None:
        raise missing(deps)
    return document
