"""Makes the attempts that are due: claims them, sends, notes how they ended."""

from __future__ import annotations

import random
import time
from collections import Counter
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
import structlog

from processors.outward.sending import Sending
from processors.webhooks import metrics
from processors.webhooks.deliveries import Attempt, Deliveries
from processors.webhooks.schedule import delay_seconds
from processors.worker.retrying import patiently
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.crypto.master import KeyNotOpened
from runtime.crypto.sealing import Unsealable, unseal
from runtime.outbound.client import AddressRefused, Answer, GuardedClient, NotReached
from runtime.standard_webhooks import signed_headers

_log = structlog.get_logger(__name__)

LEASE_MARGIN_SECONDS: Final = 30.0
"""How much longer than an attempt may take its lease lasts."""
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


class Sender(Sending[Attempt]):
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
        super().__init__(
            sends=pace.sends, poll_seconds=pace.poll_seconds, under_way=metrics.UNDER_WAY
        )
        self._deliveries = deliveries
        self._keys = keys
        self._client = client
        self._pace = pace
        self._busy: Counter[UUID] = Counter()

    async def claim(self, room: int) -> list[Attempt]:
        """Attempts that are due, of each endpoint so many at once."""
        lease_seconds = self._pace.timeout_seconds + LEASE_MARGIN_SECONDS
        return await self._deliveries.claim(
            room, self._pace.sends_per_endpoint, self._busy, lease_seconds
        )

    async def prune(self) -> int:
        """Forget deliveries that are kept no longer."""
        return await self._deliveries.prune(self._pace.keep_seconds)

    def taken(self, one: Attempt) -> None:
        """Its endpoint is busy."""
        self._busy[one.endpoint_id] += 1

    def ended(self, one: Attempt) -> None:
        """Its endpoint has room again."""
        self._busy[one.endpoint_id] -= 1
        if not self._busy[one.endpoint_id]:
            del self._busy[one.endpoint_id]

    async def make(self, attempt: Attempt, began: float) -> None:
        """Make an attempt, and note how it ended; `run` calls it."""
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


def _outcome_of(answer: Answer) -> Outcome:
    if 200 <= answer.status < 300:  # noqa: PLR2004  a class of HTTP statuses
        return Outcome("delivered", answer.status)
    asked = answer.header(b"retry-after") or b""
    seconds = float(asked) if asked.isdigit() and len(asked) <= 9 else None  # noqa: PLR2004  digits
    return Outcome("refused", answer.status, seconds)
