"""Batches: a lone question waits for nobody, many together are one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import pytest

from runtime.postgres.batching import BATCH_MAX, Batcher


class FakePool:
    """Lends anybody a connection that does nothing."""

    def acquire(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class Source:
    """Doubles even numbers, when it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def ask(self, _connection: object, questions: Sequence[int]) -> Mapping[int, int]:
        self.batches.append(list(questions))
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return {one: one * 2 for one in questions if one % 2 == 0}


async def test_questions_of_one_moment_are_one_batch() -> None:
    """Each gets its own answer, or None."""
    source = Source()
    batcher = Batcher(FakePool(), source.ask)
    assert await asyncio.gather(*(batcher.find(n) for n in range(4))) == [0, None, 4, None]
    assert source.batches == [[0, 1, 2, 3]]


async def test_what_comes_meanwhile_gathers() -> None:
    """While two batches are under way the rest waits together, in batches of bounded size."""
    source = Source()
    source.open.clear()
    batcher = Batcher(FakePool(), source.ask)
    first = [asyncio.create_task(batcher.find(0))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.append(asyncio.create_task(batcher.find(2)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(batcher.find(n)) for n in range(BATCH_MAX + 1)]
    await asyncio.sleep(0)
    assert len(source.batches) == 2
    source.open.set()
    await asyncio.gather(*first, *rest)
    assert [len(batch) for batch in source.batches] == [1, 1, BATCH_MAX, 1]


async def test_a_failure_is_everybodys_and_passes() -> None:
    """All of the batch get the error; the next batch is a new try."""
    source = Source()
    source.error = ValueError("away")
    batcher = Batcher(FakePool(), source.ask)
    answers = await asyncio.gather(batcher.find(0), batcher.find(2), return_exceptions=True)
    assert answers == [source.error] * 2
    source.error = None
    assert await batcher.find(2) == 4


async def test_who_gives_up_disturbs_nobody() -> None:
    """A cancelled question leaves the others their answers."""
    source = Source()
    source.open.clear()
    batcher = Batcher(FakePool(), source.ask)
    gone, stays = (asyncio.create_task(batcher.find(n)) for n in (0, 2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gone.cancel()
    source.open.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone
