"""What a payment at Stripe means here: pure, told by all that Stripe says of it now.

Whatever comes first, twice or not at all of Stripe's webhooks: what is told of a payment depends on
its state alone, its ids on Stripe's, and it only grows. So it does not matter who tells it, when
and how often.

A payment entitles to a purchase. What takes all of the money back (a refund, a dispute) refunds
that purchase; where that comes to nothing (a refund that fails, a dispute that is won) a purchase
of its own stands for the money that is here again. Both are told even if nobody saw the money gone
in between: together they move nothing. Of what takes back a part nobody can say which credits it
is; it is a finding, unless the parts make a whole.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from events.base import Millis
from events.ids import AccountId, EventId, SourceId, UuidText, derive, fact_id
from events.purchases import CreditsPurchased, PaymentFinding, PurchaseRefunded
from runtime.stripe.shapes import Dispute, Intent, Payment, Refund

PROVIDER: Final = "stripe"
PURPOSE: Final = "stripe-offer"
"""Of the key that offers are signed with."""
_PREFIX: Final = "pixelpop_"
_PROOF: Final = _PREFIX + "proof"
_PAID: Final = "succeeded"
_UNDONE_REFUNDS: Final = frozenset({"failed", "canceled"})
_TAKING_DISPUTES: Final = frozenset({"needs_response", "under_review", "lost"})
_WON: Final = "won"

AMOUNT_MISMATCH: Final = "amount-mismatch"
PARTLY_RETURNED: Final = "partly-returned"
"""A part of the money went back: the credits stay, and a person decides."""
RETURNED_TWICE: Final = "returned-twice"
"""A refund, and a dispute of what was refunded."""
NOT_OFFERED: Final = "not-offered"
"""A payment says that we offered it, and we did not."""


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What was offered to whom; it stands on the payment, as metadata, signed."""

    account: UuidText
    pack: str
    credits: int
    amount: int
    """In the currency's smallest unit."""
    currency: str
    """ISO 4217, in capitals."""
    offer: UuidText


class Told(NamedTuple):
    """A fact of the log, and its id."""

    event_id: EventId
    event: CreditsPurchased | PurchaseRefunded | PaymentFinding


def metadata_of(offered: Offered, key: bytes) -> dict[str, str]:
    """What is written on a payment; operators see it at Stripe."""
    fields = {_PREFIX + name: str(value) for name, value in msgspec.structs.asdict(offered).items()}
    return fields | {_PROOF: _proof(offered, key)}


def offered_in(metadata: Mapping[str, str]) -> Offered | None:
    """What a payment says that it was offered as; None: it is none of ours."""
    fields = {name: metadata.get(_PREFIX + name) for name in Offered.__struct_fields__}
    try:
        return msgspec.convert(fields, Offered, strict=False)
    except msgspec.ValidationError:
        return None


def is_proved(offered: Offered, metadata: Mapping[str, str], keys: Iterable[bytes]) -> bool:
    """Whether we offered it: signed with one of these keys."""
    shown = metadata.get(_PROOF, "").encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(shown, _proof(offered, key).encode()) for key in keys)


def _proof(offered: Offered, key: bytes) -> str:
    digest = hmac.digest(key, msgspec.json.encode(offered), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def purchase_id(intent_id: str, after: str = "") -> SourceId:
    """Of a payment's purchase, or of the one that stands for it after so many came back to us.

    Args:
        intent_id: Stripe's name of the payment.
        after: the refund or dispute that came to nothing; empty: none did.
    """
    return SourceId(derive("purchase", PROVIDER, intent_id, *filter(None, (after,))))


def finding(
    account_id: AccountId, source: SourceId, kind: str, intent: Intent, offered: Offered | None
) -> Told:
    """Something about a payment that a person should look at; told twice, it is the same."""
    event = PaymentFinding(
        account_id=account_id,
        occurred_at_ms=_at_ms(intent.created),
        provider=PROVIDER,
        kind=kind,
        purchase_id=source,
        amount=intent.amount_received,
        currency=intent.currency.upper(),
        expected_amount=None if offered is None else offered.amount,
        expected_currency=None if offered is None else offered.currency,
    )
    return Told(fact_id(source, f"finding:{kind}"), event)


def story(payment: Payment, offered: Offered) -> tuple[Told, ...]:
    """All that the log must hold of a payment by now, in order; nothing before it is paid.

    The caller has made sure that we offered it. Personal fields are for the caller to seal.
    """
    intent = payment.intent
    if intent.status != _PAID:
        return ()
    account, source = AccountId(offered.account), purchase_id(intent.id)
    if (intent.amount_received, intent.currency.upper()) != (offered.amount, offered.currency):
        return (finding(account, source, AMOUNT_MISMATCH, intent, offered),)
    told = [_purchased(source, intent, offered, _paid_at(intent))]
    gone, partly = False, 0
    for one in _reversals(payment):
        undone, whole = _is_undone(one), one.amount >= intent.amount_received
        if gone:
            if not undone:
                told.append(finding(account, source, RETURNED_TWICE, intent, offered))
        elif whole and undone:
            told.append(_refunded(source, account, one))
            source = purchase_id(intent.id, one.id)
            told.append(_purchased(source, intent, offered, _at_ms(one.created)))
        elif not undone:
            partly += one.amount
            gone = partly >= intent.amount_received
            if gone:
                told.append(_refunded(source, account, one))
    if partly and not gone:
        told.append(finding(account, source, PARTLY_RETURNED, intent, offered))
    return tuple(told)


def _reversals(payment: Payment) -> list[Refund | Dispute]:
    """What took money back, or tried to, the oldest first."""
    disputes = [
        one for one in payment.disputes if one.status in _TAKING_DISPUTES or one.status == _WON
    ]
    return sorted([*payment.refunds, *disputes], key=lambda one: (one.created, one.id))


def _is_undone(one: Refund | Dispute) -> bool:
    if isinstance(one, Refund):
        return one.status in _UNDONE_REFUNDS
    return one.status == _WON


def _purchased(source: SourceId, intent: Intent, offered: Offered, at_ms: Millis) -> Told:
    event = CreditsPurchased(
        account_id=AccountId(offered.account),
        occurred_at_ms=at_ms,
        purchase_id=source,
        provider=PROVIDER,
        pack_id=offered.pack,
        credits=offered.credits,
        amount=intent.amount_received,
        currency=offered.currency,
        offer_id=offered.offer,
    )
    return Told(fact_id(source, "purchased"), event)


def _refunded(source: SourceId, account_id: AccountId, one: Refund | Dispute) -> Told:
    event = PurchaseRefunded(
        account_id=account_id,
        occurred_at_ms=_at_ms(one.created),
        purchase_id=source,
        refund_id=one.id,
        reason="refund" if isinstance(one, Refund) else "chargeback",
    )
    return Told(fact_id(source, "refunded"), event)


def _paid_at(intent: Intent) -> Millis:
    return _at_ms(intent.created if intent.latest_charge is None else intent.latest_charge.created)


def _at_ms(seconds: int) -> Millis:
    return seconds * 1000
