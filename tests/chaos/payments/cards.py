"""People who pay by card at Stripe; their banks, and refunds of all kinds."""

from __future__ import annotations

from events.ids import derive
from events.stripe_payments import PARTLY_RETURNED, PURPOSE, Offered, metadata_of, purchase_id
from projections.audit import rows
from runtime.stripe.shapes import Dispute, Refund
from tests.chaos.payments.gateways import MASTER, Notice
from tests.chaos.payments.payers import CREDITS, LOST_CHANCE, PACK, WRONG_KEY, Money, Paid


class CardPayers(Money):
    """What they do."""

    def _pay_by_card(self) -> None:
        payer, account = self._somebody()
        count = self._random.choice(CREDITS)
        assert PACK.usd_cents is not None
        offered = Offered(
            account=account,
            pack=PACK.id,
            credits=count,
            amount=PACK.usd_cents,
            currency="USD",
            offer=derive("offer", account, self._name()),
        )
        is_ours = self._random.random() > 0.08
        key = MASTER.subkey(PURPOSE) if is_ours else WRONG_KEY
        paid = Paid(
            "stripe",
            f"pi_{self._name()}",
            account,
            payer,
            count,
            PACK.usd_cents,
            "",
            self._now,
            self._random.random() >= LOST_CHANCE,
        )
        self.till.paid(paid.name, paid.amount, metadata_of(offered, key), paid.at)
        if not is_ours:
            self.lies.append(paid.source)
            self.planted.add((rows.NOT_OFFERED, paid.source))
            self._tell_of(paid)
            return
        self.payments.append(paid)
        if paid.is_heard:
            self._tell_of(paid)
        else:
            self.planted.add((rows.MISSING_PURCHASE, paid.source))

    def _reverse_card(self) -> None:
        """A refund that works or fails, of all or a part; a dispute that is won or lost."""
        paid = self._one("stripe")
        if paid is None:
            return
        paid.is_marred = True
        way = self._random.choice(("refund", "failed", "part", "two parts", "lost", "won"))
        name, at = f"re_{self._name()}", paid.at + self._random.randint(1, 1000)
        if way in {"lost", "won"}:
            self._dispute(paid, name, at, way)
        elif way in {"part", "two parts"}:
            self._refund_parts(paid, name, at, whole=way == "two parts")
        else:
            self._refund_card(paid, name, at, failed=way == "failed")

    def _refund_card(self, paid: Paid, name: str, at: int, *, failed: bool) -> None:
        refund = Refund(id=name, amount=paid.amount, status="pending", created=at)
        self._went_back(paid, refund, rows.MISSING_REFUND)
        if failed:
            self.till.refund(
                paid.name, Refund(id=name, amount=paid.amount, status="failed", created=at)
            )
            self._came_again(paid, name)

    def _dispute(self, paid: Paid, name: str, at: int, way: str) -> None:
        opened = Dispute(id=name, amount=paid.amount, status="needs_response", created=at)
        self._went_back(paid, opened, rows.CHARGED_BACK)
        ended = Dispute(id=name, amount=paid.amount, status=way, created=at)
        self.till.dispute(paid.name, ended)
        if way == "won":
            self._came_again(paid, name)
        elif paid.is_heard:
            self._tell_of(paid)

    def _refund_parts(self, paid: Paid, name: str, at: int, *, whole: bool) -> None:
        half = paid.amount // 2
        self.till.refund(paid.name, Refund(id=name, amount=half, status="succeeded", created=at))
        if paid.is_heard:
            self._tell_of(paid)
        if whole:
            rest = Refund(
                id=f"{name}-2", amount=paid.amount - half, status="succeeded", created=at + 1
            )
            self._went_back(paid, rest, rows.MISSING_REFUND)
        else:
            self.planted.add((PARTLY_RETURNED, paid.source))

    def _went_back(self, paid: Paid, one: Refund | Dispute, kind: str) -> None:
        if isinstance(one, Refund):
            self.till.refund(paid.name, one)
        else:
            self.till.dispute(paid.name, one)
        paid.is_kept = False
        if paid.is_heard:
            self._tell_of(paid)
        else:
            self.planted.add((kind, paid.source))

    def _came_again(self, paid: Paid, name: str) -> None:
        paid.is_kept = True
        if paid.is_heard:
            self._tell_of(paid)
        else:
            self.planted.add((rows.MISSING_PURCHASE, purchase_id(paid.name, name)))

    def _tell_of(self, paid: Paid) -> None:
        self._deliver(Notice(event_id=f"evt_{self._name()}", intent_id=paid.name))
