"""`pixelpop dlq`: looking at dead letters and putting one back."""

from __future__ import annotations

import msgspec
import pytest

from events.topics import JOBS
from processors import dlq, dlq_admin
from runtime.kafka.consumer import read_one
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Record


@pytest.fixture
async def letter(servers, account_id):
    """The position of a dead letter whose record came from partition 1 of the jobs."""
    failed = Record(
        topic=JOBS,
        partition=1,
        offset=7,
        appended_at_ms=0,
        key=str(account_id).encode(),
        value=b"\xffpoison",
        headers=(("ce_type", b"Job.v1"), ("dlq_attempts", b"1")),
    )
    producer = LogProducer(servers, role="test")
    await producer.start()
    position = await dlq.write(producer, failed, code="undecodable", error="why", attempts=2)
    await producer.stop()
    return f"{position.partition}:{position.offset}"


async def test_a_letter_is_listed_with_its_reason(servers, letter, capsysbinary):
    """`list` names position, code and origin of every letter."""
    assert await dlq_admin.show_all(servers, as_json=True) == 0
    rows = {row["position"]: row for row in msgspec.json.decode(capsysbinary.readouterr().out)}
    row = rows[letter]
    assert (row["code"], row["origin"], row["attempts"]) == ("undecodable", f"{JOBS}/1/7", "2")
    assert (row["kind"], row["error"]) == ("Job.v1", "why")


async def test_a_letter_is_shown_whole(servers, letter, account_id, capsysbinary):
    """`show` prints key, headers and bytes, also those that are no text."""
    assert await dlq_admin.show_one(servers, letter, as_json=True) == 0
    shown = msgspec.json.decode(capsysbinary.readouterr().out)
    assert shown["key"] == str(account_id)
    assert shown["value"] == "\\xffpoison"


async def test_a_retried_letter_is_as_it_was(servers, letter, account_id, capsysbinary):
    """`retry` appends the record where it came from, without what the DLQ had added."""
    assert await dlq_admin.retry(servers, letter) == 0
    said = capsysbinary.readouterr().out.decode()
    topic, partition, offset = said.split()[-1].split("/")
    assert (topic, partition) == (JOBS, "1")
    record = await read_one(servers, topic, int(partition), int(offset))
    assert (record.key, record.value) == (str(account_id).encode(), b"\xffpoison")
    assert record.headers == (("ce_type", b"Job.v1"),)


@pytest.mark.parametrize("position", ["x", "0", "0:999999", "99:0", "-1:0"])
async def test_a_position_without_a_letter_is_refused(servers, position):
    """A position that is malformed, or holds nothing, is named in the refusal."""
    with pytest.raises(dlq_admin.NoSuchLetter):
        await dlq_admin.show_one(servers, position)
