"""The records that the decider writes: their headers, and the room they are said to need."""

from __future__ import annotations

import pytest

from commands.decided import Decided
from events import ids
from events.codec import encode, tag_of
from events.envelope import parse
from events.examples import DECISIONS, EVENTS
from events.generations import GenerationCompleted
from events.ids import EventId, GenerationId
from events.state import Cause, Reservation
from processors.decider.effects import Dispatch
from processors.decider.outgoing import decisions, discard_job, generate_job
from processors.decider.partition import Draft
from runtime.kafka.records import size_bytes
from tests.given import ACCOUNT, START_MS

LONGEST = "\N{REPLACEMENT CHARACTER}" * 64
"""The most that the fold keeps of a foreign `ce_id` or `traceparent`."""
GENERATION = GenerationId(ids.generation_id(ACCOUNT, "one"))
EXAMPLES = {tag_of(event): event for event in EVENTS}


@pytest.mark.parametrize("event", DECISIONS, ids=tag_of)
def test_a_decision_needs_no_more_room_than_it_is_said_to(event):
    """The stated size covers the counted one, however long what came from outside is."""
    decided = Decided(event, EventId(LONGEST[:36]), GENERATION, LONGEST, LONGEST)
    (record,) = decisions([Draft(decided, encode(event))], START_MS)
    assert record.size_bytes >= size_bytes(record)
    envelope = parse(record.headers)
    assert (envelope.type, envelope.event_class) == (tag_of(event), "decision")
    assert (envelope.causation_id, envelope.traceparent) == (LONGEST, LONGEST)


def test_jobs_need_no_more_room_than_they_are_said_to():
    """The same for the job of an admission and for the removal of late objects."""
    cause = Cause("0" * 64, START_MS, None)
    request = encode(EXAMPLES["GenerationRequested.v1"])
    reservation = Reservation(cause, 1, 1, (), START_MS, None, request, LONGEST)
    late = EXAMPLES["GenerationCompleted.v1"]
    assert isinstance(late, GenerationCompleted)
    for record in (generate_job(Dispatch(ACCOUNT, GENERATION, reservation)), discard_job(late)):
        assert record.size_bytes >= size_bytes(record)
