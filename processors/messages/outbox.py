"""Messages that are to be sent, whose turn it is, how each ended; all in PostgreSQL.

A row of `bot_messages` is made once per message and stays long enough that what it tells of, met
again in the log, finds it. A message is claimed before it is sent, as a paid call is: every update
names the lease's epoch, and a call that must not be made twice is noted before it is made.

Every method may raise `DatabaseUnavailable`. All but `claim` and `turn` are safe to repeat then: a
claim whose answer was lost is a message that waits for its lease, a lost turn one call fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import asyncpg
import msgspec

from processors.messages.telling import Detail, Note
from runtime.postgres.pool import Pool, transaction
from runtime.queries import load_queries

_QUERIES = load_queries(Path(__file__).with_name("outbox.sql"))

LOCK: Final = 7_265_002
"""The advisory lock under which messages are claimed; ours alone in this database."""
LOOKED_AT_MAX: Final = 500
"""Of what is due, so much is looked at for one claim."""
PRUNED_AT_ONCE: Final = 1_000
CLOSED_SECONDS_MAX: Final = 5.0
"""How long everybody waits when one chat alone was told to."""

State = Literal["pending", "done", "skipped", "failed", "uncertain"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A message, and the right to send it."""

    message_id: UUID
    account_id: UUID
    kind: str
    about: str
    detail: Detail
    tries: int
    lease_epoch: int
    begun: bool
    """Somebody began to send it, and nobody knows whether it was."""
    age_seconds: float
    """Since it was planned."""


class Outbox:
    """The tables of migration 130.

    Args:
        pool: connected as `pixelpop_messages`.
        seconds_per_call: of all senders together.
    """

    def __init__(self, pool: Pool, *, seconds_per_call: float) -> None:
        self._pool = pool
        self._seconds_per_call = seconds_per_call

    async def began_ms(self) -> int:
        """Since when what happens is told, by the log's clock."""
        async with transaction(self._pool) as connection:
            began: int = await connection.fetchval(_QUERIES.began)
        return began

    async def plan(self, notes: Sequence[tuple[UUID, Note]]) -> int:
        """Put down what is not there yet, each with whose it is; how many those are.

        An account that was erased meanwhile is told nothing: then none of these is put down.
        """
        try:
            async with transaction(self._pool) as connection:
                rows = await connection.fetch(
                    _QUERIES.plan,
                    [UUID(note.message_id) for _, note in notes],
                    [account_id for account_id, _ in notes],
                    [note.kind for _, note in notes],
                    [note.about for _, note in notes],
                    [msgspec.json.encode(note.detail).decode() for _, note in notes],
                )
        except asyncpg.ForeignKeyViolationError:
            return 0
        return len(rows)

    async def claim(self, count_max: int, lease_seconds: float) -> list[Claim]:
        """Take what is due, of each person one at most."""
        try:
            async with transaction(self._pool) as connection:
                await connection.execute(_QUERIES.lock, LOCK)
                rows = await connection.fetch(
                    _QUERIES.claim, count_max, LOOKED_AT_MAX, lease_seconds
                )
        except asyncpg.ForeignKeyViolationError:
            return []  # an account is being erased at this moment; its messages go with it
        return [
            Claim(**{**dict(row), "detail": msgspec.json.decode(row["detail"], type=Detail)})
            for row in rows
        ]

    async def turn(self) -> float:
        """Take a place in line; how many seconds it is until then."""
        async with transaction(self._pool) as connection:
            wait: float = await connection.fetchval(_QUERIES.turn, self._seconds_per_call)
        return wait

    async def begin(self, claim: Claim, *, once: bool) -> bool:
        """Whether the call may be made now; `once`: note it, for it must not be made twice."""
        async with transaction(self._pool) as connection:
            found = await connection.fetchval(
                _QUERIES.begin, claim.message_id, claim.lease_epoch, once
            )
        return found is not None

    async def finish(
        self,
        claim: Claim,
        state: State,
        outcome: str,
        *,
        again_seconds: float = 0.0,
        pause_seconds: float = 0.0,
    ) -> None:
        """Note how a try ended; one that was taken over changes nothing any more.

        Args:
            claim: the try.
            state: of the message from now on.
            outcome: in a word.
            again_seconds: for `pending`: after how long it is due.
            pause_seconds: how long the person is written nothing.
        """
        async with transaction(self._pool) as connection:
            await connection.execute(
                _QUERIES.finish,
                claim.message_id,
                claim.lease_epoch,
                state,
                outcome,
                again_seconds,
                pause_seconds,
            )

    async def close(self, account_id: UUID, seconds: float) -> None:
        """Telegram said to wait: nobody writes to this person, nor for a while to anybody."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.close, account_id, seconds, CLOSED_SECONDS_MAX)

    async def skip_all(self, account_id: UUID, outcome: str) -> None:
        """Send nothing of what waits for this person."""
        async with transaction(self._pool) as connection:
            await connection.execute(_QUERIES.skip_all, account_id, outcome)

    async def prune(self, older_than_seconds: float) -> bool:
        """Delete some that are older; whether there may be more."""
        async with transaction(self._pool) as connection:
            done = await connection.execute(_QUERIES.prune, older_than_seconds, PRUNED_AT_ONCE)
        return str(done) == f"DELETE {PRUNED_AT_ONCE}"
