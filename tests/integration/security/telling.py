"""What somebody is told: what an answer says that it would not say if the victim were not there.

Each query is run as a role and an identity, with the victim's own values as arguments, over the
same database as it is and then without the victim's rows of one table. Where the answers differ,
rows or refusals, the query tells of that table: a value, or that there is something. Constants,
settings and whether a function exists do not differ. Everything happens inside a transaction that
is rolled back, on the owner's connection, which can also look at what was changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from tests.integration.security.robbery import Query, Victim, combinations

Answers = list[Any]


class Told(NamedTuple):
    """What one query gave somebody, over all combinations of arguments."""

    of: frozenset[str]
    """Tables of whose rows of the victim's it told."""
    changed: frozenset[str]
    """Tables in which rows of the victim's were changed."""
    refused: bool
    """Whether the role may not run it at all."""


@asynccontextmanager
async def undone(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction, or a part of one, that leaves nothing."""
    inner = owner.transaction()
    await inner.start()
    try:
        yield
    finally:
        await inner.rollback()


async def become(owner: asyncpg.Connection, role: str, identity: UUID | None) -> None:
    """Until the part of the transaction ends."""
    await owner.execute(f"SET LOCAL ROLE {role}; SET LOCAL app.account_id = '{identity or ''}'")


async def forget(owner: asyncpg.Connection, victim: Victim, tables: Iterable[str]) -> None:
    """Take the victim's rows out of these tables, and touch nothing that refers to them.

    No foreign key is checked from here on: what refers to nothing now would be refused for that.
    """
    await owner.execute("SET LOCAL session_replication_role = replica")
    for table in tables:
        await owner.execute(f"DELETE FROM {table} WHERE account_id = $1", victim.account_id)


async def attempt(
    owner: asyncpg.Connection,
    query: Query,
    victim: Victim,
    *,
    role: str,
    identity: UUID | None,
    most: int,
) -> Told:
    """Run one query as this role and identity with everything of the victim's."""
    nothing: frozenset[str] = frozenset()
    async with undone(owner):
        if query.file.startswith("projections/"):
            await owner.execute("SET LOCAL search_path = read_v1, public")
        try:
            prepared = await owner.prepare(query.text)
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError):
            return Told(nothing, nothing, refused=True)  # over a temporary table
        except asyncpg.PostgresSyntaxError as error:
            raise AssertionError(f"{query} is no statement by itself") from error
        arguments = list(combinations(query, prepared.get_parameters(), victim, most))
        run = _Run(owner, prepared, arguments, role, identity)
        with_all, changed = await run.looking(victim) if query.writes else (await run(), nothing)
        if with_all is None:
            return Told(nothing, nothing, refused=True)
        everything = list(victim.rows)
        if not _differ(with_all, await run.without(victim, everything), await run()):
            return Told(nothing, changed, refused=False)
        again = await run()
        of = {
            table
            for table in everything
            if _differ(with_all, await run.without(victim, [table]), again)
        }
        # Told only by several tables together: then of each of them.
        return Told(frozenset(of or everything), changed, refused=False)


class _Run(NamedTuple):
    owner: asyncpg.Connection
    prepared: Any
    arguments: list[tuple[Any, ...]]
    role: str
    identity: UUID | None

    async def __call__(self) -> Answers | None:
        """An answer to each combination; `None`: the role may not ask."""
        answers: Answers = []
        for arguments in self.arguments:
            async with undone(self.owner):
                answer = await self._ask(arguments)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    async def without(self, victim: Victim, tables: Iterable[str]) -> Answers | None:
        async with undone(self.owner):
            await forget(self.owner, victim, tables)
            return await self()

    async def looking(self, victim: Victim) -> tuple[Answers | None, frozenset[str]]:
        """The same, and which tables' rows of the victim's it changed."""
        answers: Answers = []
        changed: set[str] = set()
        for arguments in self.arguments:
            after = None
            async with undone(self.owner):
                answer = await self._ask(arguments)
                if answer is None:
                    return None, frozenset()
                answers.append(answer)
                if isinstance(answer, list) and not self.prepared.get_statusmsg().endswith(" 0"):
                    await self.owner.execute("RESET ROLE")
                    after = await self._rows_of(victim)
            if after is not None:
                before = await self._rows_of(victim)  # all that was done is undone again
                changed |= {table for table in before if before[table] != after[table]}
        return answers, frozenset(changed)

    async def _rows_of(self, victim: Victim) -> dict[str, str]:
        """Everything that the database knows of the victim, as text; table → rows."""
        each = (
            f"SELECT '{table}', coalesce(array_agg(t::text ORDER BY t::text), '{{}}')::text"
            f" FROM {table} AS t WHERE account_id = '{victim.account_id}'"
            for table in victim.rows
        )
        return dict(await self.owner.fetch(" UNION ALL ".join(each)))

    async def _ask(self, arguments: tuple[Any, ...]) -> Any:
        """Rows, or the kind of refusal; `None`: permission denied."""
        await become(self.owner, self.role, self.identity)
        try:
            async with self.owner.transaction():
                return await self.prepared.fetch(*arguments)
        except asyncpg.InsufficientPrivilegeError as error:
            return None if "permission denied" in str(error) else type(error)
        except asyncpg.PostgresError as error:
            return type(error)
        except asyncpg.DataError:
            return asyncpg.DataError


def _differ(one: Answers | None, other: Answers | None, again: Answers | None) -> bool:
    """Whether answers differ otherwise than by what differs at every asking (random ids)."""
    if one is None or other is None or again is None:
        return one is not other
    return any(
        mine != without
        and _steady(mine, _moving(mine, same)) != _steady(without, _moving(mine, same))
        for mine, without, same in zip(one, other, again, strict=True)
    )


def _steady(answer: Any, same: Any) -> Any:
    """An answer without the columns that a second asking answers otherwise."""
    if not isinstance(answer, list) or not isinstance(same, list):
        return answer
    return [{name: value for name, value in row.items() if name not in same} for row in answer]


def _moving(answer: Any, again: Any) -> list[str]:
    """Columns that two askings over the same rows answer differently."""
    if not isinstance(answer, list) or not isinstance(again, list):
        return []
    pairs = zip(map(dict, answer), map(dict, again), strict=False)
    return [name for row, other in pairs for name in row if row[name] != other.get(name)]
