"""The harness's own parts: a wrong ratio or a miscounted answer would look like a result."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks import load, table
from benchmarks.client import Client
from benchmarks.load import Target
from benchmarks.measuring import interleave
from benchmarks.rows import burst, identity
from benchmarks.rows.burst import Said
from benchmarks.table import Row

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[Target]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        yield Target(server.sockets[0].getsockname()[1])


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every second answer is a 429, half of the answers are chunked, all come in two pieces."""
    number = 0
    while line := await reader.readline():
        length = 0
        while line.strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            line = await reader.readline()
        await reader.readexactly(length)
        status = b"202 Accepted" if number % 2 == 0 else b"429 Too Many Requests"
        if number % 4 < 2:
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\n{" % status)
            rest = b"}"
        else:
            writer.write(b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}" % status)
            rest = b"\r\n0\r\n\r\n"
        await writer.drain()
        await asyncio.sleep(0)
        writer.write(rest)
        number += 1
    writer.close()


async def test_closed_loop_counts_by_status() -> None:
    """Every prepared request is sent once, and each answer is counted under its status."""
    requests = [load.request("POST", "/", body={"n": n}) for n in range(40)]
    async with serving(answer_all) as target:
        outcome = await load.closed_loop(target, requests, connections=1, seconds=20)
    assert outcome.statuses == {202: 20, 429: 20}
    assert outcome.unexpected.startswith(b"429 ")
    assert len(outcome.latencies_ms) == outcome.total == 40
    assert outcome.accepted_per_second() == pytest.approx(outcome.per_second / 2)


async def test_open_loop_tells_every_answer() -> None:
    """Every answer reaches `seen` with the instant at which its request was due."""
    told: list[tuple[bytes, float]] = []
    requests = [load.request("POST", "/", body={"n": n}) for n in range(12)]
    async with serving(answer_all) as target:
        outcome = await load.open_loop(
            target,
            requests,
            per_second=1000,
            connections=1,
            seen=lambda body, due_at: told.append((body, due_at)),
        )
    assert outcome.total == len(told) == 12
    due = [due_at for _, due_at in told]
    assert due == sorted(due)
    assert due[-1] - due[0] == pytest.approx(11 / 1000)


@pytest.mark.parametrize(("more_is_better", "ratio"), [(True, 4.0), (False, 0.25)])
def test_ratio_above_one_is_good(more_is_better: bool, ratio: float) -> None:
    """A ratio says how many times better ours is, whichever way the unit points."""
    row = Row("key", "name", "unit", more_is_better=more_is_better)
    row.ours, row.peer = [300.0, 400.0, 500.0], [100.0, 90.0, 110.0]
    assert row.ratio(row.peer) == pytest.approx(ratio)
    assert row.ratio(row.raw) is None


def test_spread_shows_median_and_range() -> None:
    """A cell shows the median, the least and the most; one value stands alone."""
    assert table.spread([3.0, 1000.0, 2.0]) == "3.0 (2.0 to 1,000)"
    assert table.spread([12345.6]) == "12,346"
    assert table.spread([]) == "-"


def test_a_burst_is_judged_by_all_that_was_asked() -> None:
    """What was not done, or of which nothing was said, counts against estimates and intervals."""
    said = {
        b"true": Said(0.0, 0.5, 10, (9, 11)),
        b"early": Said(0.0, 1.0, 15, (12, 18)),
        b"unsaid": Said(0.0, 1.0, None, None),
        b"lost": Said(0.0, 1.0, 10, (9, 11)),
    }
    figures = burst.judged(said, {b"true": 10.5, b"early": 11.0, b"unsaid": 12.0, b"other": 1.0})
    assert (figures["done"], figures["held"]) == (3, 25)
    assert figures["p50"] == pytest.approx(11_000)
    assert figures["error"] == math.inf
    assert burst.judged(said, dict.fromkeys(said, 11.0))["error"] == pytest.approx(27.4, abs=0.1)


async def test_a_client_asks_on_over_its_connection() -> None:
    """The answers to one person's requests come in their order, with their bodies."""
    async with serving(answer_all) as target:
        client = await Client.connect(target)
        first = await client.ask(load.request("POST", "/", body={"n": 1}))
        second = await client.ask(load.request("POST", "/", body={"n": 2}))
        client.close()
    assert (first, second) == ((202, b"{}"), (429, b"{}"))


async def test_repeats_are_interleaved() -> None:
    """Sides take turns; one that fails leaves a note and is not asked again, the others go on."""
    order: list[str] = []
    row = Row("key", "name", "unit")

    async def ours() -> dict[str, float]:
        order.append("ours")
        return {"key": float(len(order))}

    async def peer() -> dict[str, float]:
        order.append("peer")
        raise RuntimeError("no such program")

    await interleave([row], 3, ours=ours, peer=peer)
    assert order == ["ours", "peer", "ours", "ours"]
    assert row.ours == [1.0, 3.0, 4.0]
    assert row.notes == ["peer could not be measured: no such program"]


async def test_checks_of_init_data_are_measured_on_both_sides() -> None:
    """Both rows get a rate of ours and of the bare cryptography in every repeat."""
    for row in await identity.measure(2, 0.01):
        assert len(row.ours) == len(row.raw) == 2
        assert min(*row.ours, *row.raw) > 0
        assert not any("could not be measured" in note for note in row.notes)
