"""Everything that can have happened between a customer and a payment provider."""

from __future__ import annotations

from typing import Final

from events.base import Credits, Fact, Millis, MoneyFact, Natural, Sealed
from events.ids import AccountId, SourceId, UuidText

UNKNOWN_ACCOUNT: Final = AccountId("00000000-0000-0000-0000-000000000000")
"""Where findings stand whose account nobody can tell."""


class CreditsPurchased(MoneyFact, frozen=True, kw_only=True, gc=False, tag="CreditsPurchased.v1"):
    """A payment provider says that it was paid."""

    purchase_id: SourceId
    """UUIDv5 of the provider and its own charge id: told twice, it is the same purchase."""
    provider: str
    """`stars`, `stripe`, or `local` in embedded mode."""
    pack_id: str
    credits: Credits
    amount: Natural
    """In the currency's smallest unit."""
    currency: str
    """ISO 4217, or `XTR` for Telegram Stars."""
    expires_at_ms: Millis | None = None
    """When what is left of these credits ends; None: never."""
    charge_id: Sealed | None = None
    """What the provider knows the payment by, so that it can be refunded; None: it needs none."""
    offer_id: UuidText | None = None
    """What it was offered as, where it was."""


class PurchaseRefunded(MoneyFact, frozen=True, kw_only=True, gc=False, tag="PurchaseRefunded.v1"):
    """A payment provider says that it gave the money back. One refund per purchase counts."""

    purchase_id: SourceId
    refund_id: str
    reason: str
    """`refund`, `chargeback`."""


class PaymentFinding(Fact, frozen=True, kw_only=True, gc=False, tag="PaymentFinding.v1"):
    """Something about a payment is not as it must be; nothing is done about it by itself.

    On the account that it concerns, or on `UNKNOWN_ACCOUNT`. No effect on credits.
    """

    provider: str
    kind: str
    """An open vocabulary, e.g. `amount-mismatch`; see `docs/operators/stars.md`."""
    purchase_id: SourceId
    """Of the payment that it is about; of a payment that cannot be told, made from its update."""
    amount: Natural | None = None
    """In the currency's smallest unit, as the provider says."""
    currency: str | None = None
    expected_amount: Natural | None = None
    """As we sell it, where that is known."""
    expected_currency: str | None = None
