"""What is read of Stripe's objects, and nothing else of them.

https://docs.stripe.com/api; amounts are in the currency's smallest unit, times in seconds since
1970. Stripe adds fields and values at any time, so what is not named here is not looked at.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Amount = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
"""An id of Stripe's."""


class Session(Struct, frozen=True, kw_only=True):
    """A page on which somebody can pay."""

    id: Name
    url: str | None = None
    """None once nobody can pay on it any more."""
    expires_at: Seconds


class Charge(Struct, frozen=True, kw_only=True):
    """Money that was, or was not, taken."""

    id: Name
    amount: Amount
    created: Seconds


class Intent(Struct, frozen=True, kw_only=True):
    """A payment, from the first try on."""

    id: Name
    amount: Amount
    amount_received: Amount
    currency: str
    status: str
    """`succeeded` once it is paid; it stays so whatever is given back."""
    created: Seconds
    metadata: dict[str, str] = {}
    latest_charge: Charge | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """Money on its way back to who paid."""

    id: Name
    amount: Amount
    status: str | None = None
    """`pending`, `requires_action`, `succeeded`, `failed` or `canceled`."""
    created: Seconds
    payment_intent: str | None = None


class Dispute(Struct, frozen=True, kw_only=True):
    """A bank takes money back, or (`warning_…`) asks before it does."""

    id: Name
    amount: Amount
    status: str
    created: Seconds
    payment_intent: str | None = None


class Payment(Struct, frozen=True, kw_only=True):
    """All that Stripe says of one payment now."""

    intent: Intent
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    """Of both: the oldest first."""
