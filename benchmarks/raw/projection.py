"""The rows of a projection written as fast as asyncpg can: COPY, and `unnest` upserts.

The same number of rows, of about the same width, in one transaction per batch, with one row of
offsets; nothing is read from a log, decoded or folded.
"""

from __future__ import annotations

import json
import time
import uuid

import asyncpg

BATCH_ROWS = 2_000
_TABLE = """
DROP TABLE IF EXISTS raw_projection;
CREATE TABLE raw_projection (
    account_id uuid NOT NULL, generation_id uuid PRIMARY KEY, sequence bigint NOT NULL,
    status text NOT NULL, at_ms bigint NOT NULL, credits bigint NOT NULL, detail jsonb NOT NULL
);
"""
_UPSERT = """
INSERT INTO raw_projection
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::bigint[],
                     $6::bigint[], $7::jsonb[])
ON CONFLICT (generation_id) DO UPDATE SET status = excluded.status, at_ms = excluded.at_ms
"""
Row = tuple[uuid.UUID, uuid.UUID, int, str, int, int, str]


def make_rows(count: int) -> list[Row]:
    """Rows of about the width of a generation with its ledger line."""
    detail = json.dumps({"prompt": "x" * 120, "style_id": "photo", "size": "1024x1024"})
    account = uuid.uuid4()
    return [(account, uuid.uuid4(), n, "pending", n, 1, detail) for n in range(count)]


async def run(url: str, rows: list[Row]) -> dict[str, float]:
    """Rows per second by COPY and by upserts of `unnest` arrays."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(_TABLE)
        batches = [rows[at : at + BATCH_ROWS] for at in range(0, len(rows), BATCH_ROWS)]
        started = time.perf_counter()
        for batch in batches:
            async with connection.transaction():
                await connection.copy_records_to_table("raw_projection", records=batch)
        copied = time.perf_counter()
        await connection.execute("TRUNCATE raw_projection")
        emptied = time.perf_counter()
        for batch in batches:
            async with connection.transaction():
                await connection.execute(_UPSERT, *map(list, zip(*batch, strict=True)))
        upserted = time.perf_counter()
        await connection.execute("DROP TABLE raw_projection")
        return {
            "copy": len(rows) / (copied - started),
            "upsert": len(rows) / (upserted - emptied),
        }
    finally:
        await connection.close()
