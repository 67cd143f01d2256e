"""People's chats with the bot as rows; an erased account has none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.accounts import AccountErased
from events.state import Account
from events.telegram import TelegramChatChanged
from projections.place import Handler, Place
from projections.rows import put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("telegram.sql"))


class ChatRow(msgspec.Struct, gc=False):
    """One person's chat; the fields are the table's columns in order."""

    account_id: str
    reachable: bool
    changed_at_ms: int
    update_id: int

    def is_after(self, other: ChatRow | None) -> bool:
        """Whether Telegram told it of a later moment."""
        return other is None or (other.changed_at_ms, other.update_id) < (
            self.changed_at_ms,
            self.update_id,
        )


class TelegramChats:
    """What one batch does to chats: of each person's, the newest."""

    def __init__(self) -> None:
        self.rows: dict[str, ChatRow] = {}
        self._erased: list[str] = []

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {TelegramChatChanged: self._changed, AccountErased: self._account_erased}

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the table."""
        if self._erased:
            await connection.execute(QUERIES.erase_chats, self._erased)
        rows = list(map(astuple, self.rows.values()))
        await put(connection, QUERIES, "upsert", "telegram_chats", rows)

    def _changed(
        self, event: TelegramChatChanged, before: Account, _after: Account, _place: Place
    ) -> None:
        if before.erased is not None:
            return
        row = ChatRow(event.account_id, event.reachable, event.occurred_at_ms, event.update_id)
        if row.is_after(self.rows.get(event.account_id)):
            self.rows[event.account_id] = row

    def _account_erased(
        self, event: AccountErased, _before: Account, _after: Account, _place: Place
    ) -> None:
        self.rows.pop(event.account_id, None)
        self._erased.append(event.account_id)
