"""Where every read schema stands in the log."""

from __future__ import annotations

import msgspec

from events.topics import EVENTS
from projections import offsets, schema
from runtime.kafka.consumer import end_offsets
from runtime.postgres.pool import Pool, transaction
from runtime.settings import Settings


class PartitionStatus(msgspec.Struct, frozen=True):
    """One partition of one schema."""

    schema: str
    state: str
    partition: int
    next_offset: int
    end_offset: int
    lag: int
    epoch: int
    owner: str | None
    changed_at: str | None


async def status(settings: Settings, pool: Pool, *, topic: str = EVENTS) -> list[PartitionStatus]:
    """Every partition of every schema; one that nobody has claimed yet stands at 0."""
    await schema.ensure_home(pool)
    versions = await schema.existing(pool)
    pairs = [(topic, partition) for partition in range(settings.kafka_partitions)]
    ends = {tp.partition: end for tp, end in (await end_offsets(settings, pairs)).items()}
    found: list[PartitionStatus] = []
    for version in versions:
        async with transaction(pool, search_path=version.schema) as connection:
            rows = await connection.fetch(offsets.QUERIES.list, offsets.PROJECTION)
        by_partition = {row["partition"]: row for row in rows}
        for partition, end in sorted(ends.items()):
            row = by_partition.get(partition)
            at = 0 if row is None else row["next_offset"]
            found.append(
                PartitionStatus(
                    version.schema,
                    version.state,
                    partition,
                    at,
                    end,
                    end - at,
                    0 if row is None else row["epoch"],
                    None if row is None else row["owner"],
                    None if row is None else row["changed_at"].isoformat(),
                )
            )
    return found
