"""A record's size is never guessed too low."""

from __future__ import annotations

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from runtime.kafka.records import Outgoing, size_bytes

HEADERS = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=200)), max_size=9)


@given(key=st.binary(max_size=300), value=st.binary(max_size=3000), headers=HEADERS)
def test_size_covers_what_kafka_writes(key, value, headers):
    """The counted size is at least what the record takes in a batch of its own."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, 16_384)
    before = builder.size()
    builder.append(0, 1_700_000_000_000, key, value, headers)
    assert size_bytes(Outgoing(key, value, tuple(headers))) >= builder.size() - before
