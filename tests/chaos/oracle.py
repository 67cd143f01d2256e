"""An independent judge of a run: reads the raw log and shares no code with the fold.

It knows the contract as an auditor would read it: JSON values, SHA-256, and these sentences:

- a decision counts if it names the hash of the account's last counted decision and its key is not
  decided yet; a settlement must also follow from the first result fact before it in the log;
- a request is decided once, a reservation settled once, a purchase granted once;
- what is delivered is captured, what is not is returned, at the prices that stand here;
- credits are added up twice, by the decisions' fields and by their postings, and must agree.

- every result says what was paid for it, and every call of unknown outcome what it would cost.

It works on plain dictionaries and knows only the events that a run without refunds, expiries and
erasures can produce; anything else is a problem. Problems name the offending ids.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from tests.chaos.books import (
    PACKS,
    PRICES,
    WELCOME,
    Due,
    Generation,
    Ledger,
    Logged,
    Verdict,
)

REQUEST_WINDOW_MS = 3_600_000
RESULTS = {
    "GenerationCompleted.v1": "completed",
    "GenerationFailed.v1": "failed",
    "GenerationCancelled.v1": "cancelled",
}
TELLS_OF_COSTS = {"GenerationCompleted.v1", "GenerationFailed.v1"}
STATUSES = {"completed": "done", "cancelled": "cancelled"}
"""Any other outcome of a settlement is shown as `failed`."""
OTHER_CHAIN = "other chain"
CONTRADICTED = "contradicts a fact before it"
LEGITIMATE_VOIDS = {OTHER_CHAIN, CONTRADICTED}
"""What a correct decider may write that does not count: it had not read everything yet. One that
did continue the chain knew all decisions, so any other void is a defect."""


def judge(records: Iterable[Logged]) -> Verdict:
    """Read a whole log, each account's records in their order."""
    verdict = Verdict()
    for one in records:
        try:
            event = json.loads(one.value)
            if event["account_id"].encode() != one.key:
                verdict.problems.append(f"key {one.key!r} holds an event of {event['account_id']}")
                continue
            verdict.events += 1
            _take(verdict, event, hashlib.sha256(one.value).hexdigest(), one.appended_at_ms)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            verdict.problems.append(f"a record cannot be judged ({error!r}): {one.value[:200]!r}")
    verdict.conflicts = sum(one not in verdict.counted for one in verdict.void_hashes)
    _check_end(verdict)
    return verdict


def _take(verdict: Verdict, event: dict[str, Any], value_hash: str, at_ms: int) -> None:
    verdict.repeats += value_hash in verdict.seen
    verdict.seen.add(value_hash)
    kind = event["type"]
    if "previous_hash" in event:
        _take_decision(verdict, event, value_hash, at_ms)
    elif kind == "GenerationRequested.v1":
        _take_request(verdict, event, value_hash, at_ms)
    elif kind == "BatchRequested.v1":
        _take_batch(verdict, event, value_hash, at_ms)
    elif kind == "UploadCompleted.v1":
        verdict.uploads.add(event["upload_id"])
    elif kind == "CreditsPurchased.v1":
        if event["credits"] != PACKS.get(event["pack_id"]):
            verdict.problems.append(f"purchase {event['purchase_id']}: not what the pack holds")
        due = Due(value_hash, at_ms, event["credits"])
        verdict.due.setdefault(event["purchase_id"], due)
    elif kind == "UserRegistered.v1":
        if event["welcome_credits"] not in {0, WELCOME}:
            verdict.problems.append(f"{event['account_id']}: an odd welcome")
        if event["welcome_credits"]:
            due = Due(value_hash, at_ms, event["welcome_credits"])
            verdict.due.setdefault(f"welcome of {event['account_id']}", due)
    else:
        _take_work(verdict, event, value_hash, at_ms)


