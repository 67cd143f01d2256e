"""What the ledger says of payments, and which findings were told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from projections.audit.rows import Entry
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("ledger.sql"))

PAGE: Final = 5_000
NOBODY: Final = UUID(int=0)


async def purchases(pool: Pool) -> dict[str, list[Entry]]:
    """Every purchase that the read models have, by provider.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    found: dict[str, list[Entry]] = {}
    account, purchase = NOBODY, NOBODY
    while True:
        async with transaction(pool) as connection:
            rows = await connection.fetch(QUERIES.page, account, purchase, PAGE)
        for row in rows:
            account, purchase = row["account_id"], row["purchase_id"]
            entry = Entry(
                purchase_id=str(purchase),
                account_id=str(account),
                provider=row["provider"],
                amount=row["amount"],
                currency=row["currency"],
                purchased_at_ms=row["purchased_at_ms"],
                refunded_at_ms=row["refunded_at_ms"],
            )
            found.setdefault(entry.provider, []).append(entry)
        if len(rows) < PAGE:
            return found


async def untold(pool: Pool, finding_ids: Sequence[str]) -> set[str]:
    """Which of these findings the log was not told of yet."""
    async with transaction(pool) as connection:
        rows = await connection.fetch(QUERIES.told, [UUID(one) for one in finding_ids])
    return set(finding_ids) - {str(row["finding_id"]) for row in rows}


async def note(pool: Pool, finding_ids: Sequence[str]) -> None:
    """The log has these findings."""
    async with transaction(pool) as connection:
        await connection.execute(QUERIES.note, [UUID(one) for one in finding_ids])


async def take_turn(pool: Pool, every_seconds: float) -> bool:
    """Whether it is time to compare, and nobody else does; then the next time is that much later.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    async with transaction(pool) as connection:
        return await connection.fetchval(QUERIES.take_turn, every_seconds) is not None


async def retry_in(pool: Pool, seconds: float) -> None:
    """The turn came to nothing: the next one is due so soon."""
    async with transaction(pool) as connection:
        await connection.execute(QUERIES.retry_in, seconds)
