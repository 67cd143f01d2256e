"""All that happens to money: payers, liars, insiders, and providers whose lists are wrong."""

from __future__ import annotations

from collections.abc import Callable

from events.codec import encode
from events.ids import fact_id
from events.purchases import CreditsPurchased, PurchaseRefunded
from gateway.telegram.payments import purchase_id_of
from projections.audit import rows
from tests.chaos.payments.cards import CardPayers
from tests.chaos.payments.payers import CREDITS, PACK, WRONG_KEY, Paid
from tests.chaos.payments.stars import StarPayers
from tests.chaos.simulation.broker import unsent


class Payers(StarPayers, CardPayers):
    """They, and what goes wrong."""

    def act(self) -> None:
        """One thing happens."""
        acts: tuple[tuple[Callable[[], None], int], ...] = (
            (self._pay_stars, 8),
            (self._refund_stars, 4),
            (self._pay_by_card, 8),
            (self._reverse_card, 7),
            (self._lie, 4),
            (self._contradict, 2),
            (self._mar, 3),
        )
        self._random.choices([one for one, _ in acts], [weight for _, weight in acts])[0]()

    def regret(self) -> None:
        """Money goes back long after it was paid."""
        self._random.choice((self._refund_stars, self._reverse_card))()

    def _lie(self) -> None:
        """An update says another amount or currency, or a payload that is none of ours."""
        payer, account = self._somebody()
        good = self._invoice(account, 10)
        name = f"stx-lie-{self._name()}"
        lie = Paid("stars", name, account, payer, 0, PACK.stars, good, self._now, is_heard=False)
        changes = self._random.choice(
            (
                {"total_amount": 1},
                {"total_amount": PACK.stars + 1},
                {"currency": "USD"},
                {"invoice_payload": self._invoice(account, 10, WRONG_KEY)},
                {"invoice_payload": "free credits"},
                {"invoice_payload": good[:-4] + "AAAA"},
            )
        )
        self.lies.append(lie.source)
        self._deliver(self._update(lie, refund=self._random.random() < 0.2, **changes))

    def _contradict(self) -> None:
        """A payment that was taken is told again as another one: of somebody else, or another."""
        known = [one for one in self.payments if one.provider == "stars" and self.is_told(one)]
        if known:
            paid, (_, account) = self._random.choice(known), self._somebody()
            other = next(count for count in CREDITS if count != paid.credits)
            self.lies.append(paid.source)
            self._deliver(self._update(paid, invoice_payload=self._invoice(account, other)))

    def _mar(self) -> None:
        """Books and provider are made to differ, by an insider or by the provider."""
        paid = self._one("stars")
        if paid is None or not paid.is_heard:
            self._invent()
            return
        paid.is_marred = True
        way = self._random.randrange(4)
        if way == 0:
            self.stars.repeat(paid.name)
            self.planted.add((rows.DUPLICATE, paid.source))
        elif way == 1:
            self.stars.change(paid.name, paid.amount + 7)
            self.planted.add((rows.AMOUNT_DIFFERS, paid.source))
        elif way == 2:
            self._append_refund(paid)
            self.planted.add((rows.UNKNOWN_REFUND, paid.source))
        else:
            self._invent()

    def _invent(self) -> None:
        """A purchase that nobody paid, or Stars that nothing here was sold for."""
        payer, account = self._somebody()
        name = f"stx-odd-{self._name()}"
        source = purchase_id_of(name)
        if self._random.random() < 0.5:
            self.stars.given(name, payer, 13, self._now)
            self.planted.add((rows.FOREIGN, source))
            return
        event = CreditsPurchased(
            account_id=account,
            occurred_at_ms=self._broker.now_ms,
            purchase_id=source,
            provider="stars",
            pack_id="starter",
            credits=10,
            amount=50,
            currency="XTR",
        )
        self._broker.append(unsent(event, encode(event), fact_id(source, "purchased")))
        self.given[account] += 10
        self.planted.add((rows.UNKNOWN_PURCHASE, source))

    def _append_refund(self, paid: Paid) -> None:
        event = PurchaseRefunded(
            account_id=paid.account,
            occurred_at_ms=self._broker.now_ms,
            purchase_id=paid.source,
            refund_id="by hand",
            reason="refund",
        )
        self._broker.append(unsent(event, encode(event), fact_id(paid.source, "refunded")))
        paid.is_kept = False
