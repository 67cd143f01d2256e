"""Performing one job: at most one paid call whose outcome is known, one result in the log.

What is safe to repeat is tried until the job's deadline, because an outage that ends before it
need not cost anybody a picture. What is not, the call itself, is the provider's to judge.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog

from events.generations import Image
from events.jobs import GenerateJob
from processors.providers import ImageRequest, Provider, ProviderError, ProviderUncertain, TooLate
from processors.worker import claiming, metrics
from processors.worker.claiming import Held, Over
from processors.worker.claims import ATTEMPTS_MAX, Claim, Lease, LeaseLost, random_step
from processors.worker.facts import Facts
from processors.worker.live import QUEUED_PERCENT, STORING_PERCENT
from processors.worker.request import (
    UNKNOWN_PROVIDER,
    CannotPerform,
    NoProvider,
    opened,
    provider_of,
)
from processors.worker.retrying import patiently
from processors.worker.storing import Gallery
from processors.worker.tools import Tools
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

PAID_MARGIN_MS = 60_000
"""A paid call must be able to end this long before the deadline (design §2, 3)."""
EXPECTED_SECONDS = 20.0
"""How long a paid picture usually takes; only the progress goes by it."""


class Unusable(ProviderError):
    """The provider answered, and not one picture of it can be delivered."""

    code = "provider_unusable"
    detail = "The image model's answer could not be used. Your credits were returned."


class Performance:
    """One job, from its claim to the ack of its result.

    Args:
        tools: the worker's.
        job: what to make.
        traceparent: the trace that it belongs to.
    """

    def __init__(self, tools: Tools, job: GenerateJob, traceparent: str | None) -> None:
        self._tools = tools
        self._job = job
        self._request = job.request
        self._facts = Facts(tools.producer, tools.clock, job, traceparent)
        self._gallery = Gallery(tools.objects, tools.executor, job.account_id, job.generation_id)
        self._provider = provider_of(job.request, tools.providers)
        self._lease: Lease | None = None
        self._step = random_step()
        self._starting: asyncio.Task[object] | None = None
        self.trouble: PixelpopError | None = None
        """Why somebody should look at a job that failed in an orderly way."""

    @property
    def attempt(self) -> int:
        """1, or 2 when the outcome of the first call is unknown; part of `Call`."""
        return 1 if self._lease is None else self._lease.attempt

    async def run(self) -> str:
        """Perform; returns the outcome for the metrics.

        Raises:
            Exception: no result could be agreed on; see `give_up`.
        """
        began = time.monotonic()
        self._tell("queued", QUEUED_PERCENT)
        request = await self._opened()
        while True:
            held = await self._patiently(self._claim)
            if isinstance(held, Over):
                return held.outcome
            try:
                outcome = await self._holding(held, request)
            except LeaseLost:
                continue  # whoever has it now knows better; see what became of it
            name = UNKNOWN_PROVIDER if self._provider is None else self._provider.name
            metrics.JOB_SECONDS.labels(name).observe(time.monotonic() - began)
            return outcome

    async def give_up(self, reason: str, detail: str) -> None:
        """End an unexpected failure: the claim, then the event that returns the credits.

        Raises:
            Exception: not even this was possible; the job must be delivered again.
        """
        value = self._facts.failed(reason, detail, attempt=self.attempt)
        while True:
            held = await self._patiently(self._claim)
            if isinstance(held, Over):
                return
            if held.found is not None and held.found.state == "stored":
                return  # a result exists that the log will not take; the deadline returns credits
            try:
                await self._patiently(partial(self._tools.claims.failed, held.lease, value))
            except LeaseLost:
                continue
            await self._patiently(lambda: self._facts.append_result(value))
            return

    async def _opened(self) -> ImageRequest | CannotPerform:
        if self._provider is None:
            return NoProvider(f"There is no provider for the model {self._request.model}.")
        try:
            return await self._patiently(partial(opened, self._request, self._tools.keys))
        except CannotPerform as error:
            return error

    async def _claim(self) -> Held | Over:
        if self._lease is not None:  # held since before an unexpected failure
            held = Held(self._lease, await self._tools.claims.latest(self._lease.generation_id))
            if held.found is not None and held.found.lease_epoch == held.lease.epoch:
                return held
            self._lease = None
        name = UNKNOWN_PROVIDER if self._provider is None else self._provider.name
        return await claiming.resolve(
            self._tools.claims,
            self._facts,
            self._job,
            name,
            step=self._step,
            may_wait=lambda: self._remaining_seconds() > 0,
        )

    async def _holding(self, held: Held, request: ImageRequest | CannotPerform) -> str:
        with contextlib.ExitStack() as kept:
            self._hold(held.lease, kept)
            try:
                return await self._go_on(held, request, kept)
            except LeaseLost:
                self._lease = None
                raise

    def _hold(self, lease: Lease, kept: contextlib.ExitStack) -> None:
        self._lease = lease
        kept.enter_context(self._tools.leases.kept(lease))

    async def _go_on(
        self, held: Held, request: ImageRequest | CannotPerform, kept: contextlib.ExitStack
    ) -> str:
        if held.found is not None and held.found.state == "stored":
            assert held.found.result is not None
            return await self._report(held.lease, held.found.result)
        if isinstance(request, CannotPerform):
            return await self._fail(request, request.detail, unexpected=request.unexpected)
        assert self._provider is not None
        try:
            images = await self._images(held, request, self._provider, kept)
        except ProviderError as error:
            return await self._fail(error, error.detail, unexpected=not error.expected)
        lease = self._held()
        result = self._facts.completed(
            images, provider=self._provider.name, model=self._request.model, attempt=lease.attempt
        )
        await self._patiently(lambda: self._tools.claims.stored(lease, result))
        return await self._report(lease, result)

    async def _images(
        self, held: Held, request: ImageRequest, provider: Provider, kept: contextlib.ExitStack
    ) -> tuple[Image, ...]:
        if held.found is not None:
            stored = await self._patiently(lambda: self._gallery.find(request.count))
            if stored:
                return stored
        pictures = await self._pictures(held.found, request, provider, kept)
        self._tell("storing", STORING_PERCENT)
        prepared = await self._gallery.prepare(pictures[: request.count])
        if not any(prepared):
            raise Unusable(f"{len(pictures)} pictures came, none of them usable.")
        return await self._patiently(lambda: self._gallery.store(prepared))

    async def _pictures(
        self,
        found: Claim | None,
        request: ImageRequest,
        provider: Provider,
        kept: contextlib.ExitStack,
    ) -> list[bytes]:
        """Call, and after a call of which nobody knows whether it was paid, at most once more."""
        uncertain: ProviderUncertain | None = None
        if found is not None and found.state == "submitted" and found.provider_ref is not None:
            try:
                return await provider.resume(request, self, found.provider_ref)
            except ProviderUncertain as error:
                uncertain = error
        elif found is not None and not provider.free:
            uncertain = ProviderUncertain("The worker that made the call did not live to tell.")
        while True:
            if uncertain is not None:
                await self._book(uncertain, provider)
                if self.attempt >= ATTEMPTS_MAX or not self.may_start():
                    raise uncertain
                lease = self._held()
                again = await self._patiently(
                    partial(self._tools.claims.call_again, lease, provider.name, self._step)
                )
                self._hold(again, kept)
            try:
                return await self._call(request, provider)
            except ProviderUncertain as error:
                uncertain = error

    async def _call(self, request: ImageRequest, provider: Provider) -> list[bytes]:
        if not self.may_start():
            raise TooLate("The call would end after the deadline.")
        self._start(provider)
        expected = provider.timeout_seconds / 2 if provider.free else EXPECTED_SECONDS
        job = self._job
        async with self._tools.live.drawing(job.account_id, job.generation_id, expected):
            try:
                return await provider.generate(request, self)
            except ProviderError:
                raise
            except Exception as error:
                if not provider.free:
                    await self._book(error, provider)
                raise

    async def _book(self, error: Exception, provider: Provider) -> None:
        """Put a call on the books that may have been paid, before anything else is done."""
        metrics.CALLS_UNCERTAIN.labels(provider.name).inc()
        attempt = self.attempt
        _log.warning("nobody knows whether a call was paid", attempt=attempt, error=error)
        await self._patiently(
            lambda: self._facts.append_uncertain(provider=provider.name, attempt=attempt)
        )

    async def _report(self, lease: Lease, result: bytes) -> str:
        await self._started()
        await self._patiently(lambda: self._facts.append_result(result))
        await self._patiently(lambda: self._tools.claims.reported(lease))
        return "completed"

    async def _fail(self, error: PixelpopError, detail: str, *, unexpected: bool) -> str:
        _log.warning("no picture", reason=error.code, error=error)
        lease = self._held()
        value = self._facts.failed(error.code, detail, attempt=lease.attempt)
        await self._patiently(lambda: self._tools.claims.failed(lease, value))
        await self._started()
        await self._patiently(lambda: self._facts.append_result(value))
        if unexpected:
            self.trouble = error
        return error.code

    def _start(self, provider: Provider) -> None:
        """Say that it began; nobody need wait for that, only the result must not overtake it."""
        if self._starting is None:
            attempt = self.attempt
            self._starting = asyncio.create_task(
                self._patiently(
                    lambda: self._facts.append_started(provider=provider.name, attempt=attempt)
                )
            )

    async def _started(self) -> None:
        if self._starting is not None:
            (outcome,) = await asyncio.gather(self._starting, return_exceptions=True)
            self._starting = None
            if isinstance(outcome, Exception):
                _log.warning("the start was not told", error=outcome)

    def may_start(self, after_seconds: float = 0.0) -> bool:
        """Whether the provider's limit fits before the deadline; part of `Call`."""
        assert self._provider is not None
        margin_ms = 0 if self._provider.free else PAID_MARGIN_MS
        needed_ms = (after_seconds + self._provider.timeout_seconds) * 1000 + margin_ms
        return self._tools.clock.now_ms() + needed_ms <= self._job.deadline_ms

    async def submitted(self, provider_ref: str) -> None:
        """Keep the provider's name of the call; part of `Call`."""
        lease = self._held()
        await self._patiently(lambda: self._tools.claims.submitted(lease, provider_ref))

    def _held(self) -> Lease:
        assert self._lease is not None
        return self._lease

    def _tell(self, stage: str, percent: int) -> None:
        self._tools.live.tell(self._job.account_id, self._job.generation_id, stage, percent)

    def _remaining_seconds(self) -> float:
        return (self._job.deadline_ms - self._tools.clock.now_ms()) / 1000

    async def _patiently(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        seconds = max(self._remaining_seconds(), self._tools.retry_seconds)
        return await patiently(step, seconds=seconds)
