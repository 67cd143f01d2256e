"""From a job to the right to perform it: whatever a redelivered job finds, this says what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from events.jobs import GenerateJob
from processors.worker.claims import Claim, Claims, Lease
from processors.worker.facts import Facts

_log = structlog.get_logger(__name__)

HELD_BY_ANOTHER = "another worker holds the claim: waiting for it"
POLL_SECONDS = 0.5
"""How often a claim that another worker holds is looked at."""


class Held(msgspec.Struct, frozen=True):
    """The right to go on from where the claim stands."""

    lease: Lease
    found: Claim | None
    """The claim as an earlier holder left it; None: this is the first."""


class Over(msgspec.Struct, frozen=True):
    """Nothing is left to do."""

    outcome: str
    result: bytes | None = None
    """The value bytes of the final result, where there is one."""


async def resolve(
    claims: Claims,
    facts: Facts,
    job: GenerateJob,
    provider: str,
    *,
    step: int,
    may_wait: Callable[[], bool],
) -> Held | Over:
    """Take the claim, or find out that it is over; waits while another worker goes on with it.

    Args:
        claims: the table.
        facts: to say again what was said before, since nobody knows whether it was heard.
        job: what to claim.
        provider: whom the first call would go to.
        step: of `random_step()`, the same when this is repeated after an error.
        may_wait: whether another worker's result would still count.
    """
    waits = False
    while True:
        lease = await claims.take(job.generation_id, job.account_id, provider, step)
        if lease is not None:
            return Held(lease, None)
        claim = await claims.latest(job.generation_id)
        if claim is None:
            continue  # it was removed between the two statements: an erasure
        over = await _said_again(claim, facts)
        if over is not None:
            return over
        if claim.lease_seconds > 0:
            if not may_wait():
                # Whoever holds it is too late as well, and the decider has settled without it.
                _log.warning("a job is left to the worker that holds it", state=claim.state)
                return Over("left")
            if not waits:
                waits = True
                _log.info(HELD_BY_ANOTHER, state=claim.state, attempt=claim.attempt)
            await asyncio.sleep(min(claim.lease_seconds, POLL_SECONDS))
            continue
        lease = await claims.take_over(claim, job.account_id, step)
        if lease is not None:
            _log.info("claim taken over", state=claim.state, attempt=claim.attempt)
            return Held(lease, claim)


async def _said_again(claim: Claim, facts: Facts) -> Over | None:
    match claim.state:
        case "reported":
            return Over("reported_before", claim.result)
        case "cancelled":
            await facts.append_cancelled()
            return Over("cancelled")
        case "failed" if claim.result is not None:
            await facts.append_result(claim.result)
            return Over("failed_before", claim.result)
        case "failed":
            # An attempt that was given up is followed by the next one in the same transaction.
            raise AssertionError(f"the claim on {claim.generation_id} failed without a result")
    return None