def _take_request(verdict: Verdict, event: dict[str, Any], value_hash: str, at_ms: int) -> None:
    if abs(event["occurred_at_ms"] - at_ms) > REQUEST_WINDOW_MS:
        return
    known = verdict.generations.get(event["generation_id"])
    if known is not None:
        if known.account_id != event["account_id"]:
            verdict.problems.append(f"{event['generation_id']} belongs to two accounts")
        return
    price = PRICES[event["model"], event["quality"], event["kind"]]
    verdict.generations[event["generation_id"]] = Generation(
        event["account_id"],
        value_hash,
        at_ms,
        cost=event["count"] * price,
        price=price,
        **{name: event[name] for name in ("model", "kind", "size", "quality")},
    )


def _take_batch(verdict: Verdict, event: dict[str, Any], value_hash: str, at_ms: int) -> None:
    """All of a batch is asked for, or, told again, nothing of it."""
    requests = event["requests"]
    if any(one["account_id"] != event["account_id"] for one in requests):
        verdict.problems.append(f"batch {event['batch_id']} asks for several accounts")
        return
    if not any(one["generation_id"] in verdict.generations for one in requests):
        for one in requests:
            _take_request(verdict, one, value_hash, at_ms)


def _take_work(verdict: Verdict, event: dict[str, Any], value_hash: str, at_ms: int) -> None:
    """What the workers (and, for a cancellation, the gateway) say about a generation."""
    kind = event["type"]
    known = {*RESULTS, "GenerationStarted.v1", "ProviderCallUncertain.v1"}
    generation = verdict.generations.get(event.get("generation_id", ""))
    if kind not in known or generation is None or generation.account_id != event["account_id"]:
        verdict.problems.append(f"the oracle does not know what this is about: {event}")
        return
    if kind != "GenerationCancelled.v1":
        generation.moments_ms.append(at_ms)
    if kind == "ProviderCallUncertain.v1":
        generation.uncertain_attempts.setdefault(event["attempt"], event.get("cost_micros", 0))
    if kind in TELLS_OF_COSTS:
        generation.paid.setdefault(value_hash, (RESULTS[kind], event.get("cost_micros", 0)))
    awaited = generation.reserved and not generation.settled and generation.result is None
    if kind in RESULTS and awaited:
        generation.result, generation.result_hash = event, value_hash
        generation.result_at_ms = at_ms


def _take_decision(verdict: Verdict, event: dict[str, Any], value_hash: str, at_ms: int) -> None:
    ledger = verdict.ledgers[event["account_id"]]
    reason = _why_void(verdict, ledger, event)
    if reason is not None:
        verdict.voids[reason] += 1
        verdict.void_hashes.append(value_hash)
        if reason not in LEGITIMATE_VOIDS:
            verdict.problems.append(f"{reason}: {event}")
        return
    verdict.counted.add(value_hash)
    ledger.head, ledger.sequence = value_hash, event["sequence"]
    if sum(moved for _, moved in event["postings"]) != 0:
        verdict.problems.append(f"postings of {value_hash} do not sum to zero")
    for account, moved in event["postings"]:
        ledger.posted[account] += moved
    _move(verdict, ledger, event, value_hash, at_ms)
    if min(ledger.available, ledger.reserved, *ledger.grants.values()) < 0:
        verdict.problems.append(f"{event['account_id']} went below zero at {event['sequence']}")


def _why_void(verdict: Verdict, ledger: Ledger, event: dict[str, Any]) -> str | None:
    if event["previous_hash"] != ledger.head:
        return OTHER_CHAIN
    if event["sequence"] != ledger.sequence + 1:
        return "a link with a wrong number"
    kind = event["type"]
    if kind == "CreditsGranted.v1":
        return _why_no_grant(verdict, event)
    generation = verdict.generations.get(event.get("generation_id", ""))
    if generation is None or generation.account_id != event["account_id"]:
        return "decides what nobody asked for"
    if kind == "CreditsSettled.v1":
        return _why_not_settled(generation, event)
    return _why_not_admitted(generation, ledger, event)


def _why_not_admitted(generation: Generation, ledger: Ledger, event: dict[str, Any]) -> str | None:
    if generation.status != "pending" or generation.reserved:
        return "decides a request twice"
    cause = (generation.request_hash, generation.requested_at_ms)
    if (event["cause_hash"], event["decided_at_ms"]) != cause:
        return "does not follow from the request"
    if event["type"] == "GenerationRejected.v1":
        broke = event["reason"] == "insufficient_credits"
        return "refuses who can pay" if broke and ledger.available >= generation.cost else None
    if event["type"] != "CreditsReserved.v1":
        return "a decision that the oracle does not know"
    told = (event["credits"], event["price"], sum(drawn for _, drawn in event["draws"]))
    asked = (generation.cost, generation.price, generation.cost)
    return None if told == asked else "reserves a wrong amount"


