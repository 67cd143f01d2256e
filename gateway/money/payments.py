"""The ways to pay, behind one small interface.

A provider offers an address where a person pays, and takes payments back. Neither touches the
ledger: that a payment was made, or given back, is a fact of the log, appended by whoever the
provider tells it (`gateway/telegram`, `gateway/money`), and the decider alone makes credits of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, Protocol
from uuid import UUID

import msgspec

from commands.catalogue import Pack
from commands.requests import InvalidRequest
from events.ids import AccountId, SourceId
from gateway.identity.signed_in import Account
from gateway.web.errors import Problem
from runtime.settings import Settings

LOCAL: Final = "local"
"""Pays for everything at once; exists in embedded mode only."""
STARS: Final = "stars"
STRIPE: Final = "stripe"
NONE_CONFIGURED: Final = "This installation cannot take payments yet. Nothing was bought."

RefundOutcome = Literal["refunded", "already_refunded", "pending"]
"""`already_refunded`: the money had gone back before, which is as good. `pending`: it is on its
way, and the provider will tell when it has arrived."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack costs with one provider."""

    amount: int
    """In the currency's smallest unit."""
    currency: str
    """ISO 4217, or `XTR` for Telegram Stars."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a person can pay; nothing is in the log until they have."""

    payment_url: str
    expires_at_ms: int | None = None
    """When nobody can pay there any more; None: not by itself."""


class Paid(msgspec.Struct, frozen=True, kw_only=True):
    """A purchase as its refund needs it."""

    account_id: AccountId
    purchase_id: SourceId
    provider: str
    charge_id: str
    """What the provider knows the payment by."""
    amount: int
    currency: str


class PaymentProvider(Protocol):
    """One way to pay."""

    name: str
    """As it stands in the log."""
    in_telegram: bool
    """Whether it may be shown in Telegram's apps, which allow only Stars for digital goods."""

    def price(self, pack: Pack) -> Price | None:
        """What the pack costs here; None: it is not sold this way."""
        ...

    async def offer(self, account: Account, pack: Pack, offer_id: UUID) -> Offer:
        """Make an address where this account can pay for this pack.

        Args:
            account: who buys.
            pack: what.
            offer_id: the same for a repeated request; the purchase's fact repeats it.

        Raises:
            Problem: it cannot be offered (now).
        """
        ...

    async def refund(self, paid: Paid) -> RefundOutcome:
        """Give the money back, all of it; asked again, it is not given twice.

        Raises:
            Problem: it cannot be given back (now).
        """
        ...


class Payments:
    """The ways to pay of this installation.

    Args:
        settings: whether it is embedded, and so has `local`.
        providers: the others, the one to prefer first.
    """

    def __init__(self, settings: Settings, providers: Iterable[PaymentProvider] = ()) -> None:
        self._local = (LOCAL,) if settings.embedded else ()
        self._providers = {one.name: one for one in providers}

    def offered_to(self, account: Account) -> tuple[str, ...]:
        """The names of the ways in which this account may pay, the one to prefer first."""
        others = self._providers.values()
        shown = [one.name for one in others if one.in_telegram or not account.in_telegram]
        return (*self._local, *shown)

    def choose(self, account: Account, name: str | None) -> str:
        """The way that was asked for, or the one to prefer.

        Raises:
            Problem: there is none.
            InvalidRequest: not that one, or not for this account.
        """
        names = self.offered_to(account)
        if not names:
            raise Problem("payments-not-configured", NONE_CONFIGURED)
        if name is None:
            return names[0]
        if name not in names:
            raise InvalidRequest("provider", f"must be one of {', '.join(names)}")
        return name

    def find(self, name: str) -> PaymentProvider | None:
        """The provider of that name; None: `local`, or it is not configured (any more)."""
        return self._providers.get(name)
