"""What somebody is told: what an answer says that it would not say if the victim were not there.

Each query is run as a role and an identity, with the victim's own values as arguments, over the
same database as it is and then without the victim's rows of one table. Where the answers differ,
rows or refusals, the query tells of that table: a value, or that there is something. Constants,
settings and whether a function exists do not differ. Everything happens inside a transaction that
is rolled back, on the owner's connection, which can also look at what was changed.

Taking rows away and putting them back is what costs time: all queries are asked over the whole,
then all of them over each state of the database that lacks something.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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


async def become(
    owner: asyncpg.Connection, role: str, identity: UUID | None, before: str = "SELECT"
) -> None:
    """Until the part of the transaction ends; `before` is a statement that goes first."""
    await owner.execute(
        f"{before}; SET LOCAL ROLE {role}; SET LOCAL app.account_id = '{identity or ''}'"
    )


async def forget(owner: asyncpg.Connection, victim: Victim, tables: Iterable[str]) -> None:
    """Take the victim's rows out of these tables, and touch nothing that refers to them.

    No foreign key is checked from here on: what refers to nothing now would be refused for that.
    """
    deletes = (f"DELETE FROM {table} WHERE account_id = '{victim.account_id}'" for table in tables)
    await owner.execute("; ".join(["SET LOCAL session_replication_role = replica", *deletes]))


class Prepared(NamedTuple):
    """A query that the server has parsed, and what to ask it with."""

    query: Query
    statement: Any
    """None where it cannot be run alone: it is over a table that another query makes."""
    arguments: Sequence[tuple[Any, ...]]


async def prepare(
    owner: asyncpg.Connection, queries: Iterable[Query], victim: Victim, *, most: int
) -> list[Prepared]:
    """Queries with everything of the victim's, at most so many combinations of it for each."""
    found = []
    for query in queries:
        async with undone(owner):
            await owner.execute(_path(query))
            try:
                statement = await owner.prepare(query.text)
            except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError):
                found.append(Prepared(query, None, ()))
                continue
            except asyncpg.PostgresSyntaxError as error:
                raise AssertionError(f"{query} is no statement by itself") from error
            arguments = combinations(query, statement.get_parameters(), victim, most)
            found.append(Prepared(query, statement, list(arguments)))
    return found


async def attempt(
    owner: asyncpg.Connection,
    prepared: Iterable[Prepared],
    victim: Victim,
    *,
    role: str,
    identities: Sequence[UUID | None],
) -> list[tuple[Query, Told]]:
    """Ask all of it as this role, under each of these identities."""
    nothing: frozenset[str] = frozenset()
    runs = []
    told = []
    async with undone(owner):
        before = await _rows_of(owner, victim)
        for one in prepared:
            for identity in identities:
                run = _Run(owner, one, role, identity)
                if await run.over_all(victim, before):
                    runs.append(run)
                else:  # whoever the role acts for
                    told.append((one.query, Told(nothing, nothing, refused=True)))
                    break
        await _find_what_they_tell_of(owner, runs, victim)
    told += [
        (run.prepared.query, Told(frozenset(run.of), frozenset(run.changed), refused=False))
        for run in runs
    ]
    return told


async def refused(
    owner: asyncpg.Connection,
    prepared: Iterable[Prepared],
    victim: Victim,
    *,
    role: str,
    identity: UUID | None,
) -> list[Query]:
    """Those of the queries that the role may not run."""
    async with undone(owner):
        before = await _rows_of(owner, victim)
        return [
            one.query
            for one in prepared
            if not await _Run(owner, one, role, identity).over_all(victim, before)
        ]


async def _find_what_they_tell_of(
    owner: asyncpg.Connection, runs: list[_Run], victim: Victim
) -> None:
    everything = list(victim.rows)
    async with undone(owner):
        await forget(owner, victim, everything)
        without = [await run() for run in runs]
    unlike = []
    for run, answers in zip(runs, without, strict=True):
        if answers != run.with_all:
            run.again = await run()
            if run.differs_from(answers):
                unlike.append(run)
    for table in everything:
        async with undone(owner):
            await forget(owner, victim, [table])
            run_of_table = [(run, await run()) for run in unlike]
        for run, answers in run_of_table:
            if run.differs_from(answers):
                run.of.add(table)
    for run in unlike:
        # Told only by several tables together: then of each of them.
        run.of = run.of or set(everything)


@dataclass
class _Run:
    """One query as one role under one identity."""

    owner: asyncpg.Connection
    prepared: Prepared
    role: str
    identity: UUID | None
    with_all: Answers = field(default_factory=list)
    again: Answers | None = None
    of: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)

    async def __call__(self) -> Answers | None:
        """An answer to each combination; `None`: the role may not ask."""
        answers: Answers = []
        for arguments in self.prepared.arguments:
            async with undone(self.owner):
                answer = await self._ask(arguments)
            if answer is None:
                return None
            answers.append(answer)
        return answers

    async def over_all(self, victim: Victim, before: dict[str, str]) -> bool:
        """Ask over everything, and see which tables' rows of the victim's that changes.

        Returns whether the role may ask.
        """
        if self.prepared.statement is None:
            return False
        for arguments in self.prepared.arguments:
            async with undone(self.owner):
                answer = await self._ask(arguments)
                if answer is None:
                    return False
                self.with_all.append(answer)
                if self._wrote(answer):
                    await self.owner.execute("RESET ROLE")
                    after = await _rows_of(self.owner, victim)
                    self.changed |= {one for one in before if before[one] != after[one]}
        return True

    def differs_from(self, answers: Answers | None) -> bool:
        """Whether these are other answers, in what is not different at every asking."""
        return _differ(self.with_all, answers, self.again)

    def _wrote(self, answer: Any) -> bool:
        said = self.prepared.statement.get_statusmsg()
        return self.prepared.query.writes and isinstance(answer, list) and not said.endswith(" 0")

    async def _ask(self, arguments: tuple[Any, ...]) -> Any:
        """Rows, or the kind of refusal; `None`: permission denied."""
        await become(self.owner, self.role, self.identity, _path(self.prepared.query))
        try:
            return await self.prepared.statement.fetch(*arguments)
        except asyncpg.InsufficientPrivilegeError as error:
            return None if "permission denied" in str(error) else type(error)
        except asyncpg.PostgresError as error:
            return type(error)
        except asyncpg.DataError:
            return asyncpg.DataError


def _path(query: Query) -> str:
    """Where the query looks for its tables."""
    schemas = "read_v1, public" if query.file.startswith("projections/") else "public"
    return f"SET LOCAL search_path = {schemas}"


async def _rows_of(owner: asyncpg.Connection, victim: Victim) -> dict[str, str]:
    """Everything that the database knows of the victim, as text; table → rows."""
    each = (
        f"SELECT '{table}', coalesce(array_agg(t::text ORDER BY t::text), '{{}}')::text"
        f" FROM {table} AS t WHERE account_id = '{victim.account_id}'"
        for table in victim.rows
    )
    return dict(await owner.fetch(" UNION ALL ".join(each)))


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
