"""Keys go where every other Kafka client would put them."""

from __future__ import annotations

import uuid

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from runtime.kafka.partitioner import murmur2, partition_for

# The vectors of Kafka's own test, `UtilsTest.testMurmur2`, as signed 32-bit integers.
VECTORS = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "signed"), VECTORS)
def test_murmur2_is_kafkas(key: bytes, signed: int):
    """The hash of a key is the one that Kafka's Java client computes."""
    assert murmur2(key) == signed % 2**32


@given(key=st.binary(max_size=64), partitions=st.integers(min_value=1, max_value=1000))
def test_a_key_goes_where_aiokafka_would_send_it(key: bytes, partitions: int):
    """For any key and count the partition is that of aiokafka's default partitioner."""
    every = list(range(partitions))
    assert partition_for(key, partitions) == DefaultPartitioner()(key, every, every)


def test_account_ids_spread_over_all_partitions():
    """A thousand account ids leave none of six partitions empty."""
    found = {partition_for(str(uuid.uuid4()).encode(), 6) for _ in range(1000)}
    assert found == set(range(6))
