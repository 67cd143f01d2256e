"""What happens to each append, whatever becomes of the batch that it travels in."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
)

from runtime.kafka.clients import RETRY_SECONDS_MIN
from runtime.kafka.errors import AppendRefused, AppendUnknown, LogOverloaded
from runtime.kafka.records import Position
from runtime.waiting import until
from tests.unit.kafka.fakes import Bench, turns


async def test_a_batch_gives_consecutive_positions():
    """Offset = base + place in the batch, for each call that shares it."""
    bench = Bench()
    one, two = bench.submit(b"a"), bench.submit(b"b", b"c")
    await turns()
    assert bench.sent == [[b"a", b"b", b"c"]]
    bench.batch(0, 0).ack(40, at_ms=7)
    assert list(await one) == [Position(0, 40, 7)]
    assert list(await two) == [Position(0, 41, 7), Position(0, 42, 7)]
    assert len(bench.released) == 2


async def test_what_arrives_while_a_batch_is_under_way_gathers():
    """A second, full batch is made ready; what is less than a batch waits for the ack."""
    bench = Bench(limit=2)
    bench.submit(b"a")
    await turns()
    bench.submit(b"b")
    await turns()
    assert bench.sent == [[b"a"]]
    bench.submit(b"c")
    bench.submit(b"d")
    await turns()
    assert bench.sent == [[b"a"], [b"b", b"c"]]
    bench.batch(0, 0).ack(0)
    await turns()
    assert bench.sent == [[b"a"], [b"b", b"c"]]  # "d" alone waits
    bench.batch(0, 1).ack(1)
    await turns()
    assert bench.sent[-1] == [b"d"]


async def test_a_call_larger_than_a_batch_is_split_in_order():
    """All positions come in the order of the records, over several batches."""
    bench = Bench(limit=2)
    future = bench.submit(b"a", b"b", b"c", b"d", b"e")
    for index, base in enumerate((10, 20, 30)):
        await turns()
        bench.batch(0, index).ack(base)
    await turns()
    assert bench.sent == [[b"a", b"b"], [b"c", b"d"], [b"e"]]
    assert [position.offset for position in await future] == [10, 11, 20, 21, 30]


async def test_of_a_refused_batch_only_the_bad_one_fails():
    """The others of the batch go again, each alone, in order, through a new client."""
    bench = Bench()
    good, bad, last = bench.submit(b"a"), bench.submit(b"b"), bench.submit(b"c")
    await turns()
    bench.batch(0, 0).future.set_exception(MessageSizeTooLargeError())
    await turns()
    assert bench.sent[1:] == [[b"a"]]
    bench.batch(1, 0).ack(5)
    await turns()
    bench.batch(1, 1).future.set_exception(MessageSizeTooLargeError())
    await turns()
    bench.batch(2, 0).ack(6)
    assert (await good)[0].offset == 5
    with pytest.raises(AppendRefused):
        await bad
    assert (await last)[0].offset == 6
    assert len(bench.released) == 3


async def test_what_followed_a_refused_batch_is_sent_again():
    """The broker cannot have it, so it goes through the new client and nobody is told."""
    bench = Bench(limit=1)
    bad, good = bench.submit(b"a"), bench.submit(b"b")
    await turns()
    assert bench.sent == [[b"a"], [b"b"]]
    bench.batch(0, 0).future.set_exception(MessageSizeTooLargeError())
    await turns()
    assert len(bench.clients.all) == 2
    assert bench.sent == [[b"a"], [b"b"]]  # not before the old client has said what became of it
    bench.batch(0, 1).future.set_exception(OutOfOrderSequenceNumber())
    await turns()
    bench.batch(1, 0).ack(9)
    with pytest.raises(AppendRefused):
        await bad
    assert (await good)[0].offset == 9


async def test_order_is_kept_when_two_batches_come_back():
    """What was refused and what followed it are queued again in their first order."""
    bench = Bench(limit=2)
    futures = [bench.submit(value) for value in (b"a", b"b", b"c", b"d", b"e")]
    await turns()
    assert bench.sent == [[b"a", b"b"], [b"c", b"d"]]
    bench.batch(0, 0).future.set_exception(MessageSizeTooLargeError())
    bench.batch(0, 1).future.set_exception(OutOfOrderSequenceNumber())
    for offset in range(5):
        await turns()
        for one in bench.clients.all[1].sent:
            if not one.future.done():
                one.ack(10 * offset)
    await turns()
    assert all(future.done() for future in futures)
    again = [value for one in bench.clients.all[1].sent for value in one.values]
    assert again == [b"a", b"b", b"c", b"d", b"e"]


async def test_out_of_order_without_a_refusal_is_unknown():
    """If the broker lost count by itself, nobody knows whether an earlier try was stored."""
    bench = Bench()
    future = bench.submit(b"a")
    await turns()
    bench.batch(0, 0).future.set_exception(OutOfOrderSequenceNumber())
    with pytest.raises(AppendUnknown):
        await future
    assert len(bench.clients.all) == 2


async def test_a_client_that_dies_leaves_the_outcome_open():
    """A fault inside the client says nothing about the broker: unknown, and a new client."""
    bench = Bench()
    future = bench.submit(b"a", b"b")
    await turns()
    bench.batch(0, 0).future.set_exception(KafkaError("Unexpected error during batch delivery"))
    with pytest.raises(AppendUnknown):
        await future
    later = bench.submit(b"c")
    await turns()
    bench.batch(1, 0).ack(3)
    assert (await later)[0].offset == 3


async def test_a_duplicate_without_a_place_is_unknown():
    """An ack of an old try bears no offset; a position must not be made up."""
    bench = Bench()
    future = bench.submit(b"a")
    await turns()
    bench.batch(0, 0).ack(-1)
    with pytest.raises(AppendUnknown):
        await future


async def test_a_part_that_is_in_the_log_is_named():
    """When a later batch of one call fails, the message counts what is in the log."""
    bench = Bench(limit=1)
    future = bench.submit(b"a", b"b")
    await turns()
    bench.batch(0, 0).ack(0)
    await turns()
    bench.batch(0, 1).future.set_exception(KafkaError("gone"))
    with pytest.raises(AppendUnknown, match="first 1 of 2"):
        await future


async def test_too_late_and_sent_is_unknown_too_late_and_waiting_is_not_sent():
    """The error says whether anything was sent, and what was not sent never is."""
    bench = Bench(timeout_seconds=0.01)
    sent = bench.submit(b"a")
    await turns()
    waiting = bench.submit(b"b")
    with pytest.raises(AppendUnknown):
        await sent
    with pytest.raises(LogOverloaded):
        await waiting
    assert len(bench.released) == 1  # the first is still under way and keeps its room
    bench.batch(0, 0).ack(0)
    await turns()
    assert bench.sent == [[b"a"]]
    assert len(bench.released) == 2


async def test_a_cancelled_caller_takes_back_what_waits():
    """What was not sent when its caller went away is not sent later."""
    bench = Bench()
    bench.submit(b"a")
    await turns()
    gone, kept = bench.submit(b"b"), bench.submit(b"c")
    gone.cancel()
    bench.batch(0, 0).ack(0)
    await turns()
    assert bench.sent == [[b"a"], [b"c"]]
    bench.batch(0, 1).ack(1)
    assert (await kept)[0].offset == 1
    assert len(bench.released) == 3


async def test_a_batch_that_is_not_taken_is_offered_again():
    """A client that refuses to take a batch has not sent it: a new client gets it."""
    bench = Bench()
    bench.clients.errors.append(ProducerClosed())
    future = bench.submit(b"a")
    await until(lambda: len(bench.sent) == 1, 5)
    assert len(bench.clients.all) == 2
    bench.batch(1, 0).ack(4)
    assert (await future)[0].offset == 4


async def test_what_was_not_taken_is_not_overtaken():
    """While one batch is under way, the next was not taken: those behind it wait for it."""
    bench = Bench(limit=1)
    first = bench.submit(b"a")
    await turns()
    bench.clients.errors.append(KafkaTimeoutError())
    bench.submit(b"b")
    bench.submit(b"c")
    await until(lambda: not bench.clients.errors, 5, what="the second to be offered")
    pump = bench.lane._pump_task
    assert pump is not None
    await asyncio.wait([pump], timeout=2 * RETRY_SECONDS_MIN)  # it would send "c" by then
    assert bench.sent == [[b"a"]]
    bench.batch(0, 0).ack(0)
    await first
    await until(lambda: len(bench.sent) == 3, 5)
    assert bench.sent == [[b"a"], [b"b"], [b"c"]]


async def test_a_value_that_is_no_bytes_fails_its_own_call_only():
    """A caller's mistake is raised to that caller, and the partition goes on."""
    bench = Bench()
    wrong, right = bench.submit("text"), bench.submit(b"b")  # type: ignore[arg-type]  # the mistake itself
    await turns()
    with pytest.raises(TypeError):
        await wrong
    bench.batch(0, 0).ack(0)
    assert (await right)[0].offset == 0
    assert len(bench.released) == 2


async def test_stopping_leaves_nobody_waiting():
    """What was sent becomes unknown, what was not sent says so."""
    bench = Bench()
    sent = bench.submit(b"a")
    await turns()
    waiting = bench.submit(b"b")
    await bench.lane.stop()
    with pytest.raises(AppendUnknown):
        await sent
    with pytest.raises(LogOverloaded):
        await waiting
