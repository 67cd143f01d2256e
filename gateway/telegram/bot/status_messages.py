"""The one message for each generation that was asked for in a chat.

It is written before the request stands in the log, so that whoever tells what became of it
(`processors/messages`) finds it and edits it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from gateway.identity.signed_in import Account
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("status_messages.sql"))


class StatusMessage(NamedTuple):
    """Where it is."""

    chat_id: int | None
    """A group's; None: the person's own chat with the bot."""
    message_id: int
    language: str
    """An IETF language tag."""


async def find(pool: Pool, account: Account, generation_id: str) -> StatusMessage | None:
    """The status message of a generation; None: there is none (any more).

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        row = await connection.fetchrow(_QUERIES.find_row, account.uuid, UUID(generation_id))
    return None if row is None else StatusMessage(*row)


async def keep(pool: Pool, account: Account, generation_id: str, message: StatusMessage) -> None:
    """Remember it.

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        await connection.execute(_QUERIES.drop_old, account.uuid)
        await connection.execute(_QUERIES.put_row, UUID(generation_id), account.uuid, *message)


async def drop(pool: Pool, account: Account, generation_id: str) -> None:
    """Forget it: it says how its generation ended, and nobody is to edit it.

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        await connection.execute(_QUERIES.drop_row, account.uuid, UUID(generation_id))
