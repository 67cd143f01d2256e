"""What a person reads of a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import median

from tests.chaos.bill import totals
from tests.chaos.checks import PAID
from tests.chaos.faults import VICTIMS
from tests.chaos.recovery import Resumed
from tests.chaos.run import Outcome

PROBLEMS_SHOWN_MAX = 30
OK_STATUSES = 400


def summarize(outcome: Outcome) -> str:
    """A compact report: what was done, what was seen, what is wrong."""
    lines = [
        *_load(outcome),
        *_money(outcome),
        *_calls(outcome),
        *_processes(outcome),
    ]
    if not outcome.problems:
        lines.append("verdict    all invariants hold")
    else:
        lines.append(f"verdict    {len(outcome.problems)} PROBLEMS (seed {outcome.seed})")
        lines += [f"  - {one}" for one in outcome.problems[:PROBLEMS_SHOWN_MAX]]
    return "\n".join(lines)


def _load(outcome: Outcome) -> list[str]:
    promises, verdict = outcome.promises, outcome.verdict
    ends = Counter(one.status for one in verdict.generations.values())
    blows = Counter(f"{one.kind} {one.victim}" for one in outcome.faults.done)
    kinds = Counter(one.kind for one in promises.accepted.values())
    answers = ", ".join(f"{status}: {n}" for status, n in sorted(promises.statuses.items()))
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in outcome.seconds.items())
    waits = sorted(
        (one.settled_at_ms - one.requested_at_ms) / 1000
        for one in verdict.generations.values()
        if one.settled
    )
    return [
        f"run        seed {outcome.seed}: {parts}",
        f"faults     {len(outcome.faults.done)}: {_counted(blows)}",
        (
            f"customers  {len(verdict.ledgers)} accounts, {len(promises.wishes)} wishes, "
            f"{promises.repeats} sent again, {len(promises.purchases)} purchases, "
            f"{promises.uploads} photos; accepted: {_counted(kinds)}"
        ),
        f"answers    {answers}; without an answer: {promises.failures.total()}",
        (
            f"log        {verdict.events} events, {len(verdict.generations)} generations: "
            f"{_counted(ends)}"
        ),
        (
            f"settled    p50 {_rank(waits, 0.5):.1f} s, p95 {_rank(waits, 0.95):.1f} s, "
            f"max {_rank(waits, 1):.1f} s after the request"
        ),
    ]


def _money(outcome: Outcome) -> list[str]:
    verdict = outcome.verdict
    ledgers = verdict.ledgers.values()
    delivered = sum(len(one.images) for one in verdict.generations.values())
    return [
        (
            f"credits    granted {sum(one.granted for one in ledgers)} = "
            f"available {sum(one.available for one in ledgers)} + "
            f"reserved {sum(one.reserved for one in ledgers)} + "
            f"spent {sum(one.spent for one in ledgers)}"
        ),
        (
            f"pictures   {delivered} delivered and charged, "
            f"{len(outcome.evidence.objects)} objects stored"
        ),
        (
            f"decisions  {len(verdict.counted)} counted, {verdict.voids.total()} void, of these "
            f"{verdict.conflicts} conflicts; {verdict.repeats} records repeated"
        ),
    ]


def _calls(outcome: Outcome) -> list[str]:
    calls = outcome.evidence.calls
    outcomes = Counter(call.outcome for call in calls)
    paid = Counter(call.generation_id for call in calls if call.outcome in PAID)
    extra = sum(times - 1 for times in paid.values())
    booked = sum(len(one.uncertain_attempts) for one in outcome.verdict.generations.values())
    hit = sum(fault.calls for fault in outcome.faults.done)
    return [
        (
            f"provider   {len(calls)} calls: {_counted(outcomes)}; {hit} hit by a fault, "
            f"{extra} made again, {booked} on the books as uncertain"
        ),
        _costs(outcome),
        _resumption(outcome.resumed),
    ]


def _costs(outcome: Outcome) -> str:
    sums = totals(outcome.verdict, outcome.evidence.calls)
    billed, certain, uncertain = (micros / 1_000_000 for micros in sums)
    return (
        f"costs      {billed:.2f} $ on the provider's bill; on the books {certain:.2f} $ for "
        f"certain and {uncertain:.2f} $ perhaps"
    )


def _resumption(killed: Sequence[Resumed]) -> str:
    gone_on = [one for one in killed if one.undisturbed_seconds is not None]
    if not gone_on:
        return f"resumed    0 of {len(killed)} killed calls"
    clean = [one.undisturbed_seconds or 0.0 for one in gone_on]
    raw = [one.seconds or 0.0 for one in gone_on]
    return (
        f"resumed    {len(gone_on)} of {len(killed)} killed calls: median {median(clean):.1f} s, "
        f"max {max(clean):.1f} s after the kill or a later fault of a server "
        f"(after the kill alone: median {median(raw):.1f} s, max {max(raw):.1f} s)"
    )


def _processes(outcome: Outcome) -> list[str]:
    kills = outcome.faults.kills
    restarts = ", ".join(
        f"{name} {times}" + (f" (killed {kills[name]})" if kills[name] != times else "")
        for name, times in sorted(outcome.restarts.items())
        if times or name in VICTIMS
    )
    memory = ", ".join(f"{name} {size}" for name, size in sorted(outcome.memory_mib.items()))
    return [f"restarts   {restarts}", f"memory     {memory} MiB"]


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{times} {name}" for name, times in counter.most_common())


def _rank(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else 0.0
