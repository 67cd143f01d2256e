"""Waiting for a condition with a deadline: what tests and the supervisor do instead of sleeping."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


async def until(
    condition: Callable[[], Answer | Awaitable[Answer]],
    timeout_seconds: float,
    every_seconds: float = 0.02,
    what: str = "the condition",
) -> Answer:
    """Return the condition's first true answer.

    Args:
        condition: a function or coroutine function; it is called again until its answer is true.
        timeout_seconds: how long to go on. A coroutine that takes longer than what is left of it
            is cancelled.
        every_seconds: the pause between two calls.
        what: what is waited for, for the error.

    Raises:
        TimeoutError: the deadline passed; the message names `what` and the last answer.
    """
    deadline = time.monotonic() + timeout_seconds
    answer: Answer | None = None
    while True:
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), every_seconds)):
                given = condition()
                answer = await given if inspect.isawaitable(given) else given
        except TimeoutError:
            if time.monotonic() < deadline:
                raise  # the condition's own
        if answer:
            return answer
        if time.monotonic() >= deadline:
            message = f"waited {timeout_seconds:g} s in vain for {what} (last answer: {answer!r})"
            raise TimeoutError(message)
        await asyncio.sleep(every_seconds)
