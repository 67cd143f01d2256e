"""What an erased account owed, its person's next account owes (design §1: nobody sheds a debt).

The decider writes the debt of an erased account off, and the read models say how much. It waits
in the table `debts` under the person's marks until a live account is known under one of them;
then the log is told, by a fact that names the debt and not the account that it came from.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog

from events.accounts import DebtCarried
from events.codec import encode
from events.envelope import headers_for
from events.ids import AccountId, SourceId, fact_id
from events.topics import EVENTS
from processors.eraser import metrics
from processors.eraser.erasing import QUERIES, debt_id
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing
from runtime.postgres.pool import Pool, transaction

_log = structlog.get_logger(__name__)

SOURCE: Final = "/pixelpop/eraser"
PAGE: Final = 500
_BEFORE_ALL: Final = UUID(int=0)


class Debts:
    """Notes debts of erased accounts, and tells the log whose they are.

    Args:
        pool: as the role `pixelpop_eraser`.
        producer: appends the facts.
        clock: the broker's time.
        marks_days: for how long after its end an account's debts are looked for.
    """

    def __init__(
        self, pool: Pool, producer: LogProducer, clock: BrokerClock, *, marks_days: int
    ) -> None:
        self._pool = pool
        self._producer = producer
        self._clock = clock
        self._marks_days = marks_days

    async def settle(self) -> None:
        """Note what became of the credits of accounts that were erased lately."""
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(QUERIES.unsettled, PAGE)
        await self._note([row["account_id"] for row in rows])

    async def look_again(self) -> None:
        """Note what was charged back long after; forget whom nobody can charge any more."""
        last = _BEFORE_ALL
        while True:
            async with transaction(self._pool) as connection:
                rows = await connection.fetch(QUERIES.chargeable, last, PAGE)
            if not rows:
                break
            await self._note([row["account_id"] for row in rows])
            last = rows[-1]["account_id"]
        async with transaction(self._pool) as connection:
            await connection.execute(QUERIES.forget_marks, self._marks_days)

    async def carry(self) -> None:
        """Tell the log of debts whose person has a live account."""
        async with transaction(self._pool) as connection:
            await connection.execute(QUERIES.assign_debts)
            rows = await connection.fetch(QUERIES.assigned_debts, PAGE)
        for row in rows:
            await self._tell(row["debt_id"], row["account_id"], row["credits"])

    async def _note(self, account_ids: list[UUID]) -> None:
        if not account_ids:
            return
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(QUERIES.balances, account_ids)
        for row in rows:
            if row["settled"]:
                await self._note_one(row["account_id"], row["written_off"])

    async def _note_one(self, account_id: UUID, written_off: int) -> None:
        async with transaction(self._pool) as connection:
            noted = await connection.fetchrow(QUERIES.note_debt, account_id, written_off)
            if noted is not None and noted["marks"]:
                debt = UUID(debt_id(account_id, written_off))
                await connection.execute(QUERIES.add_debt, debt, noted["marks"], noted["credits"])
                await connection.execute(QUERIES.owe, noted["marks"], noted["credits"])
            await connection.execute(QUERIES.settled, account_id)

    async def _tell(self, debt: UUID, account_id: UUID, credits_owed: int) -> None:
        now_ms = self._clock.now_ms()
        account = AccountId(str(account_id))
        event = DebtCarried(
            account_id=account,
            occurred_at_ms=now_ms,
            source_id=SourceId(str(debt)),
            credits=credits_owed,
        )
        headers = headers_for(
            event,
            fact_id(str(debt), "carried"),
            source=SOURCE,
            time_ms=now_ms,
            correlation_id=account,
        )
        await self._producer.append(EVENTS, Outgoing(account.encode(), encode(event), headers))
        async with transaction(self._pool) as connection:
            carried = await connection.fetchrow(QUERIES.carried, debt)
            if carried is not None:
                await connection.execute(QUERIES.owe, carried["marks"], -carried["credits"])
        metrics.DEBTS.inc()
        _log.info("debt carried", account_id=account, credits=credits_owed)
