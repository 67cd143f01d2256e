"""Users as rows: when they came, what they are called (sealed), when they were erased."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.accounts import AccountErased, UserRegistered
from events.state import Account
from projections.place import Handler, Place
from projections.rows import put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("users.sql"))


class UserRow(msgspec.Struct, gc=False):
    """One user; the fields are the table's columns in order."""

    account_id: str
    display_name: str | None
    language: str | None
    registered_at_ms: int | None
    erased_at_ms: int | None


class Users:
    """What one batch does to users."""

    def __init__(self) -> None:
        self.rows: dict[str, UserRow] = {}

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {UserRegistered: self._registered, AccountErased: self._erased}

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the table."""
        await put(connection, QUERIES, "upsert", "users", list(map(astuple, self.rows.values())))

    def _registered(
        self, event: UserRegistered, before: Account, _after: Account, place: Place
    ) -> None:
        erased = before.erased
        row = UserRow(
            event.account_id,
            event.display_name if erased is None else None,
            event.language if erased is None else None,
            place.appended_at_ms,
            None if erased is None else erased.appended_at_ms,
        )
        self.rows[event.account_id] = row

    def _erased(
        self, event: AccountErased, _before: Account, _after: Account, place: Place
    ) -> None:
        known = self.rows.get(event.account_id)
        registered_at_ms = None if known is None else known.registered_at_ms
        row = UserRow(event.account_id, None, None, registered_at_ms, place.appended_at_ms)
        self.rows[event.account_id] = row
