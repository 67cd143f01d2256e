"""Asking an API for what costs money: again only where the last answer surely cost nothing."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import httpx2
import structlog

from processors.providers.base import (
    Call,
    ProviderError,
    ProviderUnavailable,
    ProviderUncertain,
    TooLate,
)
from processors.providers.retry_after import retry_after_seconds
from processors.worker import metrics
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

BACKOFF_SECONDS_FIRST = 1.0
CONNECT_TIMEOUT_SECONDS = 10.0
CONNECTIONS_MAX = 1000
PAYING_CONNECTIONS = httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=0)
"""A kept connection may be closed by the server just as a request is sent on it, and nobody could
tell whether that request was paid."""
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)

_ANSWERED_BY_A_GATEWAY = {502, 504, 520, 524}
"""Somebody between us and the API gave up waiting; the API itself may have gone on."""
_TRY_AGAIN = {408, 409, 425, 429}
_SERVER_ERROR = 500


class Again(ProviderUnavailable):
    """Nothing was paid, and the same call may work."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


def not_now(status: int, headers: Mapping[str, str], said: str) -> ProviderError | None:
    """What a refusal means that is not about what was asked; None: it is about that.

    Args:
        status: of the answer.
        headers: of the answer.
        said: a sentence about it.
    """
    if status in _ANSWERED_BY_A_GATEWAY:
        return ProviderUncertain(said)
    if status in _TRY_AGAIN or status >= _SERVER_ERROR:
        return Again(said, retry_after_seconds(headers, time.time()))
    return None


class Asking:
    """How one provider is asked: how often, and with which pauses.

    Args:
        name: the provider's.
        settings: `provider_attempts` and `provider_backoff_seconds_max`.
        answered: what a good answer is called in the metrics.
    """

    def __init__(self, name: str, settings: Settings, *, answered: str = "answered") -> None:
        self._name = name
        self._attempts = settings.provider_attempts
        self._backoff_seconds_max = settings.provider_backoff_seconds_max
        self._answered = answered

    async def ask(self, call: Call, once: Callable[[int], Awaitable[Answer]]) -> Answer:
        """What `once` answers, given the number of the try, as soon as it does not raise `Again`.

        Raises:
            TooLate: it was not asked, because there is no time left.
            ProviderError: as `once` raised it.
        """
        pause_seconds = 0.0
        for attempt in range(1, self._attempts + 1):
            if not call.may_start(pause_seconds):
                if attempt > 1:
                    raise ProviderUnavailable("The API asks to wait beyond the deadline.")
                raise TooLate("The call would end after the deadline.")
            await asyncio.sleep(pause_seconds)
            began = time.monotonic()
            try:
                answer = await once(attempt)
            except ProviderError as error:
                self._observe(began, error.code)
                if not isinstance(error, Again) or attempt == self._attempts:
                    raise
                pause_seconds = self._pause_seconds(attempt, error)
                _log.warning(
                    "image API said no, trying again", reason=str(error), seconds=pause_seconds
                )
            else:
                self._observe(began, self._answered)
                return answer
        raise AssertionError("the last attempt returns or raises")

    def _pause_seconds(self, attempt: int, error: Again) -> float:
        """As the API says, else exponential; with jitter, so that callers do not come as one."""
        backoff = min(BACKOFF_SECONDS_FIRST * 2.0 ** (attempt - 1), self._backoff_seconds_max)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  no secret
        if error.retry_after_seconds is None:
            return backoff * jitter
        return error.retry_after_seconds + backoff * (1 - jitter)

    def _observe(self, began: float, outcome: str) -> None:
        metrics.CALL_SECONDS.labels(self._name, outcome).observe(time.monotonic() - began)
