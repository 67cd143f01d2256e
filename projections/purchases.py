"""Purchases as rows, from the payment to the refund."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec

from events.credits import CreditsGranted, CreditsRevoked
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.state import Account
from projections.place import Handler, Place
from projections.rows import Rows, put_rows
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("purchases.sql"))


class PurchaseRow(msgspec.Struct, gc=False):
    """One purchase; the fields are the table's columns in order."""

    account_id: str
    purchase_id: str
    provider: str | None = None
    pack_id: str | None = None
    credits: int | None = None
    amount: int | None = None
    currency: str | None = None
    expires_at_ms: int | None = None
    purchased_at_ms: int | None = None
    granted_at_ms: int | None = None
    refunded_at_ms: int | None = None
    revoked_at_ms: int | None = None
    charge_id: str | None = None
    offer_id: str | None = None


class Purchases:
    """What one batch does to purchases."""

    def __init__(self) -> None:
        self.rows: Rows[PurchaseRow] = Rows(PurchaseRow)

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {
            CreditsPurchased: self._purchased,
            PurchaseRefunded: self._refunded,
            CreditsGranted: self._granted,
            CreditsRevoked: self._revoked,
        }

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the table."""
        await put_rows(connection, QUERIES, "purchases", self.rows)

    def _purchased(
        self, event: CreditsPurchased, _before: Account, after: Account, place: Place
    ) -> None:
        refund = after.sources[event.purchase_id].refund  # it may have come before its purchase
        row = PurchaseRow(
            event.account_id,
            event.purchase_id,
            event.provider,
            event.pack_id,
            event.credits,
            event.amount,
            event.currency,
            event.expires_at_ms,
            place.appended_at_ms,
            refunded_at_ms=None if refund is None else refund.cause.appended_at_ms,
            charge_id=event.charge_id,
            offer_id=event.offer_id,
        )
        self.rows.insert((event.account_id, event.purchase_id), row)

    def _refunded(
        self, event: PurchaseRefunded, _before: Account, after: Account, place: Place
    ) -> None:
        if after.sources[event.purchase_id].seen:
            row = self.rows.change((event.account_id, event.purchase_id))
            row.refunded_at_ms = place.appended_at_ms

    def _granted(
        self, event: CreditsGranted, _before: Account, _after: Account, place: Place
    ) -> None:
        if event.why == "purchase":
            row = self.rows.change((event.account_id, event.source_id))
            row.granted_at_ms = place.appended_at_ms

    def _revoked(
        self, event: CreditsRevoked, _before: Account, _after: Account, place: Place
    ) -> None:
        self.rows.change((event.account_id, event.source_id)).revoked_at_ms = place.appended_at_ms