def _grant_key(event: dict[str, Any]) -> str:
    return f"welcome of {event['account_id']}" if event["why"] == "welcome" else event["source_id"]


def _why_no_grant(verdict: Verdict, event: dict[str, Any]) -> str | None:
    key = _grant_key(event)
    if key in verdict.granted or key not in verdict.due:
        return "grants what is granted already or what nobody paid for"
    told = Due(event["cause_hash"], event["decided_at_ms"], event["credits"])
    return None if told == verdict.due[key] else "grants other than was paid for"


def _why_not_settled(generation: Generation, event: dict[str, Any]) -> str | None:
    if not generation.reserved or generation.settled:
        return "settles what is settled already or was never reserved"
    if event["captured"] + event["returned"] != generation.reserved:
        return "settles another amount than was reserved"
    told = (event["outcome"], event["captured"], event["cause_hash"], event["decided_at_ms"])
    overdue = ("timed_out", 0, generation.reservation_hash, generation.deadline_ms)
    if generation.result is None:
        return None if told == overdue else "settles without a result"
    outcome = RESULTS[generation.result["type"]]
    captured = len(generation.result.get("images", ())) * generation.price
    if told == (outcome, captured, generation.result_hash, generation.result_at_ms):
        return None
    return CONTRADICTED if told == overdue else "settles other than the first result says"


def _move(
    verdict: Verdict, ledger: Ledger, event: dict[str, Any], value_hash: str, at_ms: int
) -> None:
    kind = event["type"]
    if kind == "CreditsGranted.v1":
        verdict.granted.add(_grant_key(event))
        ledger.available += event["credits"]
        ledger.granted += event["credits"]
        ledger.grants[event["source_id"]] = event["credits"]
        return
    generation = verdict.generations[event["generation_id"]]
    if kind == "GenerationRejected.v1":
        generation.status = "rejected"
    elif kind == "CreditsReserved.v1":
        ledger.available -= event["credits"]
        ledger.reserved += event["credits"]
        generation.draws = dict(event["draws"])
        for grant, drawn in generation.draws.items():
            ledger.grants[grant] = ledger.grants.get(grant, 0) - drawn
        generation.reserved = event["credits"]
        generation.deadline_ms, generation.reservation_hash = event["deadline_ms"], value_hash
    else:
        ledger.reserved -= generation.reserved
        ledger.available += event["returned"]
        ledger.spent += event["captured"]
        for grant, back in event["returns"]:
            ledger.grants[grant] += back
        generation.captured, generation.returned = event["captured"], event["returned"]
        generation.settled, generation.settled_at_ms = True, at_ms
        generation.status = STATUSES.get(event["outcome"], "failed")


def _check_end(verdict: Verdict) -> None:
    for key in verdict.due:
        if key not in verdict.granted:
            verdict.problems.append(f"{key} was paid for and not granted")
    for generation_id, generation in verdict.generations.items():
        if generation.status == "pending":
            what = "settled" if generation.reserved else "decided"
            verdict.problems.append(f"{generation_id} was never {what}")
        if generation.captured != len(generation.images) * generation.price:
            verdict.problems.append(
                f"{generation_id} delivered {len(generation.images)} pictures and captured "
                f"{generation.captured}"
            )
    for account_id, ledger in verdict.ledgers.items():
        posted = ledger.posted
        told = (posted["user:available"], posted["user:reserved"], posted["pixelpop:earned"])
        whole = ledger.granted == ledger.available + ledger.reserved + ledger.spent
        in_grants = sum(ledger.grants.values()) == ledger.available
        agree = told == (ledger.available, ledger.reserved, ledger.spent)
        if not (whole and in_grants and agree):
            verdict.problems.append(f"the credits of {account_id} do not add up: {ledger}")
