"""How one step of a job is tried again while a server is away; on stamina."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from runtime.errors import PixelpopError

Answer = TypeVar("Answer")

WAIT_SECONDS_FIRST = 0.1
WAIT_SECONDS_MAX = 5.0
WAIT_SECONDS_JITTER = 0.5


def may_pass(error: Exception) -> bool:
    """Whether doing the same again may work without anybody changing anything."""
    return isinstance(error, PixelpopError) and error.retryable


async def patiently(step: Callable[[], Awaitable[Answer]], *, seconds: float) -> Answer:
    """Run `step`, again and again for `seconds` as long as its error is retryable.

    Only for steps that are safe to repeat. The last error is raised.
    """
    async for attempt in stamina.retry_context(
        on=may_pass,
        attempts=None,
        timeout=seconds,
        wait_initial=WAIT_SECONDS_FIRST,
        wait_max=WAIT_SECONDS_MAX,
        wait_jitter=WAIT_SECONDS_JITTER,
    ):
        with attempt:
            return await step()
    raise AssertionError("stamina returns or raises")
