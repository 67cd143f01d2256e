"""What Stripe says: every payment of a time, with what took its money back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from events.purchases import UNKNOWN_ACCOUNT, CreditsPurchased, PaymentFinding, PurchaseRefunded
from events.stripe_payments import (
    PROVIDER,
    is_proved,
    offered_in,
    purchase_id,
    story,
)
from projections.audit.rows import (
    CHARGED_BACK,
    FOREIGN,
    MISSING_REFUND,
    Difference,
    Row,
    Said,
    of_row,
)
from runtime.stripe.api import Stripe
from runtime.stripe.shapes import Dispute, Intent, Payment, Refund

PAID: Final = "succeeded"


async def ask(
    stripe: Stripe, keys: Sequence[bytes], since_ms: int, progress: Callable[[int], None]
) -> Said:
    """All that Stripe says of payments since then.

    Args:
        stripe: whose payments.
        keys: that offers may be signed with.
        since_ms: older payments are not asked for.
        progress: is told how many things were read so far.

    Raises:
        PixelpopError: of `runtime.stripe.errors`: what came is not all.
    """
    since, count = since_ms // 1000, 0
    refunds: dict[str, list[Refund]] = defaultdict(list)
    disputes: dict[str, list[Dispute]] = defaultdict(list)
    # First what takes money back: so the payment that it is of is among those read afterwards.
    async for refund in stripe.refunds(since):
        refunds[refund.payment_intent or ""].append(refund)
        progress(count := count + 1)
    async for dispute in stripe.disputes(since):
        disputes[dispute.payment_intent or ""].append(dispute)
        progress(count := count + 1)
    said = Said(provider=PROVIDER, rows=[], differences=[], since_ms=since_ms)
    async for intent in stripe.intents(since):
        payment = Payment(
            intent=intent, refunds=tuple(refunds[intent.id]), disputes=tuple(disputes[intent.id])
        )
        _take(said, payment, keys)
        progress(count := count + 1)
    return said


def _take(said: Said, payment: Payment, keys: Sequence[bytes]) -> None:
    intent = payment.intent
    if intent.status != PAID:
        return
    offered = offered_in(intent.metadata)
    if offered is None:
        said.differences.append(of_row(_foreign(intent), FOREIGN))
        return
    proved = is_proved(offered, intent.metadata, keys)
    for _, event in story(payment, offered):
        if isinstance(event, PaymentFinding):
            said.differences.append(_found(event, intent))
            continue
        refunded = isinstance(event, PurchaseRefunded)
        amount = event.amount if isinstance(event, CreditsPurchased) else intent.amount_received
        said.rows.append(
            Row(
                provider=PROVIDER,
                purchase_id=event.purchase_id,
                step="refund" if refunded else "purchase",
                amount=amount,
                currency=offered.currency,
                reference=intent.id,
                at_ms=event.occurred_at_ms,
                kind=CHARGED_BACK
                if isinstance(event, PurchaseRefunded) and event.reason == "chargeback"
                else MISSING_REFUND,
                proved=proved,
            )
        )


def _foreign(intent: Intent) -> Row:
    return Row(
        provider=PROVIDER,
        purchase_id=purchase_id(intent.id),
        step="purchase",
        amount=intent.amount_received,
        currency=intent.currency.upper(),
        reference=intent.id,
        at_ms=intent.created * 1000,
    )


def _found(event: object, intent: Intent) -> Difference:
    assert isinstance(event, PaymentFinding)
    return Difference(
        provider=PROVIDER,
        kind=event.kind,
        purchase_id=event.purchase_id,
        reference=intent.id,
        account_id=None if event.account_id == UNKNOWN_ACCOUNT else event.account_id,
        amount=event.amount,
        currency=event.currency,
        expected_amount=event.expected_amount,
        expected_currency=event.expected_currency,
        at_ms=event.occurred_at_ms,
    )
