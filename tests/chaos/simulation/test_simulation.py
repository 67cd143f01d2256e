"""The simulation in short, and that it can fail: each rule of the protocol, broken, is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from immutables import Map
from msgspec.structs import replace

from events import chain, fold, fold_decisions, fold_facts
from events import snapshot as snapshot_module
from events.chain import Void
from events.credits import CreditsRevoked, CreditsSettled
from events.generations import GenerationRequested
from events.ids import AccountId
from events.purchases import CreditsPurchased
from events.state import Account
from processors.decider.partition import Partition
from tests.chaos.simulation.auditor import BrokenRuleError
from tests.chaos.simulation.deciders import Decider
from tests.chaos.simulation.run import STEPS, Simulation, Summary, shortest, trace

SEEDS = 130
_MUST_HAPPEN = {
    "CreditsExpired erasure",
    "CreditsExpired expiry",
    "CreditsGranted gift",
    "CreditsGranted goodwill",
    "CreditsGranted promotion",
    "CreditsGranted purchase",
    "CreditsGranted purchase with debt",
    "CreditsGranted welcome",
    "CreditsReserved",
    "CreditsRevoked chargeback",
    "CreditsRevoked refund",
    "CreditsRevoked refund with debt",
    "CreditsSettled cancelled",
    "CreditsSettled completed",
    "CreditsSettled completed with debt",
    "CreditsSettled erased",
    "CreditsSettled failed",
    "CreditsSettled timed_out",
    "GenerationRejected account_erased",
    "GenerationRejected batch_in_flight",
    "GenerationRejected insufficient_credits",
    "GenerationRejected prohibited",
    "GenerationRejected rate_limited",
    "GenerationRejected timed_out",
    "GenerationRejected unavailable",
    "GiftRefused account_erased",
    "GiftRefused insufficient_credits",
    "GiftReturned",
    "GiftReturned with debt",
    "GiftSent",
}
_TRIED_SEEDS = 120
"""How many histories a broken rule may take to be found."""


def test_the_protocol_holds() -> None:
    """Over many histories every rule holds, and real conflicts, crashes and timers were met."""
    total = _run_all(SEEDS)
    assert total.conflicts > 5 * SEEDS, total
    assert total.reasons["other_chain"] > SEEDS, total
    assert total.reasons["contradicts_fact"] > 0, total
    assert total.crashes > SEEDS, total
    assert total.snapshots > SEEDS, total
    assert total.decisions > 20 * SEEDS, total
    assert set(total.kinds) >= _MUST_HAPPEN, _MUST_HAPPEN - set(total.kinds)


def test_a_seed_tells_the_same_history_every_time() -> None:
    """A failing seed can be looked at again."""
    first, again = Simulation(7), Simulation(7)
    assert first.run() == again.run()
    assert first.broker.log == again.broker.log


def _run_all(seeds: int) -> Summary:
    total = Summary()
    for seed in range(seeds):
        total = total.plus(Simulation(seed).run())
    return total


Break = Callable[[pytest.MonkeyPatch], None]


def _deadline_beats_picture(patch: pytest.MonkeyPatch) -> None:
    judge: Any = chain._RULES[CreditsSettled]

    def ignoring_the_outcome(account: Account, event: CreditsSettled) -> Void | None:
        entry: Any = account.open.get(event.generation_id)
        if event.outcome == "timed_out" and getattr(entry, "outcome", None) is not None:
            blind = replace(entry, outcome=None)
            account = replace(account, open={**account.open, event.generation_id: blind})
        found: Void | None = judge(account, event)
        return found

    patch.setitem(chain._RULES, CreditsSettled, ignoring_the_outcome)


def _snapshot_of_speculation(patch: pytest.MonkeyPatch) -> None:
    def speculation(self: Decider) -> dict[AccountId, Account]:
        ahead = {key: overlay.state for key, overlay in self.partition._overlays.items()}
        return {**self.partition.accounts, **ahead}

    patch.setattr(Decider, "confirmed", speculation)


def _overlay_never_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Partition, "drop_overlay", lambda _self, _account_id: None)


def _any_chain_counts(patch: pytest.MonkeyPatch) -> None:
    def judge(account: Account, event: Any) -> Void | None:
        return chain._RULES[type(event)](account, event)

    patch.setattr(fold, "judge", judge)


def _closed_keys_forgotten(patch: pytest.MonkeyPatch) -> None:
    def requested(account: Account, recorded: Any, event: GenerationRequested) -> Account:
        forgetful = replace(account, closed=Map(), closed_earlier=Map())
        after = fold_facts.requested(forgetful, recorded, event)
        if after is forgetful:
            return account
        return replace(after, closed=account.closed, closed_earlier=account.closed_earlier)

    patch.setitem(fold._FACTS, GenerationRequested, requested)


def _purchases_not_deduplicated(patch: pytest.MonkeyPatch) -> None:
    def purchased(account: Account, recorded: Any, event: CreditsPurchased) -> Account:
        others = {key: one for key, one in account.sources.items() if key != event.purchase_id}
        return fold_facts.purchased(replace(account, sources=others), recorded, event)

    patch.setitem(fold._FACTS, CreditsPurchased, purchased)


def _last_result_wins(patch: pytest.MonkeyPatch) -> None:
    result: Any = fold_facts._result

    def overwriting(account: Account, recorded: Any, key: str, kind: str, count: int) -> Account:
        entry: Any = account.open.get(key)
        if getattr(entry, "outcome", None) is not None:
            account = replace(account, open={**account.open, key: replace(entry, outcome=None)})
        after: Account = result(account, recorded, key, kind, count)
        return after

    patch.setattr(fold_facts, "_result", overwriting)


def _frozen_accounts_inherited(patch: pytest.MonkeyPatch) -> None:
    known = snapshot_module.vocabulary()
    patch.setattr(snapshot_module, "vocabulary", lambda: known)
    plain = Decider.snapshot

    def of_today(self: Decider) -> bytes | None:
        version, self.version = self.version, replace(self.version, name="today")
        try:
            return plain(self)
        finally:
            self.version = version

    patch.setattr(Decider, "snapshot", of_today)


def _refunds_leave_no_debt(patch: pytest.MonkeyPatch) -> None:
    def revoked(account: Account, recorded: Any, event: CreditsRevoked) -> Account:
        after = fold_decisions.revoked(account, recorded, event)
        return replace(after, debt=account.debt)

    patch.setitem(fold._DECISIONS, CreditsRevoked, revoked)


def _kinds_cost_the_same(patch: pytest.MonkeyPatch) -> None:
    pending_of = fold_facts.pending_of

    def pending(recorded: Any, event: GenerationRequested, value: bytes) -> Any:
        return replace(pending_of(recorded, event, value), kind="image")

    patch.setattr(fold_facts, "pending_of", pending)


@pytest.mark.parametrize(
    "break_rule",
    [
        _deadline_beats_picture,
        _snapshot_of_speculation,
        _overlay_never_dropped,
        _any_chain_counts,
        _closed_keys_forgotten,
        _purchases_not_deduplicated,
        _last_result_wins,
        _frozen_accounts_inherited,
        _refunds_leave_no_debt,
        _kinds_cost_the_same,
    ],
)
def test_a_broken_rule_is_caught(break_rule: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one rule broken, some history fails: the simulation is able to."""
    break_rule(monkeypatch)
    with pytest.raises((AssertionError, KeyError)):
        _run_all(_TRIED_SEEDS)


def test_a_failure_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortest failing history and the trace of the account it concerns are at hand."""
    _refunds_leave_no_debt(monkeypatch)
    for seed in range(_TRIED_SEEDS):
        simulation = Simulation(seed)
        try:
            simulation.run()
        except BrokenRuleError as error:
            lines = trace(simulation.auditor, error.account_id)
            assert any("CreditsRevoked" in line for line in lines)
            assert len(lines) < len(simulation.auditor.notes) + 1
            assert shortest(seed) <= STEPS
            return
    pytest.fail("no history failed")
