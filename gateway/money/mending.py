"""Telling the log what a lost webhook would have told: after a person has seen what is missing.

Not a second way to take payments: what a provider says of one is handed to those who take what it
tells by webhook. They check that we offered it, and make the same fact with the same id.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

import structlog

from events.ids import AccountId, SourceId, derive, fact_id
from events.purchases import PurchaseRefunded
from events.stripe_payments import PROVIDER as STRIPE
from gateway.events_out import EVENTS, outgoing
from gateway.identity.wrapped_keys import batched_loader
from gateway.money.payments import STARS, Payments
from gateway.money.stars import XTR
from gateway.money.stripe_telling import StripeTelling
from gateway.money.told import PaymentsTold
from gateway.telegram import payments as stars
from gateway.telegram.hands import Hands
from gateway.telegram.messages import Chat, Message, SuccessfulPayment, User
from gateway.telegram.updates import Update
from projections.audit.reconciling import Outcome
from projections.audit.rows import MENDED, MISSING_PURCHASE, Difference, Row
from runtime.crypto.keys import AccountKeys
from runtime.crypto.master import MasterKeys, master_keys
from runtime.postgres.pool import Pool
from runtime.settings import Settings
from runtime.stripe.api import Stripe

if TYPE_CHECKING:
    from gateway.deps import Deps, Log

_log = structlog.get_logger(__name__)

PRIVATE: Final = "private"


@dataclass(frozen=True)
class _Telegram:
    hands: Hands


@dataclass(frozen=True)
class _Parts:
    """What of a gateway those need who take payments in Stars."""

    log: Log
    keys: AccountKeys
    payments: Payments
    payments_told: PaymentsTold
    telegram: _Telegram


class Mending:
    """Appends what is missing.

    Args:
        settings: hold the master keys.
        pool: may act as every account: the owner's.
        log: is told.
        stripe: asked about its payments; None: it is not set up.
    """

    def __init__(self, settings: Settings, pool: Pool, log: Log, stripe: Stripe | None) -> None:
        masters: MasterKeys = master_keys(settings)
        keys = AccountKeys(batched_loader(pool), masters)
        self._hands = Hands(pool, log)
        self._parts = _Parts(
            log, keys, Payments(settings), PaymentsTold(pool), _Telegram(self._hands)
        )
        self._hands.attach(cast("Deps", self._parts))
        self._stripe = None if stripe is None else StripeTelling(stripe, pool, keys, masters, log)

    async def mend(self, outcome: Outcome) -> int:
        """Append the facts that are missing; of how many differences the log has them now.

        The others stay: what was paid is not of ours, or of an account that is erased.

        Raises:
            PixelpopError: not all of it is known to be done; asked again, nothing is done twice.
        """
        mended = 0
        looked: set[str] = set()
        # A refund is told after its purchase.
        for one in sorted(
            mendable(outcome.differences), key=lambda one: one.kind != MISSING_PURCHASE
        ):
            if one.provider == STRIPE:
                mended += await self._look(one, looked)
            elif one.kind == MISSING_PURCHASE:
                mended += await self._pay(outcome.rows[one.purchase_id, "purchase"])
            else:
                mended += await self._take_back(one)
        return mended

    async def _look(self, one: Difference, looked: set[str]) -> bool:
        """All that is so of a payment at Stripe is told at once."""
        if self._stripe is None or one.reference is None:
            return False
        if one.reference not in looked:
            await self._stripe.look(one.reference)
            looked.add(one.reference)
        return True

    async def _pay(self, row: Row) -> bool:
        """As if Telegram had told it: `successful_payment`."""
        assert row.provider == STARS
        if row.payer_id is None or row.payload is None:
            return False
        paid = SuccessfulPayment(
            currency=XTR,
            total_amount=row.amount,
            invoice_payload=row.payload,
            telegram_payment_charge_id=row.reference,
            subscription_expiration_date=row.ends_at_ms // 1000,
        )
        message = Message(
            message_id=0,
            date=row.at_ms // 1000,
            chat=Chat(id=row.payer_id, type=PRIVATE),
            sender=User(id=row.payer_id),
            successful_payment=paid,
        )
        await stars.told(self._hands, Update(update_id=0, message=message))
        taken = await self._parts.payments_told.find(UUID(row.purchase_id))
        return taken is not None and taken.is_appended

    async def _take_back(self, one: Difference) -> bool:
        """A store took the Stars back: no update tells of it, so there is none to repeat."""
        told = self._parts.payments_told
        taken = await told.find(UUID(one.purchase_id))
        if taken is None and one.account_id is None:
            return False  # not ours: the purchase was not taken either
        account_id = one.account_id if taken is None else str(taken.account_id)
        purchase_id = SourceId(one.purchase_id)
        event = PurchaseRefunded(
            account_id=AccountId(str(account_id)),
            occurred_at_ms=one.at_ms,
            purchase_id=purchase_id,
            refund_id=derive("chargeback", one.provider, purchase_id),
            reason="chargeback",
        )
        record = outgoing(
            event,
            fact_id(purchase_id, "refunded"),
            correlation_id=purchase_id,
            time_ms=one.at_ms,
        )
        await self._parts.log.append(EVENTS, record)
        if taken is not None:
            await told.note(taken.purchase_id, refund=True)
        return True


def mendable(differences: Iterable[Difference]) -> list[Difference]:
    """Those that a missing fact mends."""
    return [one for one in differences if one.kind in MENDED]
