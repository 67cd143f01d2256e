"""One question to the database for all requests of a moment.

While an answer is under way, new questions gather; the next batch takes them all. So a lone
question waits for nobody, and many together cost little more than one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from runtime.postgres.pool import Connection, Pool, borrowed

Question = TypeVar("Question")
Answer = TypeVar("Answer")
Ask = Callable[[Connection, Sequence[Question]], Awaitable[Mapping[Question, Answer]]]

BATCH_MAX: Final = 500
BATCHES_IN_FLIGHT_MAX: Final = 2
QUESTIONS_MAX: Final = 20_000
"""More than so many cannot wait: the requests that ask are bounded."""


class Batcher(Generic[Question, Answer]):
    """Gathers questions while earlier ones are being answered.

    Args:
        pool: a connection of it is kept while there are questions.
        ask: answers many questions by one statement; what it does not mention has no answer.
    """

    def __init__(self, pool: Pool, ask: Ask[Question, Answer]) -> None:
        self._pool = pool
        self._ask = ask
        self._asked: list[tuple[Question, asyncio.Future[Answer | None]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def find(self, question: Question) -> Answer | None:
        """The answer, or None where there is none; raises what `ask` raises."""
        assert len(self._asked) < QUESTIONS_MAX
        if self._loop is None:  # asked once: it is a system call before Python 3.12
            self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer | None] = self._loop.create_future()
        self._asked.append((question, future))
        if len(self._tasks) < BATCHES_IN_FLIGHT_MAX:
            task = self._loop.create_task(self._answer(), name="batch")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _answer(self) -> None:
        await asyncio.sleep(0)  # whoever else asks in this moment comes along
        while self._asked:
            batch: list[tuple[Question, asyncio.Future[Answer | None]]] = []
            try:
                async with borrowed(self._pool) as connection:
                    while self._asked:
                        batch, self._asked = self._asked[:BATCH_MAX], self._asked[BATCH_MAX:]
                        found = await self._ask(connection, [question for question, _ in batch])
                        for question, future in batch:
                            if not future.done():
                                future.set_result(found.get(question))
            except Exception as error:  # noqa: BLE001  whoever asked gets it
                if not batch:  # there was no connection for anybody
                    batch, self._asked = self._asked, []
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
