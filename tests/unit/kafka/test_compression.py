"""The zstd level: that batches are really compressed by it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from types import ModuleType

import cramjam
import pytest
from aiokafka.record.memory_records import MemoryRecords

from runtime.kafka.compression import MODULES, use_zstd_level
from runtime.settings import Settings

ZSTD = 4
"""Its number in a batch's attributes."""


@pytest.fixture(autouse=True)
def _back_to_the_default() -> Iterator[None]:
    yield
    use_zstd_level(Settings().kafka_zstd_level)


def batch(module: ModuleType, values: list[bytes]) -> bytes:
    builder = module.DefaultRecordBatchBuilder(2, ZSTD, 0, 0, 0, 0, 1_000_000)
    for offset, value in enumerate(values):
        builder.append(offset, timestamp=1, key=b"k", value=value, headers=[])
    return bytes(builder.build())


@pytest.mark.parametrize("module", MODULES, ids=["python", "compiled"])
def test_batches_are_compressed_by_the_level(module: ModuleType) -> None:
    """Fails when aiokafka does not look for its codec where the level is put."""
    values = [json.dumps({"n": n, "text": "the same again"}).encode() for n in range(500)]
    sizes = []
    for level in (1, 19):
        use_zstd_level(level)
        sizes.append(len(batch(module, values)))
    assert sizes[0] != sizes[1]


@pytest.mark.parametrize("module", MODULES, ids=["python", "compiled"])
def test_what_was_compressed_is_read(module: ModuleType) -> None:
    """A reader does not need to know the level."""
    use_zstd_level(1)
    records = MemoryRecords(batch(module, [b"one", b"two"])).next_batch()
    assert records is not None
    assert [record.value for record in records] == [b"one", b"two"]


def test_the_default_level_suits_events() -> None:
    """On events, 3 (what aiokafka takes) makes batches no smaller than the default."""
    chance = random.Random(1)
    events = b"".join(
        json.dumps(
            {
                "event_id": chance.randbytes(16).hex(),
                "prev": chance.randbytes(32).hex(),
                "hash": chance.randbytes(32).hex(),
                "postings": [["available", -2], ["reserved", 2]],
                "decided_at_ms": 1_767_225_600_000 + number,
            }
        ).encode()
        for number in range(300)
    )
    ours = len(bytes(cramjam.zstd.compress(events, level=Settings().kafka_zstd_level)))
    theirs = len(bytes(cramjam.zstd.compress(events, level=3)))
    assert ours <= theirs * 1.02
