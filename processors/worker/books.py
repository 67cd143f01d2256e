"""What is told of a job's calls: that they began, what they cost, which may be paid in vain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog

from commands.catalogue import MODELS_BY_ID
from events.jobs import GenerateJob
from processors.providers import ProviderUnusable
from processors.worker import metrics
from processors.worker.claims import Claim
from processors.worker.facts import Facts

_log = structlog.get_logger(__name__)


class Books:
    """The costs of one job, in millionths of a US dollar, as the catalogue has them.

    Args:
        job: what is made.
        facts: where calls are told of.
        patiently: tries a step that is safe to repeat.
    """

    def __init__(
        self,
        job: GenerateJob,
        facts: Facts,
        patiently: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]],
    ) -> None:
        self._request = job.request
        self._facts = facts
        self._patiently = patiently
        self._began: float | None = None
        self._answered: float | None = None
        self._starting: asyncio.Task[object] | None = None
        self.paid_micros = 0
        """What was paid for certain, by whomever; see `GenerationCompleted`."""

    @property
    def made_ms(self) -> int:
        """How long ago the first call of this worker began; 0: there was none."""
        return _since_ms(self._began)

    @property
    def finishing_ms(self) -> int:
        """How long ago pictures last came to this worker; 0: none did."""
        return _since_ms(self._answered)

    def begin(self, provider: str, attempt: int) -> None:
        """A call begins; of the first it is said, and nobody need wait for that."""
        if self._began is None:
            self._began = time.monotonic()
        if self._starting is None:
            told = partial(self._facts.append_started, provider=provider, attempt=attempt)
            self._starting = asyncio.create_task(self._tell(told))

    async def _tell(self, step: Callable[[], Awaitable[Any]]) -> None:
        await self._patiently(step)

    async def started(self) -> None:
        """Wait until the start was told, so that the result does not overtake it."""
        if self._starting is not None:
            (outcome,) = await asyncio.gather(self._starting, return_exceptions=True)
            self._starting = None
            if isinstance(outcome, Exception):
                _log.warning("the start was not told", error=outcome)

    def paid(self, provider: str, pictures: int) -> None:
        """So many pictures came, or were paid without coming."""
        self._answered = time.monotonic()
        self.paid_micros += self._cost_micros(provider, pictures)

    async def drawn(self, provider: str, asked: int, made: Awaitable[list[bytes]]) -> list[bytes]:
        """What is made, once it is on the books.

        Raises:
            ProviderUnusable: it is of no use; it was paid too, as many as were asked for.
        """
        try:
            pictures = await made
        except ProviderUnusable:
            self.paid(provider, asked)
            raise
        self.paid(provider, len(pictures))
        return pictures

    def found(self, claim: Claim, stored: int) -> None:
        """Take over what earlier holders of the claim have paid for so many stored pictures."""
        stored_micros = self._cost_micros(claim.provider or "", stored)
        self.paid_micros = max(claim.paid_micros, stored_micros)

    async def lost(self, error: Exception, provider: str, attempt: int, pictures: int) -> None:
        """Put a call on the books that may have been paid, before anything else is done."""
        metrics.CALLS_UNCERTAIN.labels(provider).inc()
        _log.warning("nobody knows whether a call was paid", attempt=attempt, error=error)
        cost = self._cost_micros(provider, pictures)
        await self._patiently(
            partial(
                self._facts.append_uncertain, provider=provider, attempt=attempt, cost_micros=cost
            )
        )

    def _cost_micros(self, provider: str, pictures: int) -> int:
        model = MODELS_BY_ID.get(self._request.model)
        if model is None:
            return 0
        asked = self._request
        return pictures * model.cost_micros(provider, asked.kind, asked.size, asked.quality)


def _since_ms(moment: float | None) -> int:
    return 0 if moment is None else max(1, round((time.monotonic() - moment) * 1000))
