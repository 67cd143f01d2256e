"""Everything that can have happened between a customer and a payment provider."""

from __future__ import annotations

from events.base import Credits, Millis, MoneyFact, Natural
from events.ids import SourceId


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


class PurchaseRefunded(MoneyFact, frozen=True, kw_only=True, gc=False, tag="PurchaseRefunded.v1"):
    """A payment provider says that it gave the money back. One refund per purchase counts."""

    purchase_id: SourceId
    refund_id: str
    reason: str
    """`refund`, `chargeback`."""
