"""Balances, grants and the ledger as rows.

Balances and what is left of a grant are copied from the folded state, once per account and batch;
the ledger has one row for every decision that counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.credits import (
    AVAILABLE,
    CreditsExpired,
    CreditsGranted,
    CreditsReserved,
    CreditsRevoked,
    CreditsSettled,
)
from events.generations import GenerationRejected
from events.gifts import GiftRefused, GiftReturned, GiftSent
from events.state import Account, Grant
from projections.place import Handler, Place
from projections.rows import Rows, put, put_rows
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("credits.sql"))
_NONE: frozenset[str] = frozenset()
_encode = msgspec.json.Encoder().encode


class CreditAccountRow(msgspec.Struct, gc=False):
    """A balance; the fields are the table's columns in order."""

    account_id: str
    available: int
    reserved: int
    debt: int
    granted: int
    spent: int
    expired: int
    written_off: int
    sequence: int
    frozen: str | None
    log_partition: int
    log_offset: int


class GrantRow(msgspec.Struct, gc=False):
    """Credits that came in together; the fields are the table's columns in order."""

    account_id: str
    grant_id: str
    why: str | None = None
    origin: str | None = None
    promotional: bool | None = None
    credits: int | None = None
    available: int | None = None
    expires_at_ms: int | None = None
    granted_at_ms: int | None = None
    sequence: int | None = None


class LedgerRow(msgspec.Struct, gc=False):
    """One counted decision; the fields are the table's columns in order."""

    account_id: str
    sequence: int
    type: str
    at_ms: int
    about: str
    credits: int
    available_after: int
    detail: str
    postings: str
    value_hash: str
    log_partition: int
    log_offset: int


