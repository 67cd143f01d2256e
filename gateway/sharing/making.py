"""Makes links and ends them: the rows that open them, and the facts in the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg

from events.ids import GenerationId, ImageId, fact_id
from events.sharing import ImageShared, ShareRevoked
from gateway.api.documents import ImageDocument
from gateway.events_out import EVENTS, outgoing
from gateway.generations.reads import find_document, missing
from gateway.identity.signed_in import Account
from gateway.sharing.codes import code_of, hash_of
from gateway.sharing.ending import QUERIES
from gateway.web.errors import Problem, field_problem
from runtime.postgres.pool import as_account

if TYPE_CHECKING:
    from gateway.deps import Deps

DAYS_DEFAULT: Final = 30
"""When a link ends that was not asked for otherwise."""
KEPT_DAYS: Final = 30
"""For how long the row of a link that ended is kept."""


class Share(NamedTuple):
    """A link that is open; the fields are the queries' columns in order."""

    share_id: UUID
    generation_id: UUID
    image_id: UUID
    shows_prompt: bool
    created_at: datetime
    expires_at: datetime


class Shown(NamedTuple):
    """What is to be shown to others, and for how long."""

    generation_id: UUID
    image_id: str | None = None
    """None: the first one that is not in the bin."""
    prompt: bool = False
    """Whether they may read it."""
    days: int | None = None
    """None: `DAYS_DEFAULT`, or fewer where no more are allowed."""


async def make_share(deps: Deps, account: Account, shown: Shown) -> tuple[Share, tuple[int, int]]:
    """A link to one of the account's pictures, and that picture's width and height in pixels.

    A link that shows the same, and ends on about the same day, is given again: whoever asks twice
    gets one.

    Raises:
        Problem: there is no such picture, it is not made yet, or there are too many links.
        PixelpopError: a server is away; ask again.
    """
    days_max = deps.settings.share_days_max
    days = min(DAYS_DEFAULT, days_max) if shown.days is None else shown.days
    if not 1 <= days <= days_max:
        raise field_problem("expires_in_days", f"must be at most {days_max}")
    image = await _image(deps, account, shown)
    size = image.width, image.height
    now_ms = deps.clock.now_ms()
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    expires_at = now + timedelta(days=days)
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(
            QUERIES.find_same, account.uuid, UUID(image.id), shown.prompt, expires_at
        )
        if row is not None:
            return share_of(row), size
        if await connection.fetchval(QUERIES.count_open, account.uuid) >= (
            deps.settings.share_links_max
        ):
            raise Problem(
                "too-many-shares",
                f"There can be {deps.settings.share_links_max} links at once. Take one back.",
            )
    share = Share(uuid4(), shown.generation_id, UUID(image.id), shown.prompt, now, expires_at)
    await add_share(deps, account, share, via="link")
    return share, size


async def add_share(deps: Deps, account: Account, share: Share, *, via: str) -> None:
    """Tell the log of a link, then open it.

    Raises:
        Problem: the account was erased.
        PixelpopError: a server is away. Done again with the same share, it is done once.
    """
    now_ms = ms(share.created_at)
    event = ImageShared(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        share_id=str(share.share_id),
        generation_id=GenerationId(str(share.generation_id)),
        image_id=ImageId(str(share.image_id)),
        via=via,
        shows_prompt=share.shows_prompt,
        expires_at_ms=ms(share.expires_at),
    )
    event_id = fact_id(event.share_id, "shared")
    record = outgoing(event, event_id, correlation_id=event.generation_id, time_ms=now_ms)
    await deps.log.append(EVENTS, record)
    await _add(deps, account, share)


async def revoke_share(deps: Deps, account: Account, share_id: UUID) -> None:
    """End a link at once; twice is no mistake.

    Raises:
        Problem: the account never had it.
        PixelpopError: a server is away. The link may have ended; ask again.
    """
    async with as_account(deps.pool, account.uuid) as connection:
        generation_id = await connection.fetchval(QUERIES.revoke, account.uuid, share_id)
    if generation_id is None:
        raise Problem("not-found", "There is no link with this id.")
    # Told again with every repetition, under the same id: nobody knows whether the first was.
    now_ms = deps.clock.now_ms()
    event = ShareRevoked(
        account_id=account.account_id,
        occurred_at_ms=now_ms,
        share_id=str(share_id),
        generation_id=GenerationId(str(generation_id)),
    )
    event_id = fact_id(event.share_id, "revoked")
    record = outgoing(event, event_id, correlation_id=event.generation_id, time_ms=now_ms)
    await deps.log.append(EVENTS, record)


def share_of(row: Any) -> Share:
    """A row as a share."""
    return Share(*(row[name] for name in Share._fields))


def ms(at: datetime) -> int:
    """Milliseconds since 1970."""
    return round(at.timestamp() * 1000)


async def _image(deps: Deps, account: Account, shown: Shown) -> ImageDocument:
    document = await find_document(deps, account, shown.generation_id)
    if document is None:
        raise missing(deps)
    if document.status != "done" or document.deleted_at is not None or not document.images:
        raise Problem("nothing-to-share", "It has no picture that could be shown.")
    if shown.image_id is None:
        return document.images[0]
    for image in document.images:
        if image.id == shown.image_id:
            return image
    raise Problem("not-found", "There is no image with this id.")


async def _add(deps: Deps, account: Account, share: Share) -> None:
    try:
        async with as_account(deps.pool, account.uuid) as connection:
            await connection.execute(QUERIES.forget_ended, account.uuid, KEPT_DAYS)
            await connection.execute(
                QUERIES.add,
                share.share_id,
                account.uuid,
                share.generation_id,
                share.image_id,
                hash_of(code_of(account, share.share_id)),
                share.shows_prompt,
                share.created_at,
                share.expires_at,
            )
    except asyncpg.ForeignKeyViolationError as error:
        raise Problem("account-erased", "This account was erased. Nothing was made.") from error
