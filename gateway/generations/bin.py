"""The bin: a generation or one picture is moved there and taken back by the same rules.

Nothing is deleted here: both are facts in the log, and what has been in the bin for too long is
gone for good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from commands.policy import BIN_DAYS
from events.generations import (
    GenerationDeleted,
    GenerationRestored,
    ImageDeleted,
    ImageRestored,
)
from events.ids import fact_id
from gateway.events_out import EVENTS, outgoing
from gateway.identity.signed_in import Account
from gateway.sharing.ending import end_shares
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Problem
from gateway.web.replies import Reply, nothing

if TYPE_CHECKING:
    from gateway.deps import Deps

BIN_MS: Final = BIN_DAYS * 24 * 60 * 60 * 1000

_Kind = type[GenerationDeleted | GenerationRestored | ImageDeleted | ImageRestored]


class Thing(NamedTuple):
    """What may be in the bin."""

    generation_id: str
    image_id: str | None
    """One picture of it; None: the whole generation."""
    deleted_at_ms: int | None
    """Since when it is in the bin."""


async def throw_away(deps: Deps, account: Account, thing: Thing) -> Reply:
    """Move it to the bin, and end the links to it; twice does no harm."""
    if thing.deleted_at_ms is not None:
        return nothing()
    # First, so that nobody sees it any more even if the log is away, and whoever asks asks again.
    await end_shares(deps.pool, account, thing.generation_id, thing.image_id)
    kind = GenerationDeleted if thing.image_id is None else ImageDeleted
    return await _append(deps, account, thing, kind, "deleted")


async def take_back(deps: Deps, account: Account, thing: Thing) -> Reply:
    """Take it out of the bin; twice does no harm.

    Raises:
        Problem: it has been there for too long.
    """
    if thing.deleted_at_ms is None:
        return nothing()
    if deps.clock.now_ms() - thing.deleted_at_ms > BIN_MS:
        raise Problem("gone-from-bin", f"It was deleted more than {BIN_DAYS} days ago and is gone.")
    kind = GenerationRestored if thing.image_id is None else ImageRestored
    return await _append(deps, account, thing, kind, "restored")


async def _append(deps: Deps, account: Account, thing: Thing, kind: _Kind, step: str) -> Reply:
    now_ms = deps.clock.now_ms()
    about: dict[str, Any] = {"generation_id": thing.generation_id}
    if thing.image_id is not None:
        about["image_id"] = thing.image_id
    event = kind(account_id=account.account_id, occurred_at_ms=now_ms, **about)
    event_id = fact_id(thing.image_id or thing.generation_id, f"{step}:{now_ms}")
    position = await deps.log.append(
        EVENTS, outgoing(event, event_id, correlation_id=thing.generation_id, time_ms=now_ms)
    )
    place = LogPosition(position.partition, position.offset)
    await deps.consistency.passed(place)  # or who takes it back at once would find it not deleted
    return nothing(headers=[token_header(*place)])
