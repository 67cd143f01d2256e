"""Ends links whose picture goes to the bin; apart, because the bin needs no more of sharing."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from gateway.identity.signed_in import Account
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("sharing.sql"))


async def end_shares(
    pool: Pool, account: Account, generation_id: str, image_id: str | None
) -> None:
    """End the links to a picture, or to all of a generation's: it goes to the bin.

    That it is taken back out opens none of them again.

    Raises:
        PixelpopError: the database is away.
    """
    async with as_account(pool, account.uuid) as connection:
        if image_id is None:
            await connection.execute(QUERIES.end_of_generation, account.uuid, UUID(generation_id))
        else:
            await connection.execute(QUERIES.end_of_image, account.uuid, UUID(image_id))
