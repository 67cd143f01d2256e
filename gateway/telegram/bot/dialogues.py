"""What a person was asked in the private chat with the bot, and said so far; for an hour."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from events.ids import derive
from gateway.identity.signed_in import Account
from runtime.crypto.sealing import Unsealable, seal, unseal
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

DIALOGUE_SECONDS: Final = 3600.0
"""How long an answer is waited for."""

_QUERIES = load_queries(Path(__file__).with_name("dialogues.sql"))


class Dialogue(NamedTuple):
    """Where a person is."""

    step: str
    """What is waited for; the modules that begin dialogues know the names."""
    said: str = ""
    """What they said before."""


async def find(pool: Pool, account: Account) -> Dialogue | None:
    """The dialogue that a person is in the middle of; None: nothing was asked, or long ago.

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        row = await connection.fetchrow(_QUERIES.find_row, account.uuid)
    if row is None:
        return None
    said = ""
    if row["said"] is not None:
        try:
            said = unseal(
                account.key,
                row["said"],
                account_id=account.uuid,
                event_id=_place(row["update_id"]),
                field="said",
            )
        except Unsealable:
            return None
    return Dialogue(row["step"], said)


async def begin(pool: Pool, account: Account, update_id: int, dialogue: Dialogue) -> None:
    """Wait for an answer, for an hour; whatever was waited for before is not any more.

    Raises:
        PixelpopError: the database does not answer.
    """
    said = None
    if dialogue.said:
        said = seal(
            account.key,
            dialogue.said,
            account_id=account.uuid,
            event_id=_place(update_id),
            field="said",
        )
    async with as_account(pool, account.uuid) as connection:
        await connection.execute(
            _QUERIES.put_row, account.uuid, dialogue.step, update_id, said, DIALOGUE_SECONDS
        )


async def end(pool: Pool, account: Account) -> None:
    """Wait for nothing any more.

    Raises:
        PixelpopError: the database does not answer.
    """
    async with as_account(pool, account.uuid) as connection:
        await connection.execute(_QUERIES.drop_row, account.uuid)


def _place(update_id: int) -> UUID:
    return UUID(derive("dialogue", str(update_id)))
