"""The oracle itself: honest histories pass, and no tampered one does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import given as story
from tests.chaos.books import Logged, Verdict
from tests.chaos.oracle import judge
from tests.given import SECOND, Story, asks, bought, cancels, fails, finished, given, signed_up

MANY = 500


def honest() -> list[Logged]:
    """What a decider makes of a day with a purchase and every kind of ending."""
    told: Story = given(signed_up(credits=5)).when(bought("pack", 10))
    for number, ending in enumerate((2, 1, "fail", "cancel", "late", "broke")):
        name = f"wish {number}"
        at_ms = (number + 1) * 20 * SECOND
        count = MANY if ending == "broke" else 2
        told.when(asks(name, count, model="gpt-image").after(at_ms))
        if isinstance(ending, int):
            told.when(finished(name, ending, failed=2 - ending).after(at_ms + SECOND))
        elif ending == "fail":
            told.when(fails(name).after(at_ms + SECOND))
        elif ending == "cancel":
            told.when(cancels(name).after(at_ms + SECOND))
    told.when(story.at(40 * story.MINUTE))  # the late one's deadline passes
    return [
        Logged(one.event.account_id.encode(), one.value, one.appended_at_ms) for one in told.log
    ]


def kinds(log: list[Logged]) -> list[str]:
    return [json.loads(one.value)["type"] for one in log]


def where(log: list[Logged], kind: str, **fields: Any) -> int:
    """The place of the first event of a kind with these fields."""
    for place, one in enumerate(log):
        event = json.loads(one.value)
        if event["type"] == kind and fields.items() <= event.items():
            return place
    raise LookupError(kind)


def changed(log: list[Logged], place: int, **fields: Any) -> list[Logged]:
    """The log with one event told differently, and every later decision chained on to it anew."""
    return rechained(
        [
            one._replace(value=json.dumps({**json.loads(one.value), **fields}).encode())
            if number == place
            else one
            for number, one in enumerate(log)
        ]
    )


def without(log: list[Logged], place: int) -> list[Logged]:
    return rechained([one for number, one in enumerate(log) if number != place])


def rechained(log: list[Logged]) -> list[Logged]:
    """What a forger would do who knows the chain rule: every link fits again."""
    head, sequence, out = "0" * 64, 0, list[Logged]()
    renamed: dict[str, str] = {}
    for one in log:
        event = json.loads(one.value)
        value = one.value
        if event.get("cause_hash") in renamed:
            event["cause_hash"] = renamed[event["cause_hash"]]
        if "previous_hash" in event:
            sequence += 1
            event |= {"previous_hash": head, "sequence": sequence}
            value = json.dumps(event).encode()
            head = hashlib.sha256(value).hexdigest()
            renamed[hashlib.sha256(one.value).hexdigest()] = head
        out.append(one._replace(value=value))
    return out


def test_an_honest_history_has_no_problem() -> None:
    """A log that a correct decider wrote passes, with every generation's end as it was."""
    verdict = judge(honest())
    assert verdict.problems == []
    assert verdict.open == []
    ends = [one.status for one in verdict.generations.values()]
    assert ends == ["done", "done", "failed", "cancelled", "failed", "rejected"]
    (ledger,) = verdict.ledgers.values()
    assert (ledger.granted, ledger.spent, ledger.available, ledger.reserved) == (15, 6, 9, 0)


def test_the_forger_s_chain_alone_is_no_problem() -> None:
    """Chaining anew without telling anything differently passes: the tests below test more."""
    assert judge(rechained(honest())).problems == []


def lost_decision(log: list[Logged]) -> list[Logged]:
    return without(log, where(log, "CreditsReserved.v1"))


def lost_settlement(log: list[Logged]) -> list[Logged]:
    return without(log, where(log, "CreditsSettled.v1"))


def lost_grant(log: list[Logged]) -> list[Logged]:
    return without(log, where(log, "CreditsGranted.v1", why="purchase"))


