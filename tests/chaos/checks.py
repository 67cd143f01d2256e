"""What must hold at the end of a run: the oracle's verdict against everything else.

Each check returns problems as sentences that name the offending ids; none is a problem-free run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from tests.chaos.bill import check_bill, check_costs
from tests.chaos.books import Verdict
from tests.chaos.evidence import Call, Evidence, Row
from tests.chaos.faults import SERVERS, WORKERS, Fault
from tests.chaos.load import Promises

Key = TypeVar("Key", bound=Hashable)

PAID = {"answered", "uncertain", "aborted", "taken"}
"""Outcomes of a call that may be on the provider's bill."""
CALLS_MAX = 2
STORING_SECONDS_MAX = 5.0
"""Between the provider's answer and the claim's word that the pictures are stored."""
ARRIVAL_SECONDS_MAX = 1.0
"""A request may be on its way, or wait to be read, when the one who sent it is killed."""
NOBODY_PAYS = {"rejected", "cancelled", "pending"}


def check_all(
    verdict: Verdict, promises: Promises, evidence: Evidence, faults: list[Fault]
) -> list[str]:
    """Every problem that there is."""
    return [
        *verdict.problems,
        *promises.problems,
        *check_promises(verdict, promises),
        *check_keys(verdict, promises),
        *check_pictures(verdict, evidence),
        *check_objects(verdict, evidence),
        *check_counts(verdict, promises, evidence.calls, faults),
        *check_calls(verdict, promises, evidence.calls, faults),
        *check_bill(verdict, evidence.calls),
        *check_costs(verdict, evidence.tables["provider_costs"]),
        *check_credits(verdict, evidence),
        *check_tables(verdict, evidence),
        *check_api(verdict, promises, evidence),
    ]


def check_promises(verdict: Verdict, promises: Promises) -> Iterator[str]:
    """No accepted request or purchase is lost, and none is called other than it is."""
    for generation_id in promises.accepted:
        if generation_id not in verdict.generations:
            yield f"{generation_id} was accepted and is not in the log"
    for generation_id in promises.refused:
        status = verdict.generations[generation_id].status
        if status != "rejected":
            yield f"{generation_id} was called refused and is {status}"
    for purchase_id in promises.purchases:
        if purchase_id not in verdict.granted:
            yield f"purchase {purchase_id} was confirmed and not granted"


def check_keys(verdict: Verdict, promises: Promises) -> Iterator[str]:
    """A repeated key never made a second generation or purchase."""
    asked = Counter(wish.account_id for wish in promises.wishes)
    made = Counter(one.account_id for one in verdict.generations.values())
    for account_id, count in made.items():
        if count > asked[account_id]:
            yield f"{account_id} asked {asked[account_id]} times and has {count} generations"
    bought = {key for key in verdict.due if not key.startswith("welcome of ")}
    for purchase_id in bought - promises.purchases.keys():
        yield f"purchase {purchase_id} is in the log and nobody was told"


def check_pictures(verdict: Verdict, evidence: Evidence) -> Iterator[str]:
    """Every delivered picture is stored as its event says and was drawn by the provider."""
    drawn = {sha256 for call in evidence.calls for sha256 in call.sha256}
    for generation_id, generation in verdict.generations.items():
        for image in generation.images:
            key = image["object_key"]
            stored = evidence.objects.get(key)
            if stored is None:
                yield f"{key} was paid for and is not stored"
            elif stored != image["sha256"]:
                yield f"{key} is not what the event of {generation_id} says"
            elif evidence.bare.get(key, stored) not in drawn:
                yield f"{key} was never drawn by the provider"


def check_objects(verdict: Verdict, evidence: Evidence) -> Iterator[str]:
    """Every stored object was charged for, once."""
    named = Counter(
        key
        for generation in verdict.generations.values()
        for image in generation.images
        for key in (
            image["object_key"],
            image["preview_key"],
            *(one["object_key"] for one in image.get("previews", ())),
        )
    )
    for key, times in named.items():
        if times > 1:
            yield f"{key} was charged {times} times"
        if key not in evidence.objects:
            yield f"{key} is missing"
    for key in evidence.objects.keys() - named.keys():
        yield f"{key} is stored and nobody was charged for it"


def check_counts(
    verdict: Verdict, promises: Promises, calls: Iterable[Call], faults: list[Fault]
) -> Iterator[str]:
    """Nobody gets fewer pictures than asked for only because a worker was killed."""
    made: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.began):
        made[call.generation_id].append(call)
    for generation_id, wish in promises.accepted.items():
        generation = verdict.generations.get(generation_id)
        if generation is None or generation.status != "done":
            continue
        calls_made = made[generation_id]
        if len(generation.images) < wish.count and not _may_be_fewer(calls_made, faults):
            yield (
                f"{generation_id} has {len(generation.images)} of {wish.count} pictures, and the "
                f"provider would have made the others"
            )


def _may_be_fewer(made: list[Call], faults: list[Fault]) -> bool:
    """An answer was short, the call for the rest brought nothing, or was lost as the second."""
    if any(call.outcome == "answered" and len(call.sha256) < call.count for call in made):
        return True
    paid = [call for call in made if call.outcome in PAID]
    last_lost = len(paid) >= CALLS_MAX and explained(paid[-1], faults)
    return last_lost or (bool(made) and made[-1].outcome != "answered")


