"""The log is told all that is so of a payment at Stripe, however it came to be looked at.

What is told, under which ids, depends on the payment's state alone (`events.stripe_payments`):
told again it changes nothing, and what was told already is, as far as it shows, not told again.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog
from msgspec.structs import replace

from events.base import Sealed
from events.ids import fact_id
from events.purchases import (
    UNKNOWN_ACCOUNT,
    CreditsPurchased,
    PaymentFinding,
)
from events.stripe_payments import (
    NOT_OFFERED,
    PURPOSE,
    Offered,
    Told,
    finding,
    is_proved,
    offered_in,
    purchase_id,
    story,
)
from gateway.events_out import EVENTS, outgoing
from gateway.operations import metrics
from gateway.web.errors import Problem
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.crypto.master import MasterKeys
from runtime.crypto.sealing import seal
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries
from runtime.stripe.api import Stripe
from runtime.stripe.errors import StripeRefused
from runtime.stripe.shapes import Payment

if TYPE_CHECKING:
    from gateway.deps import Log

_log = structlog.get_logger(__name__)
_QUERIES = load_queries(Path(__file__).with_name("stripe.sql"))

REMEMBERED_MAX: Final = 20_000
"""Stripe's events, and findings, that this process does not look at, or tell, again."""
PAID_AFTER_ERASURE: Final = "paid-after-erasure"
"""Somebody paid for an account that is erased: the money should go back."""


class StripeTelling:
    """Looks at payments and tells the log.

    Args:
        stripe: asked what is so.
        pool: holds what is known of purchases.
        keys: of accounts, to seal with.
        masters: have signed what was offered.
        log: is told.
    """

    def __init__(
        self, stripe: Stripe, pool: Pool, keys: AccountKeys, masters: MasterKeys, log: Log
    ) -> None:
        self._stripe = stripe
        self._pool = pool
        self._keys = keys
        self._masters = masters
        self._log = log
        self._taken: OrderedDict[str, None] = OrderedDict()

    def has_taken(self, name: str) -> bool:
        """Whether this process has taken an event of Stripe's lately."""
        return name in self._taken

    def remember(self, name: str) -> None:
        """What followed from an event is kept."""
        self._taken[name] = None
        if len(self._taken) > REMEMBERED_MAX:
            self._taken.popitem(last=False)

    async def look(self, intent_id: str) -> int:
        """Tell the log all that is so of a payment; how many facts it had not been told before.

        Raises:
            Problem: Stripe does not let us look.
            StripeSlowDown, StripeUnreachable: it is not known what is so.
            PixelpopError: it is not known to be in the log.
        """
        try:
            payment = await self._stripe.payment(intent_id)
        except StripeRefused as error:
            # A key without the right, or of another account: for an operator to mend. Meanwhile
            # Stripe sends it again, for days.
            _log.error("a payment cannot be looked at", reason=error.reason, error=str(error))
            raise Problem("stripe-unreachable", "The payment cannot be looked at.") from error
        offered = offered_in(payment.intent.metadata)
        if offered is None:
            return 0  # sold by somebody else with the same account of Stripe's
        told = story(payment, offered)
        bought, refunded = await self._known(offered, told)
        if told and not self._is_ours(payment, offered, bought):
            source = purchase_id(intent_id)
            told = (finding(UNKNOWN_ACCOUNT, source, NOT_OFFERED, payment.intent, offered),)
        count = 0
        for one in told:  # one after the other: a refund is not told before its purchase
            event = one.event
            known = bought if isinstance(event, CreditsPurchased) else refunded
            if isinstance(event, PaymentFinding):
                count += await self._find(one)
            elif event.purchase_id not in known:
                await self._append(await self._sealed(intent_id, one))
                count += 1
        return count

    def _is_ours(self, payment: Payment, offered: Offered, bought: set[str]) -> bool:
        """Whether we offered it. A master key may be gone when a payment is looked at years later;
        but what was bought was proved then.
        """
        masters = (self._masters.current, *self._masters.others)
        keys = [one.subkey(PURPOSE) for one in masters]
        if is_proved(offered, payment.intent.metadata, keys):
            return True
        return purchase_id(payment.intent.id) in bought

    async def _known(self, offered: Offered, told: tuple[Told, ...]) -> tuple[set[str], set[str]]:
        """Which of these purchases are readable, and which of those are refunded."""
        account = UUID(offered.account)
        wanted = [UUID(one.event.purchase_id) for one in told]
        async with as_account(self._pool, account) as connection:
            rows = await connection.fetch(_QUERIES.known, account, wanted)
        bought = {str(row["purchase_id"]) for row in rows}
        return bought, {str(row["purchase_id"]) for row in rows if row["refunded"]}

    async def _sealed(self, intent_id: str, one: Told) -> Told:
        """With Stripe's name of the payment, for a refund; of an erased account without."""
        event = one.event
        if not isinstance(event, CreditsPurchased):
            return one
        account = UUID(event.account_id)
        try:
            key = await self._keys.get(account)
        except KeyDestroyed:
            await self._find(_after_erasure(event))
            return one
        charge_id = seal(
            key, intent_id, account_id=account, event_id=UUID(one.event_id), field="charge_id"
        )
        return Told(one.event_id, replace(event, charge_id=Sealed(charge_id)))

    async def _find(self, one: Told) -> int:
        if one.event_id in self._taken:
            return 0
        assert isinstance(one.event, PaymentFinding)
        await self._append(one)
        self.remember(one.event_id)
        metrics.PAYMENT_FINDINGS.labels(one.event.provider, one.event.kind).inc()
        _log.warning(
            "a payment should be looked at",
            kind=one.event.kind,
            purchase_id=one.event.purchase_id,
            account_id=one.event.account_id,
        )
        return 1

    async def _append(self, one: Told) -> None:
        event = one.event
        record = outgoing(
            event, one.event_id, correlation_id=event.purchase_id, time_ms=event.occurred_at_ms
        )
        await self._log.append(EVENTS, record)


def _after_erasure(event: CreditsPurchased) -> Told:
    found = PaymentFinding(
        account_id=event.account_id,
        occurred_at_ms=event.occurred_at_ms,
        provider=event.provider,
        kind=PAID_AFTER_ERASURE,
        purchase_id=event.purchase_id,
        amount=event.amount,
        currency=event.currency,
    )
    return Told(fact_id(event.purchase_id, f"finding:{PAID_AFTER_ERASURE}"), found)
