"""An independent judge of a run: reads the raw log and shares no code with the fold.

It knows the contract as an auditor would read it: JSON values, SHA-256, and these sentences:

- a decision counts if it names the hash of the account's last counted decision and its key is not
  decided yet; a settlement must also follow from the first result fact before it in the log;
- a request is decided once, a reservation settled once, a purchase granted once;
- what is delivered is captured, what is not is returned.

It works on plain dictionaries and knows only the events that a run without refunds, expiries and
erasures can produce; anything else is reported as unknown.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

ZERO = "0" * 64
RESULTS = {
    "GenerationCompleted.v1": "completed",
    "GenerationFailed.v1": "failed",
    "GenerationCancelled.v1": "cancelled",
}
SILENT = {"GenerationStarted.v1", "ProviderCallUncertain.v1", "UserRegistered.v1"}


@dataclass
class Generation:
    """What the log says about one generation."""

    account_id: str
    request_hash: str
    status: str = "pending"
    reserved: int = 0
    price: int = 0
    captured: int = 0
    reservation_hash: str = ""
    deadline_ms: int = 0
    result: dict[str, Any] | None = None
    result_hash: str = ""
    settled: bool = False
    uncertain_calls: int = 0


@dataclass
class Ledger:
    """One account's credits, by the oracle's own arithmetic."""

    head: str = ZERO
    sequence: int = 0
    available: int = 0
    reserved: int = 0
    spent: int = 0
    granted: int = 0


@dataclass
class Verdict:
    """Everything that the log says, and what is wrong with it."""

    generations: dict[str, Generation] = field(default_factory=dict)
    ledgers: dict[str, Ledger] = field(default_factory=lambda: defaultdict(Ledger))
    grants_due: dict[str, tuple[str, int]] = field(default_factory=dict)
    granted: set[str] = field(default_factory=set)
    voids: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    """Voids that differ from every counted decision: real conflicts, not repeated sends."""
    problems: list[str] = field(default_factory=list)
    events: int = 0
    _counted: set[str] = field(default_factory=set)
    _void_hashes: list[str] = field(default_factory=list)


def judge(records: Iterable[tuple[bytes, bytes, int]]) -> Verdict:
    """Read a whole log: (key, value, append time in ms), each account's records in their order."""
    verdict = Verdict()
    for key, value, appended_at_ms in records:
        event = json.loads(value)
        if event["account_id"].encode() != key:
            verdict.problems.append(f"key {key!r} holds an event of {event['account_id']}")
            continue
        verdict.events += 1
        _take(verdict, event, hashlib.sha256(value).hexdigest(), appended_at_ms)
    verdict.conflicts = sum(one not in verdict._counted for one in verdict._void_hashes)
    _check_end(verdict)
    return verdict


def _take(verdict: Verdict, event: dict[str, Any], value_hash: str, appended_at_ms: int) -> None:
    kind = event["type"]
    if "previous_hash" in event:
        _take_decision(verdict, event, value_hash)
    elif kind == "GenerationRequested.v1":
        near = abs(event["occurred_at_ms"] - appended_at_ms) <= 3_600_000
        if near and event["generation_id"] not in verdict.generations:
            verdict.generations[event["generation_id"]] = Generation(
                event["account_id"], value_hash
            )
    elif kind in RESULTS:
        generation = verdict.generations.get(event["generation_id"])
        awaited = generation is not None and generation.reserved and not generation.settled
        if awaited and generation.result is None:
            generation.result, generation.result_hash = event, value_hash
    elif kind == "CreditsPurchased.v1":
        verdict.grants_due.setdefault(event["purchase_id"], (value_hash, event["credits"]))
    if kind == "UserRegistered.v1" and event["welcome_credits"]:
        verdict.grants_due.setdefault(
            f"welcome of {event['account_id']}", (value_hash, event["welcome_credits"])
        )
    if kind == "ProviderCallUncertain.v1":
        verdict.generations[event["generation_id"]].uncertain_calls += 1


def _take_decision(verdict: Verdict, event: dict[str, Any], value_hash: str) -> None:
    ledger = verdict.ledgers[event["account_id"]]
    reason = _why_void(verdict, ledger, event)
    if reason is not None:
        verdict.voids[reason] += 1
        verdict._void_hashes.append(value_hash)
        return
    verdict._counted.add(value_hash)
    ledger.head, ledger.sequence = value_hash, event["sequence"]
    if sum(moved for _, moved in event["postings"]) != 0:
        verdict.problems.append(f"postings of {value_hash} do not sum to zero")
    _move(verdict, ledger, event, value_hash)
    if min(ledger.available, ledger.reserved) < 0:
        verdict.problems.append(f"{event['account_id']} went below zero at {event['sequence']}")


