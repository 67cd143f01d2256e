"""No table that somebody adds later is forgotten by an erasure."""

from __future__ import annotations

import asyncpg

from processors.eraser.erasing import QUERIES
from tests.servers import Database

SWEPT = {"provider_calls"}
"""The eraser deletes from these."""
KEPT = {
    "identities": "what is destroyed",
    "identity_marks": "says nothing of the account once that is gone (ON DELETE SET NULL)",
    "erasures": "the erasure itself: an account id and marks that do not tell whose",
    "promotion_redemptions": "what a person redeemed, by marks that do not tell whose; says nothing"
    " of the account once that is gone (ON DELETE SET NULL)",
    "gifts": "what was on its way to others: an account id and what left it; it must come out"
    " somewhere, or the books would not sum to zero",
    "debts": "which account shall owe: an account id and marks that do not tell whose",
    "payments_told": "whose each payment is: an account id and a hash of what it is called",
    "untold_acts": "events on their way to the log, which keeps them too; what is personal in them"
    " is sealed, and goes with the account's key",
}


async def test_every_table_about_an_account_goes_with_it(fresh_database: Database) -> None:
    """A table with an account id goes with the identity, is swept, or is here with its reason."""
    owner = await asyncpg.connect(fresh_database.owner_url)
    try:
        tables = await owner.fetch(
            """
            SELECT c.relname AS name, EXISTS (
                WITH RECURSIVE leads AS (
                    SELECT confrelid FROM pg_constraint
                    WHERE conrelid = c.oid AND contype = 'f' AND confdeltype = 'c'
                    UNION
                    SELECT k.confrelid FROM pg_constraint AS k
                    JOIN leads ON k.conrelid = leads.confrelid
                    WHERE k.contype = 'f' AND k.confdeltype = 'c'
                )
                SELECT FROM leads WHERE confrelid = 'identities'::regclass
            ) AS goes
            FROM pg_class AS c
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname LIKE '%account%'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
                AND NOT a.attisdropped
            GROUP BY c.oid, c.relname
            """
        )
    finally:
        await owner.close()
    left = {row["name"] for row in tables if not row["goes"]}
    assert left == SWEPT | KEPT.keys()
    for name in SWEPT:
        assert any(f"DELETE FROM {name}" in query for query in QUERIES.values())
