"""What is known of a person and of what they are told, at the moment when they are told it.

All but the status messages comes from functions of the database that are asked about one account by
name; this process may read none of the tables behind them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

import msgspec

from processors.outward.decisions import asking
from runtime.postgres.pool import Pool
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("facts.sql"))

EXPIRIES_PAGE: Final = 500
"""People whose credits end soon are found so many at a time."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told."""

    chat_id: int | None
    """The private chat with the bot; None: the account does not sign in with Telegram."""
    language: str
    notifications: bool
    """Whether the bot may write by itself when pictures are done."""
    reachable: bool
    """False: the bot was blocked."""
    available: int
    """Credits that can be spent."""


class StatusMessage(NamedTuple):
    """The bot's message about a generation that was asked for in a chat."""

    chat_id: int | None
    """A group's; None: the person's own chat with the bot."""
    message_id: int
    language: str


class Picture(NamedTuple):
    """One stored picture."""

    object_key: str
    preview_key: str
    size_bytes: int
    width: int
    height: int


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a generation."""

    status: str
    error_code: str | None
    captured: int
    """Credits that were paid for it."""
    failed_count: int
    """Pictures of it that could not be made."""
    is_deleted: bool
    pictures: tuple[Picture, ...]
    """In order; without those that were deleted."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch, as far as the read models know."""

    batch_id: UUID
    size: int
    is_settled: bool
    """Of the generation that was asked about."""
    left_open: int
    """How many of it have not ended."""
    done: int
    pictures: int
    captured: int
    told_with: UUID | None
    """Of those that were admitted, the one that ended last; fixed once none is left open."""


class Facts:
    """Asks for them.

    Every method may raise `DatabaseUnavailable` and `ReadModelsMissing`.

    Args:
        pool: connected as `pixelpop_messages`.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def person(self, account_id: UUID) -> Person | None:
        """Who an account is; None: nobody any more."""
        async with asking(self._pool) as connection:
            row = await connection.fetchrow(_QUERIES.person, account_id)
            if row is None:
                return None
            chat = await connection.fetchval(_QUERIES.chat, account_id)
        return Person(
            chat_id=None if chat is None else int(chat),
            language=row["language"] or "",
            notifications=row["notifications"],
            reachable=row["reachable"],
            available=row["available"],
        )

    async def status_message(self, account_id: UUID, generation_id: UUID) -> StatusMessage | None:
        """The message to edit; None: the generation was not asked for in a chat."""
        async with asking(self._pool) as connection:
            row = await connection.fetchrow(_QUERIES.status_message, account_id, generation_id)
        return None if row is None else StatusMessage(*row)

    async def generation(self, account_id: UUID, generation_id: UUID) -> Generation | None:
        """What became of a generation; None: the account has none of this id."""
        async with asking(self._pool) as connection:
            row = await connection.fetchrow(_QUERIES.generation, account_id, generation_id)
        if row is None:
            return None
        columns = (row[name] or () for name in _PICTURE)
        return Generation(
            status=row["status"],
            error_code=row["error_code"],
            captured=row["captured"] or 0,
            failed_count=row["failed_count"] or 0,
            is_deleted=row["is_deleted"],
            pictures=tuple(Picture(*one) for one in zip(*columns, strict=True)),
        )

    async def batch(self, account_id: UUID, generation_id: UUID) -> Batch | None:
        """What a generation was asked for with; None: it was asked for alone."""
        async with asking(self._pool) as connection:
            row = await connection.fetchrow(_QUERIES.batch, account_id, generation_id)
        return None if row is None else msgspec.convert(dict(row), Batch)

    async def expiring(self, account_id: UUID, from_ms: int, until_ms: int) -> tuple[int, int]:
        """Credits of an account that end within a time, and when the first do; 0, 0: none."""
        async with asking(self._pool) as connection:
            row = await connection.fetchrow(_QUERIES.expiring, account_id, from_ms, until_ms)
        return row["credits"], row["first_ms"] or 0

    async def expiries(self, from_ms: int, until_ms: int) -> AsyncIterator[tuple[UUID, int]]:
        """Whose credits end within a time, and on which day from 1970 (UTC)."""
        last = (UUID(int=0), -1)
        while True:
            async with asking(self._pool) as connection:
                rows = await connection.fetch(
                    _QUERIES.expiries, from_ms, until_ms, *last, EXPIRIES_PAGE
                )
            for row in rows:
                last = (row["account_id"], row["day"])
                yield last
            if len(rows) < EXPIRIES_PAGE:
                return


_PICTURE: Final = ("object_keys", "preview_keys", "sizes", "widths", "heights")
