"""`POST /generations`: from a request to its decision, as fast as this gateway can.

The generation id follows from account and `Idempotency-Key`, so a repetition is the same
generation, and nothing here ever does a thing twice (design §2.1). The order matters: what is
known or being appended is answered from that; a flood is refused; the waiter stands before the
append, so that no decision can be missed.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec

from events.codec import encode
from events.envelope import headers_for
from events.generations import GenerationRequested
from events.ids import fact_id
from events.ids import generation_id as generation_id_for
from gateway.deps import Deps
from gateway.events_out import EVENTS, SOURCE, traceparent
from gateway.generations.appending import Append, appending
from gateway.generations.idempotency import idempotency_key
from gateway.generations.outcomes import decided_problem, replayed, reused
from gateway.generations.reads import of_request
from gateway.generations.requested import Submission, decoded, event_of, mac_of
from gateway.identity.signed_in import Account
from gateway.live.changes import Rejected
from gateway.live.tail import FINAL, Known
from gateway.live.waiting_line import NOWHERE
from gateway.operations import metrics
from gateway.web.cursors import LogPosition, token_header
from gateway.web.errors import Answer, Problem
from gateway.web.http import Headers
from gateway.web.prefer import Prefer, preferences
from runtime.kafka.records import Outgoing, Position

JSON: Final = (b"content-type", b"application/json")
REPLAY: Final = (b"idempotent-replay", b"true")
NO_STORE: Final = (b"cache-control", b"no-store")

_encode_document = msgspec.json.Encoder().encode


async def submit(deps: Deps, headers: Headers, body: bytes, account: Account) -> Answer:
    """Answer one `POST /generations`.

    Raises:
        Problem, InvalidRequest, PixelpopError: for `errors.render`.
    """
    arrived = time.monotonic()
    key, prefer = idempotency_key(headers), preferences(headers)
    request = decoded(headers, body)
    generation_id = generation_id_for(account.account_id, key)
    submission = Submission(account, generation_id, request, mac_of(account, request))
    known = deps.tail.get(generation_id)
    if known is not None and known.body_mac is not None:
        return await _repeat(deps, submission, known.body_mac, prefer)
    earlier = await deps.known.find(account.uuid, UUID(generation_id))
    if earlier is not None:
        return await _repeat(deps, submission, earlier.body_mac, prefer)
    ahead = deps.appending.get(generation_id)
    if ahead is not None:
        await ahead.ended.wait()
        known = deps.tail.get(generation_id)
        body_mac = ahead.body_mac if known is None else known.body_mac or ahead.body_mac
        if body_mac is not None:
            return await _repeat(deps, submission, body_mac, prefer)
    with appending(deps.appending, generation_id) as own:
        limits = deps.limits
        limits.take_here(limits.policies.generations, account.account_id)
        if limits.shared is not None:
            await limits.shared.take(limits.policies.generations, account.account_id)
        return await _append(deps, submission, prefer, arrived, own)


async def _append(
    deps: Deps, submission: Submission, prefer: Prefer, arrived: float, own: Append
) -> Answer:
    event = await event_of(deps, submission)
    value = encode(event)
    generation_id = submission.generation_id
    outgoing = Outgoing(
        submission.account.account_id.encode(),
        value,
        headers_for(
            event,
            fact_id(generation_id, "requested"),
            source=SOURCE,
            time_ms=event.occurred_at_ms,
            correlation_id=generation_id,
            traceparent=traceparent.get(),
        ),
    )
    if prefer.respond_async:
        position = await deps.log.append(EVENTS, outgoing)
        own.body_mac = submission.body_mac
        _note(deps, submission, position)
        return _accepted(deps, event, submission, position, None, respond_async=True)
    decision = deps.tail.expect(generation_id)
    try:
        position = await deps.log.append(EVENTS, outgoing)
        own.body_mac = submission.body_mac
        known = await _in_time(decision, deps.settings.decision_wait_seconds)
    finally:
        deps.tail.forget(generation_id, decision)
    known = known or deps.tail.get(generation_id)
    if known is not None and _counted(known) not in {None, sha256(value).hexdigest()}:
        # Another request with this key came first in the log: what is known is about that one.
        return await _repeat(deps, submission, known.body_mac, prefer)
    if known is None or known.decision is None:
        metrics.UNDECIDED.inc()
        _note(deps, submission, position)
        return _accepted(deps, event, submission, position, None)
    metrics.DECISION_SECONDS.observe(time.monotonic() - arrived)
    if isinstance(known.decision, Rejected):
        raise decided_problem(known.decision, generation_id)
    own.ended.set()
    if prefer.wait_seconds is not None:
        finished = await _finished(deps, submission, prefer.wait_seconds)
        if finished is not None:
            return finished
    return _accepted(deps, event, submission, position, known)


def _note(deps: Deps, submission: Submission, position: Position) -> None:
    """Who is told 202 may ask about it at once, before it was read back."""
    account_id, generation_id = submission.account.account_id, submission.generation_id
    deps.tail.appended(account_id, generation_id, *position)


def _counted(known: Known) -> str | None:
    """The hash of the request that counts, as far as it is known."""
    return known.request_hash if known.decision is None else known.decision.cause_hash


async def _in_time(decision: asyncio.Future[Known], timeout_seconds: float) -> Known | None:
    if not decision.done():
        await asyncio.wait((decision,), timeout=timeout_seconds)
    return decision.result() if decision.done() else None


async def _finished(deps: Deps, submission: Submission, wait_seconds: float) -> Answer | None:
    """Wait for the end, and answer with what became of it; None: it is not finished in time."""
    generation_id = submission.generation_id
    deadline = time.monotonic() + min(wait_seconds, deps.settings.prefer_wait_max_seconds)
    end = deps.tail.expect(generation_id, final=True)
    try:
        known = await _in_time(end, deadline - time.monotonic())
    finally:
        deps.tail.forget(generation_id, end)
    if known is None or not await deps.consistency.passed(
        LogPosition(known.partition, known.offset)
    ):
        return None
    answer = await replayed(deps, submission.account, generation_id, known)
    applied = (b"preference-applied", f"wait={int(wait_seconds)}".encode())
    return answer._replace(headers=[*answer.headers, applied])


async def _repeat(
    deps: Deps, submission: Submission, body_mac: str | None, prefer: Prefer
) -> Answer:
    """Answer a repetition with what became of the request, if it is the same request."""
    metrics.REPLAYED.inc()
    if body_mac is None or not hmac.compare_digest(body_mac, submission.body_mac):
        raise reused(submission.generation_id)
    try:
        answer = await _again(deps, submission, prefer)
    except Problem as problem:
        problem.headers.append(REPLAY)
        raise
    return answer._replace(headers=[*answer.headers, REPLAY])


async def _again(deps: Deps, submission: Submission, prefer: Prefer) -> Answer:
    known = deps.tail.get(submission.generation_id)
    if prefer.wait_seconds is not None and known is not None and known.status not in FINAL:
        finished = await _finished(deps, submission, prefer.wait_seconds)
        if finished is not None:
            return finished
        known = deps.tail.get(submission.generation_id)
    return await replayed(deps, submission.account, submission.generation_id, known)


def _accepted(
    deps: Deps,
    event: GenerationRequested,
    submission: Submission,
    position: Position,
    known: Known | None,
    *,
    respond_async: bool = False,
) -> Answer:
    """202: it is in the log; admitted if `known`, undecided otherwise."""
    decision = None if known is None else known.decision
    request = submission.request
    document = of_request(
        event,
        status="pending" if known is None else known.status,
        prompt=request.prompt or "",
        negative_prompt=request.negative_prompt,
        decision=decision,
        requested_at_ms=position.appended_at_ms,
        place=NOWHERE if decision is None else deps.place(event.generation_id, event.model),
    )
    offset = position.offset if known is None else max(position.offset, known.offset)
    headers = [
        JSON,
        NO_STORE,
        (b"location", b"/generations/" + event.generation_id.encode()),
        token_header(position.partition, offset),
    ]
    if respond_async:
        headers.append((b"preference-applied", b"respond-async"))
    return Answer(202, headers, _encode_document(document))
