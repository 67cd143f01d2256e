"""Preferences and consents as rows; an erased account has none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.accounts import AccountErased
from events.preferences import ConsentGiven, ConsentWithdrawn, PreferencesChanged
from events.state import Account
from projections.place import Handler, Place
from projections.rows import put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("profiles.sql"))
PREFERENCES = (
    *("language", "default_style_id", "default_size", "notifications", "analytics"),
    "prompt_in_files",
)


class ConsentRow(msgspec.Struct, gc=False):
    """What was last said about one document; the fields are the table's columns in order."""

    account_id: str
    purpose: str
    version: str
    given_at_ms: int | None
    withdrawn_at_ms: int | None


class Profiles:
    """What one batch does to preferences and consents."""

    def __init__(self) -> None:
        self.preferences: dict[str, dict[str, Any]] = {}
        self.consents: dict[tuple[str, str], ConsentRow] = {}
        self._erased: list[str] = []

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {
            PreferencesChanged: self._changed,
            ConsentGiven: self._given,
            ConsentWithdrawn: self._withdrawn,
            AccountErased: self._account_erased,
        }

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the tables."""
        if self._erased:
            await connection.execute(QUERIES.erase_preferences, self._erased)
            await connection.execute(QUERIES.erase_consents, self._erased)
        preferences = [
            (account_id, msgspec.json.encode(changes).decode())
            for account_id, changes in self.preferences.items()
        ]
        await put(connection, QUERIES, "upsert", "preferences", preferences)
        consents = list(map(astuple, self.consents.values()))
        await put(connection, QUERIES, "upsert", "consents", consents)

    def _changed(
        self, event: PreferencesChanged, before: Account, _after: Account, _place: Place
    ) -> None:
        if before.erased is not None:
            return
        changes = self.preferences.setdefault(event.account_id, {})
        for name in PREFERENCES:
            value = getattr(event, name)
            if value is not msgspec.UNSET:
                changes[name] = value

    def _given(self, event: ConsentGiven, before: Account, _after: Account, place: Place) -> None:
        if before.erased is None:
            self.consents[event.account_id, event.purpose] = ConsentRow(
                event.account_id, event.purpose, event.version, place.appended_at_ms, None
            )

    def _withdrawn(
        self, event: ConsentWithdrawn, before: Account, _after: Account, place: Place
    ) -> None:
        if before.erased is not None:
            return
        known = self.consents.get((event.account_id, event.purpose))
        given_at_ms = None if known is None else known.given_at_ms
        self.consents[event.account_id, event.purpose] = ConsentRow(
            event.account_id, event.purpose, event.version, given_at_ms, place.appended_at_ms
        )

    def _account_erased(
        self, event: AccountErased, _before: Account, _after: Account, _place: Place
    ) -> None:
        self.preferences.pop(event.account_id, None)
        for key in [key for key in self.consents if key[0] == event.account_id]:
            del self.consents[key]
        self._erased.append(event.account_id)
