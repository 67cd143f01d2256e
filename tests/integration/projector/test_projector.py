"""The projector on real servers: the log in, rows out."""

from __future__ import annotations

import asyncpg

from tests.integration.projector.conftest import RunProjector
from tests.integration.projector.log import TestLog, caught_up, table


async def test_rows_tell_the_folded_states(
    log: TestLog, run_projector: RunProjector, owner: asyncpg.Connection
) -> None:
    """Balances and ledgers in the tables are those of the accounts folded one by one."""
    states = await log.write(1000)
    async with run_projector():
        await caught_up(owner, log)
    rows = {str(row["account_id"]): row for row in await table(owner, "read.credit_accounts")}
    assert len(rows) == len(states)
    for state in states:
        row = rows[state.account_id]
        assert row["available"] == state.available
        assert row["spent"] == state.spent
        assert row["sequence"] == state.sequence