def check_calls(
    verdict: Verdict, promises: Promises, calls: Iterable[Call], faults: list[Fault]
) -> Iterator[str]:
    """At most one extra call per killed call, and each is on the books."""
    paid: dict[str, list[Call]] = defaultdict(list)
    for call in sorted(calls, key=lambda call: call.began):
        if call.outcome in PAID:
            paid[call.generation_id].append(call)
    for generation_id, made in paid.items():
        generation = verdict.generations.get(generation_id)
        is_owed = generation_id in promises.accepted
        if generation is None or generation.status in NOBODY_PAYS or not is_owed:
            yield f"the provider was paid for {generation_id}, which nobody was promised"
            continue
        booked = len(generation.uncertain_attempts)
        if len(made) > min(1 + booked, CALLS_MAX):
            yield f"{generation_id} was called {len(made)} times, {booked} booked as uncertain"
        if not all(explained(call, faults) for call in made[:-1]):
            yield f"{generation_id} was called again although nothing had happened to its call"
    for generation_id in promises.accepted:
        one = verdict.generations.get(generation_id)
        if one is not None and one.status == "done" and generation_id not in paid:
            yield f"{generation_id} is done and the provider was not called"


def explained(call: Call, faults: list[Fault]) -> bool:
    """Whether the worker that made this call may not have lived to report it."""
    if call.outcome in {"aborted", "uncertain"}:
        return True
    return any(
        fault.victim in {*WORKERS, *SERVERS}
        and fault.began <= call.ended + STORING_SECONDS_MAX
        and fault.ended + ARRIVAL_SECONDS_MAX >= call.began
        for fault in faults
    )


def check_credits(verdict: Verdict, evidence: Evidence) -> Iterator[str]:
    """GET /credits says what the oracle's arithmetic says."""
    for account_id, told in evidence.credits.items():
        ledger = verdict.ledgers[account_id]
        expected = {
            "available": ledger.available,
            "reserved": ledger.reserved,
            "granted": ledger.granted,
            "spent": ledger.spent,
            "debt": 0,
            "expired": 0,
        }
        differs = {name: told.get(name) for name in expected if told.get(name) != expected[name]}
        if differs:
            yield f"GET /credits of {account_id} says {differs}, the log says {expected}"


def check_tables(verdict: Verdict, evidence: Evidence) -> Iterator[str]:
    """The read models hold the oracle's state, all of it and nothing else."""
    generations = {
        (one.account_id, generation_id): (one.status, one.reserved, one.captured, one.returned)
        for generation_id, one in verdict.generations.items()
    }
    yield from _differences(
        "read.generations",
        generations,
        {
            (row["account_id"], row["generation_id"]): (
                row["status"],
                row["credits_reserved"] or 0,
                row["credits_captured"] or 0,
                row["credits_returned"] or 0,
            )
            for row in evidence.tables["generations"]
        },
    )
    images = {
        (one.account_id, image["image_id"]): (generation_id, image["object_key"])
        for generation_id, one in verdict.generations.items()
        for image in one.images
    }
    yield from _differences(
        "read.images",
        images,
        {
            (row["account_id"], row["image_id"]): (row["generation_id"], row["object_key"])
            for row in evidence.tables["images"]
        },
    )
    yield from _check_money_tables(verdict, evidence.tables)


def _check_money_tables(verdict: Verdict, tables: dict[str, list[Row]]) -> Iterator[str]:
    balances = {
        account_id: (one.available, one.reserved, one.granted, one.spent, 0, 0, None)
        for account_id, one in verdict.ledgers.items()
    }
    names = ("available", "reserved", "granted", "spent", "debt", "expired", "frozen")
    told = {
        row["account_id"]: tuple(row[name] for name in names) for row in tables["credit_accounts"]
    }
    idle = {one for one in told if one not in balances and not any(told[one])}
    yield from _differences(
        "read.credit_accounts", balances, {one: told[one] for one in told if one not in idle}
    )
    left = {
        (account_id, grant_id): available
        for account_id, ledger in verdict.ledgers.items()
        for grant_id, available in ledger.grants.items()
    }
    shown = {(row["account_id"], row["grant_id"]): row["available"] for row in tables["grants"]}
    yield from _differences("read.grants", left, shown)
    hashes = {row["value_hash"] for row in tables["ledger"]}
    if hashes != verdict.counted or len(tables["ledger"]) != len(hashes):
        yield (
            f"read.ledger has {len(tables['ledger'])} lines for {len(verdict.counted)} decisions; "
            f"missing {sorted(verdict.counted - hashes)[:3]}, "
            f"foreign {sorted(hashes - verdict.counted)[:3]}"
        )
    bought = {row["purchase_id"] for row in tables["purchases"] if row["granted_at_ms"]}
    paid = {key for key in verdict.granted if not key.startswith("welcome of ")}
    if bought != paid:
        yield f"read.purchases differs from the log by {sorted(bought ^ paid)[:3]}"


def _differences(
    table: str, expected: Mapping[Key, object], told: Mapping[Key, object]
) -> Iterator[str]:
    for key in expected.keys() | told.keys():
        if expected.get(key) != told.get(key):
            yield f"{table} has {told.get(key)} for {key}, the log says {expected.get(key)}"


def check_api(verdict: Verdict, promises: Promises, evidence: Evidence) -> Iterator[str]:
    """GET /generations/{id} tells its owner what the log says."""
    yield from (f"the API did not answer at rest: {error}" for error in evidence.unanswered)
    for generation_id in promises.accepted:
        generation = verdict.generations.get(generation_id)
        told = evidence.generations.get(generation_id)
        if generation is None or told is None:
            yield f"{generation_id}: nobody could be asked about it"
            continue
        said = (told.get("status"), len(told.get("images", ())))
        if said != (generation.status, len(generation.images)):
            yield f"GET /generations/{generation_id} says {said}, the log says {generation.status}"
