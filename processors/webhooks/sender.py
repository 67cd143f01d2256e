"""Sends what is due: claims attempts, makes them, notes how they ended.

Any number of processes may do so at once: a claim is one process's until its lease ends. Nothing
here keeps state that matters; whoever dies leaves attempts that become due again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
import structlog

from processors.webhooks import metrics
from processors.webhooks.deliveries import Attempt, Deliveries
from processors.webhooks.schedule import delay_seconds
from processors.worker.retrying import patiently
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.crypto.master import KeyNotOpened
from runtime.crypto.sealing import Unsealable, unseal
from runtime.errors import PixelpopError
from runtime.outbound.client import AddressRefused, Answer, GuardedClient, NotReached
from runtime.standard_webhooks import signed_headers

_log = structlog.get_logger(__name__)

LEASE_MARGIN_SECONDS: Final = 30.0
"""How much longer than an attempt may take its lease lasts."""
PRUNE_SECONDS: Final = 3_600.0
GONE: Final = 410
USER_AGENT: Final = b"Pixelpop-Webhooks/1"


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended."""

    name: str
    """`delivered`, `refused` (an answer other than 2xx), `timed-out`, `no-connection`,
    `broken-off`, `address-refused` or `secret-lost`."""
    status: int | None = None
    retry_after_seconds: float | None = None


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How much at once, and how often."""

    sends: int
    sends_per_endpoint: int
    timeout_seconds: float
    poll_seconds: float
    keep_seconds: float
    """How long deliveries are kept."""
    retry_seconds: float
    """How long the end of an attempt is tried to be noted."""


class Sender:
    """Sends until it is stopped.

    Args:
        deliveries: tells what is due.
        keys: open the endpoints' secrets.
        client: makes the requests.
        pace: the bounds.
    """

    def __init__(
        self, deliveries: Deliveries, keys: AccountKeys, client: GuardedClient, pace: Pace
    ) -> None:
        self._deliveries = deliveries
        self._keys = keys
        self._client = client
        self._pace = pace
        self._wanted = asyncio.Event()
        self._sends: set[asyncio.Task[None]] = set()
        self._busy: Counter[UUID] = Counter()
        self._stopped = False

    def wake(self) -> None:
        """There is something to send, or room to send it."""
        self._wanted.set()

    async def run(self) -> None:
        """Claim and send until `stop`; prunes now and then."""
        pruned = time.monotonic()
        while not self._stopped:
            self._wanted.clear()
            began = time.monotonic()
            claimed = await self._claim()
            for attempt in claimed:
                self._start(attempt, began)
            if time.monotonic() - pruned > PRUNE_SECONDS:
                pruned = time.monotonic()
                await self._prune()
            if not claimed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.poll_seconds):
                        await self._wanted.wait()

    async def stop(self) -> None:
        """Claim nothing more, and wait for what is under way: each attempt is bounded."""
        self._stopped = True
        self.wake()
        if self._sends:
            await asyncio.wait(self._sends)

    async def _claim(self) -> list[Attempt]:
        room = self._pace.sends - len(self._sends)
        if room <= 0:
            return []
        lease_seconds = self._pace.timeout_seconds + LEASE_MARGIN_SECONDS
        try:
            return await self._deliveries.claim(
                room, self._pace.sends_per_endpoint, self._busy, lease_seconds
            )
        except PixelpopError as error:
            _log.warning("what is due cannot be claimed", error=error)
            return []

    def _start(self, attempt: Attempt, began: float) -> None:
        task = asyncio.create_task(self._make(attempt, began), name=f"send/{attempt.delivery_id}")
        self._sends.add(task)
        self._busy[attempt.endpoint_id] += 1
        metrics.UNDER_WAY.set(len(self._sends))
        task.add_done_callback(partial(self._ended, attempt))

    def _ended(self, attempt: Attempt, task: asyncio.Task[None]) -> None:
        self._sends.discard(task)
        self._busy[attempt.endpoint_id] -= 1
        if not self._busy[attempt.endpoint_id]:
            del self._busy[attempt.endpoint_id]
        metrics.UNDER_WAY.set(len(self._sends))
        if not task.cancelled() and task.exception() is not None:
            # Its lease ends, and it is due again.
            _log.error("an attempt broke off", exc_info=task.exception())
        self.wake()

    async def _make(self, attempt: Attempt, began: float) -> None:
        outcome = await self._send(attempt, began)
        if outcome is None:
            _log.warning("an attempt came too late", delivery_id=str(attempt.delivery_id))
            return  # its lease has ended, or soon will: it is somebody else's
        metrics.ATTEMPTS.labels(outcome.name).inc()
        metrics.ATTEMPT_SECONDS.observe(time.monotonic() - began)
        again = None
        if outcome.name != "delivered":
            again = delay_seconds(
                attempt.tries,
                random.random(),  # noqa: S311  no secret
                outcome.retry_after_seconds,
            )
            _log.info(
                "a webhook was not delivered",
                delivery_id=str(attempt.delivery_id),
                outcome=outcome.name,
                status=outcome.status,
                attempt=attempt.attempt,
                again_seconds=again,
            )
        await self._note(attempt, outcome, again)

    async def _note(self, attempt: Attempt, outcome: Outcome, again: float | None) -> None:
        delivered = outcome.name == "delivered"
        finish = partial(
            self._deliveries.finish,
            attempt,
            "delivered" if delivered else "failed" if again is None else "pending",
            outcome.name,
            status=outcome.status,
            again_seconds=again or 0.0,
        )
        await patiently(finish, seconds=self._pace.retry_seconds)
        if outcome.status == GONE:
            disable = partial(self._deliveries.disable, attempt.endpoint_id)
            await patiently(disable, seconds=self._pace.retry_seconds)

    async def _send(self, attempt: Attempt, began: float) -> Outcome | None:
        """None: nothing was sent, because this process slept or waited for too long."""
        try:
            opened = partial(self._secrets, attempt)
            secrets = await patiently(opened, seconds=LEASE_MARGIN_SECONDS / 3)
            if time.monotonic() - began > LEASE_MARGIN_SECONDS / 2:
                return None
            answer = await self._client.post(
                attempt.url,
                attempt.payload,
                [
                    (b"content-type", b"application/json"),
                    (b"user-agent", USER_AGENT),
                    *signed_headers(
                        str(attempt.delivery_id), int(time.time()), attempt.payload, secrets
                    ),
                ],
                timeout_seconds=self._pace.timeout_seconds,
            )
        except (AddressRefused, NotReached) as error:
            return Outcome(error.code)
        except (KeyDestroyed, KeyNotOpened, Unsealable):
            return Outcome("secret-lost")  # the account is erased, or soon will be
        return _outcome_of(answer)

    async def _secrets(self, attempt: Attempt) -> list[str]:
        key = await self._keys.get(attempt.account_id)
        sealed = [(attempt.secret_number, attempt.secret)]
        if attempt.old_secret is not None:
            sealed.append((attempt.secret_number - 1, attempt.old_secret))
        return [
            unseal(
                key,
                secret,
                account_id=attempt.account_id,
                event_id=attempt.endpoint_id,
                field=f"secret {number}",
            )
            for number, secret in sealed
        ]

    async def _prune(self) -> None:
        try:
            while await self._deliveries.prune(self._pace.keep_seconds):
                _log.debug("old deliveries were deleted, and there are more")
        except PixelpopError as error:
            _log.warning("old deliveries were not deleted", error=error)


def _outcome_of(answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:  # noqa: PLR2004  a class of HTTP statuses
        return Outcome("delivered", answer.status)
    asked = answer.header(b"retry-after") or b""
    seconds = float(asked) if asked.isdigit() and len(asked) <= 9 else None  # noqa: PLR2004  digits
    return Outcome("refused", answer.status, seconds)
