"""Performing one job: at most one paid call whose outcome is known, one result in the log.

What is safe to repeat is tried until the job's deadline, because an outage that ends before it
need not cost anybody a picture. What is not, the call itself, is the provider's to judge.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial

import structlog

from events.jobs import GenerateJob
from processors.providers import ImageRequest, ProviderError
from processors.worker import claiming, metrics
from processors.worker.calling import Caller
from processors.worker.claiming import Held, Over
from processors.worker.claims import Lease, LeaseLost, random_step
from processors.worker.facts import Facts, object_keys
from processors.worker.inspecting import Inspection
from processors.worker.live import QUEUED_PERCENT
from processors.worker.making import Maker
from processors.worker.request import (
    UNKNOWN_PROVIDER,
    CannotPerform,
    KeyGone,
    NoProvider,
    Unsupported,
    makers_of,
    opened,
)
from processors.worker.retrying import patiently
from processors.worker.storing import Gallery
from processors.worker.tools import Tools
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

LET_GO_SECONDS = 2.0
"""How long a stopping worker may take to let go of one claim."""


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
        self._facts = Facts(tools.producer, tools.clock, job, traceparent)
        self._gallery = Gallery(
            tools.objects,
            tools.executor,
            job.account_id,
            job.generation_id,
            previews=tools.previews,
            crowd=tools.crowd,
        )
        self._makers = makers_of(job.request, tools.providers)
        self._step = random_step()
        self._caller = Caller(tools, job, self._facts, self._makers, self._step)
        self._patiently = self._caller.patiently
        self._inspection = Inspection(tools, job, self._facts, self._caller)
        self._maker = Maker(tools, job, self._caller, self._gallery, self._inspection)
        self.trouble: Exception | None = None
        """Why somebody should look at a job that failed in an orderly way."""

    async def run(self) -> str:
        """Perform; returns the outcome for the metrics.

        Raises:
            Exception: no result could be agreed on; see `give_up`.
        """
        try:
            return await self._run()
        finally:
            self._tools.live.over(self._job.generation_id)

    async def _run(self) -> str:
        began = time.monotonic()
        request = await self._opened()
        if isinstance(request, KeyGone) and not await self._patiently(self._was_claimed):
            return request.code  # the erasure has settled it; its claims went with the account
        while True:
            held = await self._patiently(self._claim)
            if isinstance(held, Over):
                await self._tidy(held.result)
                return held.outcome
            self._tell("queued", QUEUED_PERCENT)
            try:
                outcome = await self._holding(held, request)
            except LeaseLost:
                continue  # whoever has it now knows better; see what became of it
            metrics.JOB_SECONDS.labels(self._caller.provider_name or UNKNOWN_PROVIDER).observe(
                time.monotonic() - began
            )
            return outcome

    async def give_up(self, reason: str, detail: str) -> None:
        """End an unexpected failure: the claim, then the event that returns the credits.

        Raises:
            Exception: not even this was possible; the job must be delivered again.
        """
        value = self._facts.failed(
            reason,
            detail,
            attempt=self._caller.attempt,
            provider=self._caller.provider_name,
            cost_micros=self._caller.books.paid_micros,
        )
        while True:
            held = await self._patiently(self._claim)
            if isinstance(held, Over):
                await self._tidy(held.result)
                return
            if held.found is not None and held.found.state == "stored":
                return  # a result exists that the log will not take; the deadline returns credits
            try:
                await self._patiently(partial(self._tools.claims.failed, held.lease, value))
            except LeaseLost:
                self._caller.lease = None
                continue
            await self._patiently(partial(self._facts.append_result, value))
            await self._tidy(value)
            return

    async def _opened(self) -> ImageRequest | CannotPerform:
        if not self._makers:
            return NoProvider(f"There is no provider for the model {self._job.request.model}.")
        if self._job.request.kind not in self._makers[0].kinds:
            return Unsupported(f"{self._makers[0].name} makes no {self._job.request.kind}.")
        try:
            return await self._patiently(partial(opened, self._job.request, self._tools.keys))
        except CannotPerform as error:
            return error

    async def _was_claimed(self) -> bool:
        return await self._tools.claims.latest(self._job.generation_id) is not None

    async def _claim(self) -> Held | Over:
        lease = self._caller.lease
        if lease is not None:  # held since before an unexpected failure
            found = await self._tools.claims.latest(lease.generation_id)
            if found is not None and found.is_held_by(lease) and not found.is_over:
                return Held(lease, found)
            self._caller.lease = None
        return await claiming.resolve(
            self._tools.claims,
            self._facts,
            self._job,
            self._caller.provider_name or UNKNOWN_PROVIDER,
            step=self._step,
            may_wait=lambda: self._caller.remaining_seconds > 0,
        )

    async def _holding(self, held: Held, request: ImageRequest | CannotPerform) -> str:
        with contextlib.ExitStack() as kept:
            self._caller.hold(held.lease, kept)
            if held.found is not None:
                self._caller.go_on(held.found)
            try:
                return await self._go_on(held, request, kept)
            except LeaseLost:
                self._caller.lease = None
                raise
            except asyncio.CancelledError:
                await self._let_go()
                raise

    async def _let_go(self) -> None:
        """Being abandoned, spare the next worker the wait for the end of the lease."""
        with contextlib.suppress(PixelpopError, TimeoutError):
            async with asyncio.timeout(LET_GO_SECONDS):
                await self._tools.claims.let_go(self._caller.held)

    async def _go_on(
        self, held: Held, request: ImageRequest | CannotPerform, kept: contextlib.ExitStack
    ) -> str:
        if held.found is not None and held.found.state == "stored":
            assert held.found.result is not None
            return await self._report(held.lease, held.found.result)
        if isinstance(request, CannotPerform):
            return await self._fail(request, request.detail, unexpected=request.unexpected)
        try:
            images = await self._maker.images(held.found, request, kept)
        except ProviderError as error:
            return await self._fail(error, error.detail, unexpected=not error.expected)
        self.trouble = self._maker.trouble
        lease = self._caller.held
        result = self._facts.completed(
            images,
            provider=self._caller.provider_name,
            attempt=lease.attempt,
            safety=self._inspection.safety(image.index for image in images),
            cost_micros=self._caller.books.paid_micros,
            made_ms=self._caller.books.made_ms,
            finishing_ms=self._caller.books.finishing_ms,
        )
        await self._patiently(partial(self._tools.claims.stored, lease, result))
        return await self._report(lease, result)

    async def _report(self, lease: Lease, result: bytes) -> str:
        await self._caller.books.started()
        await self._patiently(partial(self._facts.append_result, result))
        await self._patiently(partial(self._tools.claims.reported, lease))
        await self._tidy(result)
        return "completed"

    async def _fail(self, error: PixelpopError, detail: str, *, unexpected: bool) -> str:
        _log.warning("no picture", reason=error.code, error=error)
        lease = self._caller.held
        value = self._facts.failed(
            error.code,
            detail,
            attempt=lease.attempt,
            provider=self._caller.provider_name,
            cost_micros=self._caller.books.paid_micros,
        )
        await self._patiently(partial(self._tools.claims.failed, lease, value))
        await self._caller.books.started()
        await self._patiently(partial(self._facts.append_result, value))
        await self._tidy(value)
        if unexpected:
            self.trouble = error
        return error.code

    async def _tidy(self, result: bytes | None) -> None:
        """The result is final: delete what we stored and it does not name."""
        if result is None or not self._gallery.tried:
            return
        tidy = partial(self._gallery.tidy, object_keys(result))
        try:
            await patiently(tidy, seconds=self._tools.retry_seconds)
        except PixelpopError as error:
            _log.warning("objects that no result names are left", error=error)

    def _tell(self, stage: str, percent: int) -> None:
        self._tools.live.tell(self._job.account_id, self._job.generation_id, stage, percent)
