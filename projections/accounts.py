"""The folded state of every account, beside the rows that follow from it.

A bounded number of states is kept in memory; the others are loaded when a batch touches them. A
state that a batch changed is written in the batch's transaction, so rows, states and offsets
always tell of the same place in the log.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg
import msgspec

from events.ids import AccountId
from events.state import Account, decode_hook, encode_hook
from projections import metrics
from projections.rows import put
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("accounts.sql"))
_encode = msgspec.msgpack.Encoder(enc_hook=encode_hook).encode
_decode = msgspec.msgpack.Decoder(Account, dec_hook=decode_hook).decode


class States:
    """States by account: a bounded memory over the table.

    Args:
        accounts_max: how many to keep in memory between batches.
    """

    def __init__(self, pool: Pool, schema: str, accounts_max: int) -> None:
        self._pool = pool
        self._schema = schema
        self._accounts_max = accounts_max
        self._kept: OrderedDict[str, Account] = OrderedDict()
        self._writing: Mapping[str, Account] = {}

    async def load(self, account_ids: Iterable[str]) -> dict[str, Account]:
        """The states of these accounts; an account that was never heard of gets its first."""
        found: dict[str, Account] = {}
        missing: list[str] = []
        for account_id in account_ids:
            account = self._kept.get(account_id) or self._writing.get(account_id)
            if account is None:
                missing.append(account_id)
            else:
                found[account_id] = account
        if missing:
            async with transaction(self._pool, search_path=self._schema) as connection:
                rows = await connection.fetch(QUERIES.load, missing)
            for (state,) in rows:
                account = _decode(state)
                found[account.account_id] = account
            for account_id in missing:
                if account_id not in found:
                    found[account_id] = Account(account_id=AccountId(account_id))
        metrics.STATE_LOADS.inc(len(missing))
        return found

    def keep(self, used: Mapping[str, Account], changed: Mapping[str, Account]) -> None:
        """Remember a folded batch's states; `changed` must be found until it is in the table."""
        self._writing = changed
        kept = self._kept
        for account_id, account in used.items():
            kept[account_id] = account
            kept.move_to_end(account_id)
        while len(kept) > self._accounts_max:
            kept.popitem(last=False)

    def forget(self) -> None:
        """Trust the table alone: ownership changed, or what was folded will not be written."""
        self._kept.clear()
        self._writing = {}


async def write(connection: asyncpg.Connection, changed: Mapping[str, Account]) -> None:
    """Put changed states into the table."""
    rows = [
        (account_id, account.head, account.sequence, _encode(account))
        for account_id, account in changed.items()
    ]
    await put(connection, QUERIES, "upsert", "accounts", rows)
