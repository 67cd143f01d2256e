"""Waiting for a call that has an id: ask ever more rarely, at once when told, and end it in time.

Asking costs nothing, so whatever goes wrong with it is asked again, as long as the answer could
still be of use.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

import structlog

from processors.providers.base import Call, ProviderUncertain
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

Ended = TypeVar("Ended")

POLL_SECONDS_FIRST = 0.5
POLL_SECONDS_MAX = 3.0
POLL_GROWTH = 1.5
POLL_SECONDS_ASKED_MAX = 15.0
"""However long the API asks to be left alone: a customer waits."""
GRACE_SECONDS = 5.0
"""How long after its time a call is still given to end by itself, and then to be cancelled."""


class NotTold(PixelpopError):
    """How a call stands is not known now; it may be asked again."""

    code = "not-told"
    retryable = True

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Waiting(NamedTuple):
    """One call that is waited for."""

    call: Call
    told: asyncio.Event
    """Set once there is news."""
    wait_seconds: float
    """After these it is cancelled; `GRACE_SECONDS` later it is given up."""
    resumed: bool = False
    """Whether it may have ended long ago, so that it is asked for at once."""


async def until_ended(
    waiting: Waiting,
    find: Callable[[], Awaitable[Ended | None]],
    cancel: Callable[[], Awaitable[None]],
) -> Ended:
    """Ask until it has ended, and make it end after its time.

    Args:
        waiting: for what, and for how long.
        find: how it ended; None: it has not.
        cancel: asks for its end.

    Raises:
        ProviderUncertain: nobody knows how it ended, or it does not.
        ProviderError: as `find` raised it.
    """
    until = time.monotonic() + waiting.wait_seconds
    pause_seconds = 0.0 if waiting.resumed else POLL_SECONDS_FIRST
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_seconds):
                await waiting.told.wait()
        waiting.told.clear()
        pause_seconds = min(max(pause_seconds, POLL_SECONDS_FIRST) * POLL_GROWTH, POLL_SECONDS_MAX)
        try:
            if time.monotonic() >= until:
                await cancel()
            ended = await find()
        except NotTold as error:
            # It may be paid, and can be had once the API answers: that is worth the wait.
            # `may_start` counts the whole wait, which is over: what is left is fetching.
            may_wait = waiting.call.may_start(-waiting.wait_seconds)
            if time.monotonic() >= until and not may_wait:
                raise ProviderUncertain(f"A call is not told of: {error}") from error
            _log.warning("a call was not told of", reason=str(error))
            asked = min(error.retry_after_seconds or 0.0, POLL_SECONDS_ASKED_MAX)
            pause_seconds = max(pause_seconds, asked)
        else:
            if ended is not None:
                return ended
            if time.monotonic() >= until + GRACE_SECONDS:
                raise ProviderUncertain("A call does not end.")
