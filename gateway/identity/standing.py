"""Whether an account may be used at this moment: it exists, was not erased, is not banned.

Asked before anything that speaks for the account is accepted, and not again while that is kept at
hand; what ends an account in between is told by the log's tail, which drops what was kept. The
database may be behind the log by then, so who was told to be erased stays erased here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from gateway.web.errors import Problem
from runtime.crypto.keys import AccountKeys, KeyDestroyed, unwrap
from runtime.crypto.master import MasterKeys
from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool
from runtime.queries import load_queries

ERASED_MAX: Final = 100_000
"""Accounts whose erasure is remembered; the oldest are gone from the database long since."""

BANNED: Final = "This account is blocked. Write to support."
ERASED: Final = "This account was erased. Sign in again to make a new one."

_QUERIES = load_queries(Path(__file__).with_name("standing.sql"))


class Standing(NamedTuple):
    """What the database says of an account."""

    wrapped_key: bytes
    banned: bool


class Standings:
    """Refuses accounts that may not be used.

    Args:
        pool: holds the identities.
        keys: told of every key that is opened here.
        masters: open them.
    """

    def __init__(self, pool: Pool, keys: AccountKeys, masters: MasterKeys) -> None:
        self._find = Batcher(pool, _ask).find
        self._keys = keys
        self._masters = masters
        self._erased: OrderedDict[str, None] = OrderedDict()

    async def key_of(self, account_id: str) -> bytes:
        """The account's key, if it may be used.

        Raises:
            Problem: it may not.
            KeyDestroyed: there is no such account (any more).
            PixelpopError: the database cannot be reached.
        """
        self.refuse_erased(account_id)
        uuid = UUID(account_id)
        standing = await self._find(uuid)
        self.refuse_erased(account_id)  # the tail may have told of it meanwhile
        if standing is None:
            raise KeyDestroyed(f"The key of account {account_id} does not exist.")
        if standing.banned:
            raise Problem("account-banned", BANNED)
        key = unwrap(self._masters, standing.wrapped_key, uuid)
        self._keys.put(uuid, key)
        return key

    def erased(self, account_id: str) -> None:
        """The log says that the account was erased."""
        self._erased[account_id] = None
        self._erased.move_to_end(account_id)
        if len(self._erased) > ERASED_MAX:
            self._erased.popitem(last=False)

    def refuse_erased(self, account_id: str) -> None:
        """Refuse an account that the log said was erased.

        Raises:
            Problem: it was.
        """
        if account_id in self._erased:
            raise Problem("account-erased", ERASED)


async def _ask(connection: Connection, accounts: Sequence[UUID]) -> Mapping[UUID, Standing]:
    rows = await connection.fetch(_QUERIES.get_standings, list(accounts))
    return {row["account_id"]: Standing(row["wrapped_key"], row["banned"]) for row in rows}
