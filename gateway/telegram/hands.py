"""What handlers of updates work with: whose account a Telegram user's is, and the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from events.codec import Event
from events.ids import AccountId, fact_id
from gateway.events_out import EVENTS, outgoing
from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Deps, Log

_QUERIES = load_queries(Path(__file__).with_name("hands.sql"))


class Hands:
    """Finds accounts and appends what Telegram told of them.

    Args:
        pool: holds whose accounts they are.
        log: takes the facts.
    """

    def __init__(self, pool: Pool, log: Log) -> None:
        self._accounts = Batcher(pool, _ask_accounts).find
        self._log = log
        self._deps: Deps | None = None

    @property
    def deps(self) -> Deps:
        """Everything that a handler of HTTP requests has: what a person asks for in a chat is
        done by the same functions.
        """
        assert self._deps is not None, "attached where the gateway is wired"
        return self._deps

    def attach(self, deps: Deps) -> None:
        """Hand over the parts, once there are all of them: this is one of them."""
        self._deps = deps

    async def account_of(self, telegram_id: int) -> AccountId | None:
        """The account that a Telegram user signs in to; None: they never did, or it is erased.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        return await self._accounts(str(telegram_id))

    async def append(self, event: Event, update_id: int) -> None:
        """Append a fact about an account, once however often its update comes.

        A repeated update makes the same record with the same id, which every reader drops.

        Args:
            event: told by the update; its time is Telegram's.
            update_id: of the update.

        Raises:
            PixelpopError: it is not known to be in the log.
        """
        event_id = fact_id(event.account_id, f"telegram:{update_id}")
        time_ms = getattr(event, "occurred_at_ms", 0)
        record = outgoing(event, event_id, correlation_id=event.account_id, time_ms=time_ms)
        await self._log.append(EVENTS, record)


async def _ask_accounts(
    connection: Connection, telegram_ids: Sequence[str]
) -> Mapping[str, AccountId]:
    rows = await connection.fetch(_QUERIES.accounts, list(telegram_ids))
    return {row["subject_id"]: AccountId(str(row["account_id"])) for row in rows}