def double_settlement(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsSettled.v1")
    return rechained([*log, log[place]])


def double_grant(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsGranted.v1", why="welcome")
    return rechained([*log, log[place]])


def double_admission(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsReserved.v1")
    return rechained([*log[: place + 1], log[place], *log[place + 1 :]])


def wrong_price(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsReserved.v1")
    return changed(log, place, price=1)


def wrong_reservation(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsReserved.v1")
    postings = [["user:available", -2], ["user:reserved", 2]]
    return changed(log, place, credits=2, postings=postings)


def free_picture(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsSettled.v1", outcome="completed")
    event = json.loads(log[place].value)
    back = event["captured"] + event["returned"]
    postings = [["user:reserved", -back], ["user:available", back]]
    draws = json.loads(log[where(log, "CreditsReserved.v1")].value)["draws"]
    return changed(log, place, captured=0, returned=back, postings=postings, returns=draws)


def charged_for_nothing(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsSettled.v1", outcome="failed")
    event = json.loads(log[place].value)
    all_of_it = event["captured"] + event["returned"]
    postings = [["user:reserved", -all_of_it], ["pixelpop:earned", all_of_it]]
    return changed(log, place, captured=all_of_it, returned=0, postings=postings, returns=[])


def postings_that_lie(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsReserved.v1")
    return changed(log, place, postings=[["user:available", -1], ["user:reserved", 1]])


def grant_too_large(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsGranted.v1", why="purchase")
    postings = [["world:stars", -20], ["user:available", 20]]
    return changed(log, place, credits=20, postings=postings)


def welcomed_with_more(log: list[Logged]) -> list[Logged]:
    return changed(log, where(log, "UserRegistered.v1"), welcome_credits=500)


def refused_although_rich(log: list[Logged]) -> list[Logged]:
    place = where(log, "CreditsReserved.v1")
    event = json.loads(log[place].value)
    refusal = {
        "type": "GenerationRejected.v1",
        "reason": "insufficient_credits",
        "postings": [],
        **{key: event[key] for key in ("account_id", "generation_id", "sequence")},
        **{key: event[key] for key in ("previous_hash", "cause_hash", "decided_at_ms")},
    }
    settled = where(log, "CreditsSettled.v1", generation_id=event["generation_id"])
    told = [*log]
    told[place] = told[place]._replace(value=json.dumps(refusal).encode())
    return rechained([one for number, one in enumerate(told) if number != settled])


def one_byte(log: list[Logged]) -> list[Logged]:
    """Not chained anew: somebody changed a stored byte."""
    place = where(log, "CreditsReserved.v1")
    value = log[place].value.replace(b'"bucket_tokens_ms":', b'"bucket_tokens_ms": ')
    assert value != log[place].value
    return [*log[:place], log[place]._replace(value=value), *log[place + 1 :]]


def one_byte_of_a_cause(log: list[Logged]) -> list[Logged]:
    place = where(log, "GenerationCompleted.v1")
    value = log[place].value.replace(b'"size_bytes":4', b'"size_bytes":5')
    assert value != log[place].value
    return [*log[:place], log[place]._replace(value=value), *log[place + 1 :]]


def cut_off(log: list[Logged]) -> list[Logged]:
    return log[: where(log, "CreditsSettled.v1")]


def other_key(log: list[Logged]) -> list[Logged]:
    return [log[0]._replace(key=b"0b000000-0000-4000-8000-000000000001"), *log[1:]]


def stranger(log: list[Logged]) -> list[Logged]:
    account = json.loads(log[0].value)["account_id"]
    value = json.dumps({"type": "CreditsPrinted.v1", "account_id": account}).encode()
    return [*log, log[0]._replace(value=value)]


def no_json(log: list[Logged]) -> list[Logged]:
    return [*log, log[0]._replace(value=b"\xff{")]


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (lost_decision, "never decided"),
        (lost_settlement, "never settled"),
        (lost_grant, "paid for and not granted"),
        (double_settlement, "settles what is settled already"),
        (double_grant, "grants what is granted already"),
        (double_admission, "decides a request twice"),
        (wrong_price, "reserves a wrong amount"),
        (wrong_reservation, "reserves a wrong amount"),
        (free_picture, "settles other than the first result says"),
        (charged_for_nothing, "settles other than the first result says"),
        (postings_that_lie, "do not add up"),
        (grant_too_large, "grants other than was paid for"),
        (welcomed_with_more, "an odd welcome"),
        (refused_although_rich, "refuses who can pay"),
        (one_byte, "never settled"),
        (one_byte_of_a_cause, "never settled"),
        (cut_off, "never settled"),
        (other_key, "holds an event of"),
        (stranger, "does not know"),
        (no_json, "cannot be judged"),
    ],
)
def test_a_tampered_history_is_found_out(
    tamper: Callable[[list[Logged]], list[Logged]], named: str
) -> None:
    """Whatever was left out, done twice, or told otherwise, the oracle says what it is."""
    problems = judge(tamper(honest())).problems
    assert any(named in problem for problem in problems), problems


def test_a_repeated_send_is_no_conflict() -> None:
    """The same bytes twice are void and counted as a repeat; nothing is wrong with that."""
    log = honest()
    place = where(log, "CreditsSettled.v1")
    verdict: Verdict = judge([*log, log[place]])
    assert verdict.problems == []
    assert (verdict.voids.total(), verdict.conflicts, verdict.repeats) == (1, 0, 1)


def test_a_second_decider_s_void_is_a_conflict() -> None:
    """A decision on an old head that differs from what counted is void, and a real conflict."""
    log = honest()
    place = where(log, "CreditsReserved.v1")
    event = {**json.loads(log[place].value), "bucket_tokens_ms": 1}
    rival = log[place]._replace(value=json.dumps(event).encode())
    verdict = judge([*log[: place + 1], rival, *log[place + 1 :]])
    assert verdict.problems == []
    assert (verdict.voids.total(), verdict.conflicts) == (1, 1)


def test_a_timeout_that_met_a_finished_picture_is_void() -> None:
    """A settlement for lateness that continues the chain behind a result is void, no defect."""
    log = honest()
    reserved = where(log, "CreditsReserved.v1")
    settled = where(log, "CreditsSettled.v1", outcome="completed")
    reservation, event = (json.loads(log[place].value) for place in (reserved, settled))
    rival = {
        **event,
        "outcome": "timed_out",
        "captured": 0,
        "returned": reservation["credits"],
        "cause_hash": hashlib.sha256(log[reserved].value).hexdigest(),
        "decided_at_ms": reservation["deadline_ms"],
    }
    late = log[settled]._replace(value=json.dumps(rival).encode())
    verdict = judge([*log[:settled], late, *log[settled:]])
    assert verdict.problems == []
    assert (verdict.voids.total(), verdict.conflicts) == (1, 1)
