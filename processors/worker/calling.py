"""Calling a provider under a claim: which calls may be made, and which go on the books."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import structlog
from msgspec.structs import replace

from events.jobs import GenerateJob
from processors.providers import (
    ImageRequest,
    Provider,
    ProviderError,
    ProviderUnavailable,
    ProviderUncertain,
    TooLate,
)
from processors.providers.base import IMAGE
from processors.worker import metrics
from processors.worker.books import Books
from processors.worker.claims import ATTEMPTS_MAX, Claim, Lease
from processors.worker.facts import Facts
from processors.worker.photos import Photos, load
from processors.worker.retrying import patiently
from processors.worker.tools import Tools
from processors.worker.turns import Turns

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")

PAID_MARGIN_MS = 60_000
"""A paid call must be able to end this long before the deadline (design §2, 3)."""
EXPECTED_SECONDS = 20.0
"""How long a paid picture usually takes; only the progress goes by it."""


class Caller:
    """The calls of one job; it is the `Call` that its provider sees.

    Args:
        tools: the worker's.
        job: what to make.
        facts: where the calls are told of.
        makers: whom to call, in order; none: nobody draws for this model here.
        step: the job's own, for the epochs of its leases.
    """

    def __init__(
        self, tools: Tools, job: GenerateJob, facts: Facts, makers: Sequence[Provider], step: int
    ) -> None:
        self._tools = tools
        self._job = job
        self._facts = facts
        self._turns = Turns(tools.gates, makers)
        self._ambiguous = False
        self._step = step
        self._photos: Photos | None = None
        self.books = Books(job, facts, self.patiently)
        self.lease: Lease | None = None
        """What is held now."""

    @property
    def attempt(self) -> int:
        """See `Call`."""
        return 1 if self.lease is None else self.lease.attempt

    @property
    def provider_name(self) -> str:
        """Whom it calls."""
        return "" if self._provider is None else self._provider.name

    @property
    def _provider(self) -> Provider | None:
        return self._turns.now

    @property
    def remaining_seconds(self) -> float:
        """Until the deadline, by the broker's clock."""
        return (self._job.deadline_ms - self._tools.clock.now_ms()) / 1000

    @property
    def held(self) -> Lease:
        """The lease, where there must be one."""
        assert self.lease is not None
        return self.lease

    def hold(self, lease: Lease, kept: contextlib.ExitStack) -> None:
        """Go on under this lease, which is renewed until `kept` is closed."""
        self.lease = lease
        kept.enter_context(self._tools.leases.kept(lease))

    def go_on(self, found: Claim) -> None:
        """Begin where an earlier holder left the claim: at the provider that holds it."""
        self._turns.resume(found.provider, found.tried)
        self._ambiguous = found.uncertain

    def may_start(self, after_seconds: float = 0.0) -> bool:
        """See `Call`."""
        assert self._provider is not None
        return after_seconds <= self._spare_seconds(self._provider)

    def _spare_seconds(self, provider: Provider) -> float:
        """How long it may take until a call of this provider's begins; below 0: it is too late."""
        margin_seconds = 0.0 if provider.free else PAID_MARGIN_MS / 1000
        return self.remaining_seconds - provider.timeout_seconds - margin_seconds

    async def submitted(self, provider_ref: str) -> None:
        """See `Call`."""
        await self.patiently(partial(self._tools.claims.submitted, self.held, provider_ref))

    async def lost(self, error: ProviderUncertain, pictures: int = 1) -> None:
        """See `Call`."""
        assert self._provider is not None
        await self.books.lost(error, self._provider.name, self.attempt, pictures)

    def wasted(self, pictures: int) -> None:
        """See `Call`."""
        self.books.paid(self.provider_name, pictures)

    def show(self, index: int, data: bytes) -> None:
        """See `Call`."""
        self._tools.live.show(self._job.account_id, self._job.generation_id, index, data)

    async def still_held(self) -> None:
        """Make sure of the lease after what may have been a long sleep, before something dear.

        Raises:
            LeaseLost: another worker goes on.
        """
        if not self._tools.leases.is_fresh(self.held):
            await self.patiently(partial(self._tools.claims.confirm, self.held))

    async def with_photos(self, request: ImageRequest) -> ImageRequest:
        """The request with the photos that it begins with, if it begins with any.

        Raises:
            PhotoGone: one is not there any more.
        """
        if request.kind == IMAGE:
            return request
        if self._photos is None:
            loading = partial(load, self._tools.objects, self._job.request)
            self._photos = await self.patiently(loading)
        return replace(request, photos=self._photos.photos, mask=self._photos.mask)

    async def pictures(
        self,
        found: Claim | None,
        request: ImageRequest,
        missing: tuple[int, ...],
        kept: contextlib.ExitStack,
        *,
        some_stored: bool,
    ) -> dict[int, bytes]:
        """Call, and after a call of which nobody knows whether it was paid, at most once more.

        Args:
            found: where an earlier holder left the claim.
            request: what to draw, all of it.
            missing: which pictures of it are still to be made.
            kept: keeps the leases of further attempts.
            some_stored: whether others are delivered, even if none of these can be made.

        Raises:
            ProviderError: no picture.
            LeaseLost: another worker goes on.
        """
        provider = self._provider
        assert provider is not None
        lost: ProviderUncertain | None = None
        if found is not None and found.provider_ref is not None and found.provider == provider.name:
            asked = replace(request, indices=found.asked or request.indices)
            try:
                resumed = provider.resume(asked, self, found.provider_ref)
                answer = await self.books.drawn(provider.name, asked.count, resumed)
            except ProviderUncertain as error:
                lost = error
            else:
                pictures = dict(zip(asked.indices, answer, strict=False))
                return {index: pictures[index] for index in missing if index in pictures}
        elif found is not None and not provider.free:
            lost = ProviderUncertain("The worker that made the call did not live to tell.")
        while True:
            if lost is not None:
                self._ambiguous = True
                await self._again(lost, provider, missing, kept, some_stored=some_stored)
            try:
                answer = await self._call(replace(request, indices=missing), provider)
            except ProviderUncertain as error:
                lost = error
            except (ProviderUnavailable, TooLate) as error:
                lost, provider = None, await self._other(error)
            else:
                return dict(zip(missing, answer, strict=False))

    async def _other(self, error: ProviderError) -> Provider:
        """The next provider, after one that surely did nothing; the claim says so first.

        Raises:
            ProviderError: there is none that could end in time, or a call before this one may have
                been paid: that one is not to be paid elsewhere once more.
        """
        last = self.provider_name
        after = None if self._ambiguous else self._turns.following(self._spare_seconds)
        if after is None:
            raise error
        await self.patiently(partial(self._tools.claims.turn, self.held, after.name))
        self._turns.take(after)
        metrics.FAILOVERS.labels(last, error.code).inc()
        _log.warning("another provider is asked", instead_of=last, provider=after.name, why=error)
        return after

    def may_call_again(self) -> bool:
        """Whether one more call may be made, and would end in time."""
        return self.attempt < ATTEMPTS_MAX and self.may_start()

    async def call_again(self, missing: tuple[int, ...], kept: contextlib.ExitStack) -> None:
        """Begin the next attempt, for these pictures; the outcome of the last one is known.

        Raises:
            LeaseLost: another worker goes on.
        """
        assert self._provider is not None
        name = self._provider.name
        self.hold(await self.patiently(self._next_attempt(name, missing, uncertain=False)), kept)

    def _next_attempt(
        self, provider: str, missing: tuple[int, ...], *, uncertain: bool
    ) -> Callable[[], Awaitable[Lease]]:
        return partial(
            self._tools.claims.call_again,
            *(self.held, provider, self._step, missing),
            uncertain=uncertain,
            paid_micros=self.books.paid_micros,
        )

    async def _again(
        self,
        lost: ProviderUncertain,
        provider: Provider,
        missing: tuple[int, ...],
        kept: contextlib.ExitStack,
        *,
        some_stored: bool,
    ) -> None:
        """Book the lost call and begin the next attempt, or raise what was lost.

        Where other pictures are delivered all the same, their result stands for the last call.
        """
        is_last = self.attempt >= ATTEMPTS_MAX or not self.may_start()
        if not (is_last and some_stored):
            await self.books.lost(lost, provider.name, self.attempt, len(missing))
        else:
            self.books.paid(provider.name, len(missing))
        if is_last:
            raise lost
        begin = self._next_attempt(provider.name, missing, uncertain=True)
        self.hold(await self.patiently(begin), kept)

    async def patiently(self, step: Callable[[], Awaitable[Answer]]) -> Answer:
        """Try a step that is safe to repeat until the deadline, and a while at least."""
        seconds = max(self.remaining_seconds, self._tools.retry_seconds)
        return await patiently(step, seconds=seconds)

    async def _call(self, request: ImageRequest, provider: Provider) -> list[bytes]:
        request = await self.with_photos(request)
        if not self.may_start():
            raise TooLate("The call would end after the deadline.")
        wait_seconds = self._turns.wait_seconds(self._spare_seconds)
        async with self._tools.gates.of(provider.name).passed(wait_seconds, request.count):
            return await self._ask(request, provider)

    async def _ask(self, request: ImageRequest, provider: Provider) -> list[bytes]:
        if not provider.free:
            await self.still_held()
        self.books.begin(provider.name, self.attempt)
        expected = provider.timeout_seconds / 2 if provider.free else EXPECTED_SECONDS
        job = self._job
        async with self._tools.live.drawing(job.account_id, job.generation_id, expected):
            try:
                made = provider.generate(request, self)
                return await self.books.drawn(provider.name, request.count, made)
            except ProviderError:
                raise
            except Exception as error:
                if not provider.free:
                    await self.books.lost(error, provider.name, self.attempt, request.count)
                raise
