"""`POST /batches`: several requests in one fact, and what was decided about each.

As for a single request: the ids follow from account and `Idempotency-Key`, what is known is
answered from that, and the waiters stand before the append.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from commands.batches import BatchRequest, of_item, requests_of
from commands.requests import InvalidRequest
from events.batches import BatchRequested
from events.generations import GenerationRequested
from events.ids import BatchId, fact_id
from events.ids import batch_id as batch_id_for
from gateway.api.documents import ErrorOfGeneration
from gateway.batches.documents import BatchDocument, document_of
from gateway.batches.reads import find_batch, ids_of, macs_of
from gateway.events_out import EVENTS, outgoing
from gateway.generations.appending import appending
from gateway.generations.idempotency import idempotency_key
from gateway.generations.outcomes import decided_problem, rejection
from gateway.generations.reads import of_request
from gateway.generations.requested import Submission, event_of, mac_of
from gateway.identity.signed_in import Account
from gateway.live.changes import Rejected
from gateway.live.tail import Known
from gateway.live.waiting_line import NOWHERE
from gateway.operations import metrics
from gateway.web.cursors import LogPosition
from gateway.web.errors import Problem
from gateway.web.http import Headers
from gateway.web.sentences import error_sentence, refused_for

if TYPE_CHECKING:
    from gateway.deps import Deps

AS_A_WHOLE: Final = frozenset({"rate_limited", "batch_in_flight", "timed_out", "account_erased"})
"""Reasons that are those of a whole batch: then there is nothing to show."""


class Answered:
    """What became of a batch."""

    def __init__(
        self, document: BatchDocument, place: LogPosition | None, *, is_replay: bool = False
    ) -> None:
        self.document = document
        self.place = place
        self.is_replay = is_replay


async def submit(deps: Deps, headers: Headers, batch: BatchRequest, account: Account) -> Answered:
    """Ask for the generations of a batch; twice with one key is once.

    Raises:
        Problem, InvalidRequest, PixelpopError: for `errors.render`.
    """
    batch_id = batch_id_for(account.account_id, idempotency_key(headers))
    requests = requests_of(batch)
    ids = ids_of(batch_id, len(requests))
    submissions = [
        Submission(account, generation_id, request, mac_of(account, request))  # type: ignore[arg-type]  # ids are texts
        for generation_id, request in zip(ids, requests, strict=True)
    ]
    ahead = deps.appending.get(batch_id)
    if ahead is not None:
        await ahead.ended.wait()
    macs = await macs_of(deps, account, batch_id)
    if macs is not None:
        return await _repeat(deps, account, batch_id, [one.body_mac for one in submissions], macs)
    with appending(deps.appending, batch_id):
        limits = deps.limits
        limits.take_here(limits.policies.generations, account.account_id)
        if limits.shared is not None:
            await limits.shared.take(limits.policies.generations, account.account_id)
        return await _append(deps, account, batch_id, submissions)


async def _append(
    deps: Deps, account: Account, batch_id: BatchId, submissions: list[Submission]
) -> Answered:
    requests = tuple([await _request(deps, index, one) for index, one in enumerate(submissions)])
    now_ms = deps.clock.now_ms()
    event = BatchRequested(
        account_id=account.account_id, occurred_at_ms=now_ms, batch_id=batch_id, requests=requests
    )
    record = outgoing(event, fact_id(batch_id, "batch"), correlation_id=batch_id, time_ms=now_ms)
    decisions = [deps.tail.expect(one.generation_id) for one in requests]
    try:
        position = await deps.log.append(EVENTS, record)
        await asyncio.wait(decisions, timeout=deps.settings.decision_wait_seconds)
        known = [one.result() if one.done() else None for one in decisions]
    finally:
        for request, decision in zip(requests, decisions, strict=True):
            deps.tail.forget(request.generation_id, decision)
    for request in requests:
        deps.tail.appended(account.account_id, request.generation_id, *position)
    _refuse(known)
    if None in known:
        metrics.UNDECIDED.inc()
    items = [
        of_request(
            request,
            status="pending" if one is None else one.status,
            prompt=submission.request.prompt or "",
            negative_prompt=submission.request.negative_prompt,
            decision=None if one is None else one.decision,
            requested_at_ms=position.appended_at_ms,
            place=NOWHERE,
            error=None if one is None else _error(one),
            batch_id=batch_id,
        )
        for request, submission, one in zip(requests, submissions, known, strict=True)
    ]
    offset = max(position.offset, *(one.offset for one in known if one is not None), 0)
    return Answered(document_of(batch_id, items), LogPosition(position.partition, offset))


def _error(known: Known) -> ErrorOfGeneration | None:
    decision = known.decision
    if not isinstance(decision, Rejected):
        return None
    category = refused_for(decision.reason, decision.rule_id)
    return ErrorOfGeneration(
        code=decision.reason, detail=error_sentence(decision.reason, category), reason=category
    )


async def _request(deps: Deps, index: int, submission: Submission) -> GenerationRequested:
    try:
        return await event_of(deps, submission)
    except InvalidRequest as error:
        raise of_item(index, error) from None


def _refuse(known: list[Known | None]) -> None:
    """Refuse what was refused as a whole.

    Raises:
        Problem: it was.
    """
    decisions = [None if one is None else one.decision for one in known]
    reasons = {one.reason if isinstance(one, Rejected) else None for one in decisions}
    first = decisions[0]
    if len(reasons) == 1 and isinstance(first, Rejected) and first.reason in AS_A_WHOLE:
        assert known[0] is not None
        raise decided_problem(first, known[0].generation_id)


async def _repeat(
    deps: Deps, account: Account, batch_id: BatchId, macs: list[str], earlier: list[str]
) -> Answered:
    """What became of an earlier batch, if it is the same.

    Raises:
        Problem: it is another one, or was refused as a whole.
    """
    metrics.REPLAYED.inc()
    if macs != earlier:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key was used for a request with another body. Use a new key for a "
            "new request. Nothing was charged for this one.",
            generation_id=ids_of(batch_id, 1)[0],
        )
    document = await find_batch(deps, account, batch_id)
    first = document.items[0].error
    codes = {None if one.error is None else one.error.code for one in document.items}
    if first is not None and len(codes) == 1 and first.code in AS_A_WHOLE:
        wait_ms = 1000 * (first.retry_after or 0)
        problem = rejection(first.code, document.items[0].id, retry_after_ms=wait_ms)
        problem.headers.append((b"idempotent-replay", b"true"))
        raise problem
    return Answered(document, None, is_replay=True)
