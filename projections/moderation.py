"""What was judged, and how, as rows: for statistics, which show nobody's words.

The first stage's refusals stand in the requests themselves; that it let a request pass, no row
says: those are the other requests of that day. Of a verdict that is told again the first counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec
from msgspec.structs import astuple

from events.accounts import AccountErased
from events.generations import GenerationRequested
from events.moderation import REFUSED, WORDS, ModerationVerdict
from events.state import Account
from projections.place import Handler, Place
from projections.rows import put
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("moderation.sql"))
THE_WORDS = -1
"""The index of what is no photo or picture."""
LISTS = "lists"
"""The provider of the first stage."""


class VerdictRow(msgspec.Struct, gc=False):
    """One verdict; the fields are the table's columns in order."""

    account_id: str
    generation_id: str
    stage: str
    index: int
    round: int
    provider: str
    verdict: str
    rule_id: str | None
    reason: str
    list_version: str
    at_ms: int

    @property
    def key(self) -> tuple[str, str, str, int, int, str]:
        """The table's primary key."""
        return (
            *(self.account_id, self.generation_id, self.stage),
            *(self.index, self.round, self.provider),
        )


class Verdicts:
    """What one batch adds."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str, int, int, str], VerdictRow] = {}
        self._erased: list[str] = []

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {
            GenerationRequested: self._requested,
            ModerationVerdict: self._judged,
            AccountErased: self._account_erased,
        }

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the table."""
        if self._erased:
            await connection.execute(QUERIES.erase_verdicts, self._erased)
        rows = list(map(astuple, self.rows.values()))
        await put(connection, QUERIES, "add", "moderation_verdicts", rows)

    def _requested(
        self, event: GenerationRequested, before: Account, _after: Account, place: Place
    ) -> None:
        if event.prohibited is None or before.erased is not None:
            return
        rule_id, version = event.prohibited.rule_id, event.prohibited.list_version
        self._add(
            VerdictRow(
                *(event.account_id, event.generation_id, WORDS, THE_WORDS, 1, LISTS, REFUSED),
                rule_id,
                rule_id,
                version,
                place.appended_at_ms,
            )
        )

    def _judged(
        self, event: ModerationVerdict, before: Account, _after: Account, place: Place
    ) -> None:
        if before.erased is not None:
            return
        self._add(
            VerdictRow(
                event.account_id,
                event.generation_id,
                event.stage,
                THE_WORDS if event.index is None else event.index,
                event.round,
                event.provider,
                event.verdict,
                event.rule_id,
                event.reason,
                event.list_version,
                place.appended_at_ms,
            )
        )

    def _add(self, row: VerdictRow) -> None:
        self.rows.setdefault(row.key, row)

    def _account_erased(
        self, event: AccountErased, _before: Account, _after: Account, _place: Place
    ) -> None:
        for key in [key for key in self.rows if key[0] == event.account_id]:
            del self.rows[key]
        self._erased.append(event.account_id)
