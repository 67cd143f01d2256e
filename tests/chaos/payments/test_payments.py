"""Histories of payments in short, and that they can fail: each rule, broken, is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from events import fold, fold_decisions, fold_facts, stripe_payments
from events.credits import CreditsRevoked
from events.purchases import CreditsPurchased
from events.state import Account
from gateway.money import told as told_module
from gateway.money.mending import Mending
from gateway.money.stripe_telling import StripeTelling
from gateway.telegram import payments as stars
from projections.audit import comparing
from projections.audit import rows as audit
from tests.chaos.payments import books, gateways
from tests.chaos.payments.gateways import Database
from tests.chaos.payments.history import History, Met

SEEDS = 40
TRIED_SEEDS = 60
"""How many histories a broken rule may take to be found."""
MUST_BE_PLANTED = {
    audit.AMOUNT_DIFFERS,
    audit.CHARGED_BACK,
    audit.DUPLICATE,
    audit.FOREIGN,
    audit.MISSING_PURCHASE,
    audit.MISSING_REFUND,
    audit.NOT_OFFERED,
    audit.UNKNOWN_PURCHASE,
    audit.UNKNOWN_REFUND,
    stripe_payments.PARTLY_RETURNED,
}


def _run_all(seeds: int) -> Met:
    total = Met()
    for seed in range(seeds):
        total = total.plus(History(seed).told())
    return total


def test_payments_hold() -> None:
    """Told 1 to 5 times in any order, while gateways and deciders die: one credit for each payment
    that was told, debts right, double entry zero, and reconciliation finds what was planted alone.
    """
    met = _run_all(SEEDS)
    assert met.payments > 5 * SEEDS, met
    assert met.deliveries > 2 * met.payments, met
    assert met.failed > SEEDS, met
    assert met.kills > SEEDS, met
    assert met.repeats > SEEDS, met
    assert met.findings > SEEDS, met
    assert met.debts > SEEDS / 4, met
    assert met.owing > 0, met
    assert set(met.planted) == MUST_BE_PLANTED, met


def test_a_seed_tells_the_same_history_every_time() -> None:
    """A failing seed can be looked at again."""
    first, again = History(11), History(11)
    assert first.told() == again.told()
    assert [one.key for one in first.broker.log] == [one.key for one in again.broker.log]


Break = Callable[[pytest.MonkeyPatch], None]


def _purchases_not_deduplicated(patch: pytest.MonkeyPatch) -> None:
    def purchased(account: Account, recorded: Any, event: CreditsPurchased) -> Account:
        others = {key: one for key, one in account.sources.items() if key != event.purchase_id}
        return fold_facts.purchased(replace(account, sources=others), recorded, event)

    patch.setitem(fold._FACTS, CreditsPurchased, purchased)


def _refunds_leave_no_debt(patch: pytest.MonkeyPatch) -> None:
    def revoked(account: Account, recorded: Any, event: CreditsRevoked) -> Account:
        after = fold_decisions.revoked(account, recorded, event)
        return replace(after, debt=account.debt)

    patch.setitem(fold._DECISIONS, CreditsRevoked, revoked)


def _refunds_are_lost(patch: pytest.MonkeyPatch) -> None:
    async def refunded(_case: Any) -> bool:
        return False

    patch.setattr(stars, "_refunded", refunded)


def _any_amount_is_right(patch: pytest.MonkeyPatch) -> None:
    judge: Any = stars._Case.judge

    async def trusting(self: Any) -> Any:
        return (await judge(self))._replace(finding=None)

    patch.setattr(stars._Case, "judge", trusting)


def _taken_before_it_is_kept(patch: pytest.MonkeyPatch) -> None:
    take: Any = Database.take

    async def hasty(self: Database, payment: told_module.Payment) -> Any:
        taken = await take(self, payment)
        self._told[payment.purchase_id] = taken._replace(is_appended=True)
        return taken

    patch.setattr(Database, "take", hasty)


def _remembered_before_it_is_told(patch: pytest.MonkeyPatch) -> None:
    look: Any = StripeTelling.look

    async def once(self: Any, intent_id: str) -> int:
        if self.has_taken(intent_id):
            return 0
        self.remember(intent_id)
        count: int = await look(self, intent_id)
        return count

    patch.setattr(StripeTelling, "look", once)


def _another_payment_of_one_id(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(told_module.Taken, "is_of", lambda _self, _payment: True)
    patch.setattr(told_module.Taken, "is_appended", property(lambda _self: False), raising=False)


def _won_disputes_are_lost(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(stripe_payments, "_is_undone", lambda _one: False)


def _any_offer_is_ours(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(gateways._Telling, "_is_ours", lambda *_: True)


def _refunds_are_payments(patch: pytest.MonkeyPatch) -> None:
    compare: Any = comparing.compare

    def by_id_alone(said: Any, ledger: Any, before_ms: int) -> Any:
        first = {row.purchase_id: row for row in reversed(said.rows)}
        said.rows = list(first.values())
        return compare(said, ledger, before_ms)

    patch.setattr(books, "compare", by_id_alone)


def _chargebacks_are_not_mended(patch: pytest.MonkeyPatch) -> None:
    async def forget(_self: Mending, _one: audit.Difference) -> bool:
        return True

    patch.setattr(Mending, "_take_back", forget)


@pytest.mark.parametrize(
    "break_rule",
    [
        _purchases_not_deduplicated,
        _refunds_leave_no_debt,
        _refunds_are_lost,
        _any_amount_is_right,
        _taken_before_it_is_kept,
        _remembered_before_it_is_told,
        _another_payment_of_one_id,
        _won_disputes_are_lost,
        _any_offer_is_ours,
        _refunds_are_payments,
        _chargebacks_are_not_mended,
    ],
)
def test_a_broken_rule_is_caught(break_rule: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one rule broken, some history fails: the histories are able to."""
    break_rule(monkeypatch)
    with pytest.raises(AssertionError):
        _run_all(TRIED_SEEDS)