def _why_void(verdict: Verdict, ledger: Ledger, event: dict[str, Any]) -> str | None:
    if (event["previous_hash"], event["sequence"]) != (ledger.head, ledger.sequence + 1):
        return "other chain"
    kind = event["type"]
    if kind == "CreditsGranted.v1":
        return _why_no_grant(verdict, event)
    generation = verdict.generations.get(event.get("generation_id", ""))
    if generation is None:
        return "nothing to decide"
    if kind in {"CreditsReserved.v1", "GenerationRejected.v1"}:
        fresh = generation.status == "pending" and not generation.reserved
        named = event["cause_hash"] == generation.request_hash
        return None if fresh and named else "decided already, or another request"
    if kind != "CreditsSettled.v1":
        verdict.problems.append(f"the oracle does not know {kind}")
        return "unknown"
    return _why_not_settled(generation, event)


def _why_no_grant(verdict: Verdict, event: dict[str, Any]) -> str | None:
    key = event["source_id"]
    if event["why"] == "welcome":
        key = f"welcome of {event['account_id']}"
    if key in verdict.granted or key not in verdict.grants_due:
        return "nothing to grant"
    due = verdict.grants_due[key]
    return None if (event["cause_hash"], event["credits"]) == due else "other grant"


def _why_not_settled(generation: Generation, event: dict[str, Any]) -> str | None:
    if not generation.reserved or generation.settled:
        return "nothing to settle"
    if generation.result is None:
        timed_out = (
            event["outcome"] == "timed_out"
            and event["decided_at_ms"] == generation.deadline_ms
            and event["cause_hash"] == generation.reservation_hash
            and event["captured"] == 0
        )
        return None if timed_out else "no such result"
    delivered = len(generation.result.get("images", ()))
    expected = (
        generation.result_hash,
        RESULTS[generation.result["type"]],
        delivered * generation.price,
    )
    return (
        None
        if (event["cause_hash"], event["outcome"], event["captured"]) == expected
        else ("contradicts the first result")
    )


def _move(verdict: Verdict, ledger: Ledger, event: dict[str, Any], value_hash: str) -> None:
    kind = event["type"]
    if kind == "CreditsGranted.v1":
        key = event["source_id"]
        if event["why"] == "welcome":
            key = f"welcome of {event['account_id']}"
        verdict.granted.add(key)
        ledger.available += event["credits"]
        ledger.granted += event["credits"]
        return
    generation = verdict.generations[event["generation_id"]]
    if kind == "GenerationRejected.v1":
        generation.status = "rejected"
    elif kind == "CreditsReserved.v1":
        ledger.available -= event["credits"]
        ledger.reserved += event["credits"]
        generation.reserved, generation.price = event["credits"], event["price"]
        generation.deadline_ms, generation.reservation_hash = event["deadline_ms"], value_hash
    else:
        ledger.reserved -= generation.reserved
        ledger.available += event["returned"]
        ledger.spent += event["captured"]
        generation.settled, generation.captured = True, event["captured"]
        names = {"completed": "done", "cancelled": "cancelled"}
        generation.status = names.get(event["outcome"], "failed")
        if event["captured"] + event["returned"] != generation.reserved:
            verdict.problems.append(f"{event['generation_id']} settles other than it reserved")


def _check_end(verdict: Verdict) -> None:
    for key in verdict.grants_due:
        if key not in verdict.granted:
            verdict.problems.append(f"{key} was paid for and not granted")
    for generation_id, generation in verdict.generations.items():
        if generation.status == "pending":
            what = "settled" if generation.reserved else "decided"
            verdict.problems.append(f"{generation_id} was never {what}")
        images = len((generation.result or {}).get("images", ()))
        if generation.status == "done" and generation.captured != images * generation.price:
            verdict.problems.append(f"{generation_id} delivered {images}, captured otherwise")
        if generation.status != "done" and generation.captured:
            verdict.problems.append(f"{generation_id} is {generation.status} and was charged")
    for account_id, ledger in verdict.ledgers.items():
        if ledger.granted != ledger.available + ledger.reserved + ledger.spent:
            verdict.problems.append(f"the credits of {account_id} do not add up: {ledger}")
