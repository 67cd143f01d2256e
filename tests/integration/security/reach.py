"""What a role can reach of somebody else by any statement, tried table by table.

Not by the project's queries: by the plainest statements there are, one column at a time, over a
database in which each table has the victim's rows alone. A statement that fails on a constraint
has reached the row.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import asyncpg

from tests.integration.security.robbery import Victim
from tests.integration.security.telling import become, undone

ALL = frozenset({"*"})


class Reach(NamedTuple):
    """Columns of one table, `*` for all of them."""

    reads: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    adds: bool = False
    removes: bool = False


async def reach(
    owner: asyncpg.Connection, victim: Victim, *, role: str, identity: UUID | None
) -> dict[str, Reach]:
    """What the role can do with the victim's rows while it acts as `identity`; table → reach."""
    found = {}
    for table in await _granted(owner, victim, role):
        async with undone(owner):
            await owner.execute("SET LOCAL session_replication_role = replica")
            await owner.execute(
                f"DELETE FROM {table} WHERE account_id IS DISTINCT FROM $1", victim.account_id
            )
            tried = _Table(owner, table, role, identity)
            found[table] = Reach(
                reads=await tried.columns("SELECT {column} FROM {table}"),
                changes=await tried.columns("UPDATE {table} SET {column} = DEFAULT"),
                adds=await tried.adds(victim.account_id),
                removes=await tried.reaches(f"DELETE FROM {table}"),
            )
    return {table: one for table, one in found.items() if one != Reach()}


async def _granted(owner: asyncpg.Connection, victim: Victim, role: str) -> list[str]:
    """Tables in which the role has any right, itself or by another role; the rest denies all."""
    rows = await owner.fetch(
        "SELECT name FROM unnest($1::text[]) AS name WHERE"
        " has_any_column_privilege($2, name, 'SELECT, INSERT, UPDATE')"
        " OR has_table_privilege($2, name, 'DELETE')",
        list(victim.rows),
        role,
    )
    return [row["name"] for row in rows]


class _Table(NamedTuple):
    owner: asyncpg.Connection
    table: str
    role: str
    identity: UUID | None

    async def columns(self, statement: str) -> frozenset[str]:
        """For which columns the statement reaches a row."""
        names = await self._names()
        reached = frozenset(
            [
                name
                for name in names
                if await self.reaches(statement.format(column=f'"{name}"', table=self.table))
            ]
        )
        return ALL if reached == frozenset(names) else reached

    async def adds(self, account_id: UUID) -> bool:
        """Whether the role may make a row of the victim's, of the columns that it may give."""
        names = [
            row["name"]
            for row in await self.owner.fetch(
                "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass"
                " AND attnum > 0 AND NOT attisdropped"
                " AND has_column_privilege($2, attrelid, attnum, 'INSERT')",
                self.table,
                self.role,
            )
        ]
        if "account_id" not in names:
            return False
        listed = ", ".join(f'"{name}"' for name in names)
        async with undone(self.owner):
            row = await self.owner.fetchval(
                f"SELECT to_jsonb(t)::text FROM {self.table} AS t WHERE account_id = $1", account_id
            )
            await self.owner.execute(f"DELETE FROM {self.table}")
            copy = (
                f"INSERT INTO {self.table} ({listed})"
                f" SELECT {listed} FROM jsonb_populate_record(NULL::{self.table}, $1::text::jsonb)"
            )
            return await self.reaches(copy, row)

    async def reaches(self, statement: str, *arguments: str) -> bool:
        """Whether the statement does something with a row, or fails on what the row must be."""
        async with undone(self.owner):
            await become(self.owner, self.role, self.identity)
            try:
                async with self.owner.transaction():
                    prepared = await self.owner.prepare(statement)
                    await prepared.fetch(*arguments)
                    return not prepared.get_statusmsg().endswith(" 0")
            except asyncpg.InsufficientPrivilegeError:
                return False
            except asyncpg.IntegrityConstraintViolationError:
                return True

    async def _names(self) -> list[str]:
        rows = await self.owner.fetch(
            "SELECT attname::text FROM pg_attribute"
            " WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped",
            self.table,
        )
        return [row[0] for row in rows]
