"""Provider and ledger differ just where something was planted, each once."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ids import derive
from projections.audit.comparing import compare
from projections.audit.rows import (
    AMOUNT_DIFFERS,
    CHARGED_BACK,
    DUPLICATE,
    MISSING_PURCHASE,
    MISSING_REFUND,
    NOT_OFFERED,
    UNKNOWN_PURCHASE,
    UNKNOWN_REFUND,
    Entry,
    Row,
    Said,
)

NOW, AFTER = 1_000_000, 2_000_000
"""What is missed, and what is too young to be."""


def row(name: str, step: Any = "purchase", **more: Any) -> Row:
    about = {"provider": "stars", "amount": 50, "currency": "XTR", "at_ms": NOW, "reference": name}
    return Row(purchase_id=derive("p", name), step=step, **(about | more))


def entry(name: str, **more: Any) -> Entry:
    about: dict[str, Any] = {
        "account_id": derive("a", name),
        "provider": "stars",
        "amount": 50,
        "currency": "XTR",
        "purchased_at_ms": NOW,
    }
    return Entry(purchase_id=derive("p", name), **(about | more))


def differences(rows: list[Row], ledger: list[Entry], **said: Any) -> list[str]:
    found = compare(Said(provider="stars", rows=rows, **said), ledger, NOW)
    return [one.kind for one in found]


@pytest.mark.parametrize(
    ("rows", "ledger", "kinds"),
    [
        ([row("a")], [entry("a")], []),
        ([row("a")], [], [MISSING_PURCHASE]),
        ([row("a", at_ms=AFTER)], [], []),
        ([row("a", proved=False)], [], [NOT_OFFERED]),
        ([row("a", proved=False)], [entry("a")], []),
        ([row("a", proved=False), row("a", "refund", proved=False)], [], [NOT_OFFERED]),
        ([row("a"), row("a")], [entry("a")], [DUPLICATE]),
        ([row("a"), row("a")], [], [DUPLICATE, MISSING_PURCHASE]),
        ([row("a")], [entry("a"), entry("a", account_id=derive("b"))], [DUPLICATE]),
        ([row("a", amount=51)], [entry("a")], [AMOUNT_DIFFERS]),
        ([row("a", currency="USD")], [entry("a")], [AMOUNT_DIFFERS]),
        ([row("a"), row("a", "refund")], [entry("a", refunded_at_ms=NOW)], []),
        ([row("a"), row("a", "refund")], [entry("a")], [MISSING_REFUND]),
        ([row("a"), row("a", "refund", kind=CHARGED_BACK)], [entry("a")], [CHARGED_BACK]),
        ([row("a"), row("a", "refund", at_ms=AFTER)], [entry("a")], []),
        ([row("a")], [entry("a", refunded_at_ms=NOW)], [UNKNOWN_REFUND]),
        ([row("a")], [entry("a", refunded_at_ms=AFTER)], []),
        ([], [entry("a")], [UNKNOWN_PURCHASE]),
        ([], [entry("a", refunded_at_ms=NOW)], [UNKNOWN_PURCHASE]),
        ([], [entry("a", purchased_at_ms=AFTER)], []),
    ],
)
def test_kinds(rows: list[Row], ledger: list[Entry], kinds: list[str]) -> None:
    """Each way to differ has its name, and what is young is not missed."""
    assert differences(rows, ledger) == kinds


def test_before_the_time_asked_for() -> None:
    """What the ledger has of before the provider was asked about is not unknown."""
    assert differences([], [entry("a")], since_ms=NOW) == []


PLANTS = {
    "lost": MISSING_PURCHASE,
    "lost_refund": MISSING_REFUND,
    "charged_back": CHARGED_BACK,
    "invented": UNKNOWN_PURCHASE,
    "invented_refund": UNKNOWN_REFUND,
    "twice": DUPLICATE,
    "other_amount": AMOUNT_DIFFERS,
}


@given(st.lists(st.sampled_from([*PLANTS, "right", "right_refund"]), max_size=60), st.randoms())
def test_finds_exactly_what_was_planted(plants: list[str], rng: random.Random) -> None:
    """Among any number of right payments, in any order, exactly the planted differences."""
    rows, ledger, planted = [], [], []
    for number, plant in enumerate(plants):
        name = str(number)
        refund = plant in {"lost_refund", "charged_back", "right_refund"}
        kind = CHARGED_BACK if plant == "charged_back" else MISSING_REFUND
        if plant != "invented":
            rows.append(row(name, amount=51 if plant == "other_amount" else 50))
        if plant == "twice":
            rows.append(row(name))
        if refund:
            rows.append(row(name, "refund", kind=kind))
        if plant != "lost":
            refunded = NOW if plant in {"right_refund", "invented_refund"} else None
            ledger.append(entry(name, refunded_at_ms=refunded))
        if plant in PLANTS:
            planted.append((derive("p", name), PLANTS[plant]))
    rng.shuffle(rows)
    rng.shuffle(ledger)
    found = compare(Said(provider="stars", rows=rows), ledger, NOW)
    assert sorted((one.purchase_id, one.kind) for one in found) == sorted(planted)
