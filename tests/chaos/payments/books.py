"""Reconciliation as it is run: what the providers list against what the read models would hold."""

from __future__ import annotations

from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, TypeVar

from events.ids import AccountId
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.recorded import Recorded
from events.stripe_payments import PURPOSE
from gateway.money.mending import Mending
from projections.audit import stars, stripe
from projections.audit.comparing import compare
from projections.audit.reconciling import Compared, Outcome
from projections.audit.rows import Entry, Row
from tests.chaos.payments.gateways import MASTER, Database, Gateway, Log
from tests.chaos.payments.liars import Payers
from tests.chaos.payments.providers import Till

T = TypeVar("T")
_HORIZON_MS = 253_402_300_799_000


def reconciled(payers: Payers, facts: list[Recorded]) -> Outcome:
    """Where the providers and the log differ."""
    shop: Any = payers.till
    bot: Any = payers.stars
    entries = _entries(facts)
    compared: list[Compared] = []
    rows: dict[tuple[str, str], Row] = {}
    for said in (
        finished(stars.ask(bot, lambda _: None)),
        finished(stripe.ask(shop, [MASTER.subkey(PURPOSE)], 0, lambda _: None)),
    ):
        known = entries.get(said.provider, [])
        differences = tuple(compare(said, known, _HORIZON_MS))
        compared.append(
            Compared(
                provider=said.provider,
                payments=0,
                refunds=0,
                purchases=len(known),
                others=said.others,
                differences=differences,
            )
        )
        rows |= {(row.purchase_id, row.step): row for row in said.rows}
    return Outcome(tuple(compared), rows)


def mend(outcome: Outcome, database: Database, log: Log, till: Till) -> int:
    """Append what is missing, as `pixelpop audit reconcile --append-missing` does; how much was."""
    database.project(1_000_000)
    gateway = Gateway(till, database, log)
    parts: Any = SimpleNamespace(log=log, payments_told=database)
    mending = Mending.__new__(Mending)  # over these parts instead of a database
    mending._hands = gateway.hands
    mending._parts = parts
    mending._stripe = gateway.telling
    return finished(mending.mend(outcome))


def finished(work: Coroutine[Any, Any, T]) -> T:
    """Run what waits for nothing real to its end."""
    while True:
        try:
            work.send(None)
        except StopIteration as ended:
            result: T = ended.value
            return result


def _entries(facts: list[Recorded]) -> dict[str, list[Entry]]:
    """The purchases of the read models: the first of its id, and whether it is refunded."""
    refunded = {
        one.event.purchase_id: one.appended_at_ms
        for one in reversed(facts)
        if isinstance(one.event, PurchaseRefunded)
    }
    found: dict[tuple[AccountId, str], Entry] = {}
    for one in facts:
        event = one.event
        if isinstance(event, CreditsPurchased):
            entry = Entry(
                purchase_id=event.purchase_id,
                account_id=event.account_id,
                provider=event.provider,
                amount=event.amount,
                currency=event.currency,
                purchased_at_ms=one.appended_at_ms,
                refunded_at_ms=refunded.get(event.purchase_id),
            )
            found.setdefault((event.account_id, event.purchase_id), entry)
    by_provider: dict[str, list[Entry]] = {}
    for entry in found.values():
        by_provider.setdefault(entry.provider, []).append(entry)
    return by_provider