class Credits:
    """What one batch does to balances, grants and the ledger."""

    def __init__(self) -> None:
        self.ledger: list[LedgerRow] = []
        self.grants: Rows[GrantRow] = Rows(GrantRow)
        self.accounts: list[CreditAccountRow] = []
        self._grants_before: dict[str, tuple[Grant, ...]] = {}
        self._granted_now: dict[str, set[str]] = {}
        self._touched: dict[str, Place] = {}

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return dict.fromkeys(_ABOUT, self._decided) | {CreditsGranted: self._granted}

    def touch(self, account: Account, place: Place) -> None:
        """Let the balance of `account`, as it was before this event, be written anew."""
        if account.account_id not in self._grants_before:
            self._grants_before[account.account_id] = account.grants
        self._touched[account.account_id] = place

    def finish(self, states: Callable[[str], Account]) -> None:
        """Copy balances and grants from the states at the batch's end."""
        for account_id, place in self._touched.items():
            account = states(account_id)
            self.accounts.append(
                CreditAccountRow(
                    account_id,
                    account.available,
                    account.reserved,
                    account.debt,
                    account.granted,
                    account.spent,
                    account.expired,
                    account.written_off,
                    account.sequence,
                    account.frozen,
                    place.partition,
                    place.offset,
                )
            )
            self._copy_grants(account, self._grants_before[account_id])

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the tables."""
        accounts = [astuple(row) for row in self.accounts]
        await put(connection, QUERIES, "upsert", "credit_accounts", accounts)
        await put_rows(connection, QUERIES, "grants", self.grants)
        ledger = [astuple(row) for row in self.ledger]
        await put(connection, QUERIES, "insert", "ledger", ledger)

    def _copy_grants(self, account: Account, before: tuple[Grant, ...]) -> None:
        left = {grant.grant_id: grant.available for grant in account.grants}
        had = {grant.grant_id: grant.available for grant in before}
        new = self._granted_now.get(account.account_id, _NONE)  # it may be used up by now
        for grant_id in left.keys() | had.keys() | new:
            now = left.get(grant_id, 0)
            if now != had.get(grant_id) or grant_id in new:
                self.grants.change((account.account_id, grant_id)).available = now

    def _decided(self, event: Any, before: Account, after: Account, place: Place) -> None:
        credits_moved = 0
        for posting in event.postings:
            if posting.account == AVAILABLE:
                credits_moved += posting.credits
        about, detail = _ABOUT[type(event)](event)
        self.ledger.append(
            LedgerRow(
                event.account_id,
                event.sequence,
                type(event).__name__,
                event.decided_at_ms,
                about,
                credits_moved,
                after.available,
                _encode(detail).decode(),
                _encode(event.postings).decode(),
                place.value_hash,
                place.partition,
                place.offset,
            )
        )
        self.touch(before, place)

    def _granted(
        self, event: CreditsGranted, before: Account, after: Account, place: Place
    ) -> None:
        self._decided(event, before, after, place)
        self._granted_now.setdefault(event.account_id, set()).add(event.source_id)
        self.grants.insert(
            (event.account_id, event.source_id),
            GrantRow(
                event.account_id,
                event.source_id,
                event.why,
                event.origin,
                event.why != "purchase",
                event.credits,
                event.credits - event.debt_paid,
                event.expires_at_ms,
                place.appended_at_ms,
                event.sequence,
            ),
        )


def _of_granted(event: CreditsGranted) -> tuple[str, dict[str, Any]]:
    return event.source_id, {
        "why": event.why,
        "origin": event.origin,
        "credits": event.credits,
        "debt_paid": event.debt_paid,
        "expires_at_ms": event.expires_at_ms,
    }


def _of_reserved(event: CreditsReserved) -> tuple[str, dict[str, Any]]:
    return event.generation_id, {
        "credits": event.credits,
        "price": event.price,
        "draws": event.draws,
    }


def _of_settled(event: CreditsSettled) -> tuple[str, dict[str, Any]]:
    return event.generation_id, {
        "outcome": event.outcome,
        "captured": event.captured,
        "returned": event.returned,
        "debt_paid": event.debt_paid,
        "expired": event.expired,
        "returns": event.returns,
    }


def _of_rejected(event: GenerationRejected) -> tuple[str, dict[str, Any]]:
    return event.generation_id, {
        "reason": event.reason,
        "credits_needed": event.credits_needed,
        "credits_available": event.credits_available,
        "retry_after_ms": event.retry_after_ms,
        "rule_id": event.rule_id,
    }


def _of_revoked(event: CreditsRevoked) -> tuple[str, dict[str, Any]]:
    return event.source_id, {
        "why": event.why,
        "refund_id": event.refund_id,
        "credits": event.credits,
        "draws": event.draws,
        "debt_added": event.debt_added,
    }


def _of_expired(event: CreditsExpired) -> tuple[str, dict[str, Any]]:
    about = event.draws[0].grant_id if event.why == "expiry" else event.account_id
    return about, {
        "why": event.why,
        "credits": event.credits,
        "draws": event.draws,
        "debt_written_off": event.debt_written_off,
    }


def _of_gift_sent(event: GiftSent) -> tuple[str, dict[str, Any]]:
    return event.gift_id, {"credits": event.credits, "draws": event.draws, "parts": event.parts}


def _of_gift_refused(event: GiftRefused) -> tuple[str, dict[str, Any]]:
    return event.gift_id, {
        "reason": event.reason,
        "credits_needed": event.credits_needed,
        "credits_available": event.credits_available,
    }


def _of_gift_returned(event: GiftReturned) -> tuple[str, dict[str, Any]]:
    return event.gift_id, {
        "credits": event.credits,
        "debt_paid": event.debt_paid,
        "expired": event.expired,
        "returns": event.returns,
    }


_ABOUT: dict[type, Callable[[Any], tuple[str, dict[str, Any]]]] = {
    CreditsGranted: _of_granted,
    CreditsReserved: _of_reserved,
    CreditsSettled: _of_settled,
    GenerationRejected: _of_rejected,
    CreditsRevoked: _of_revoked,
    CreditsExpired: _of_expired,
    GiftSent: _of_gift_sent,
    GiftRefused: _of_gift_refused,
    GiftReturned: _of_gift_returned,
}
"""By kind of decision: what it is about (the ledger's `about`), and what else a person asks."""
