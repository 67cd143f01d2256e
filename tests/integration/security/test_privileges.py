"""Every database role's rights, from the catalogue, are the ones that were agreed to."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from runtime.postgres import privileges
from runtime.postgres.privileges import GOLDEN, describe
from runtime.postgres.roles import GROUPS
from tests.integration.gateway.world import World

OWNERS = {
    "pixelpop_projector": (
        r"(schema|table|view) read(_v1)?\b"
        r"|function (read\.|public\.(counted|delivered|sent|message|audit)_)"
    ),
    "pixelpop_keeper": r"function public\.",
}
"""Who may own things, and which: read models; functions that see more than their caller."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owner(world: World) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(world.database.owner_url)
    yield connection
    await connection.close()


async def test_rights_are_the_agreed_ones(owner: asyncpg.Connection) -> None:
    """A right that somebody adds or takes away shows as a difference of a file that is reviewed."""
    assert (await describe(owner)).splitlines() == GOLDEN.read_text().splitlines(), (
        "see runtime/postgres/privileges.py for how to write the file anew"
    )


async def test_a_right_more_is_seen(owner: asyncpg.Connection) -> None:
    """The comparison can fail: grants on a column, to everybody, to a new policy, each shows."""
    before = set((await describe(owner)).splitlines())
    for statement, expected in (
        ("GRANT SELECT (mark) ON identity_marks TO pixelpop_worker", "SELECT (mark)"),
        ("GRANT SELECT ON read_v1.voids TO PUBLIC", "table read_vN.voids: SELECT"),
        (
            "CREATE POLICY open ON api_keys TO PUBLIC USING (true)",
            "policy on public.api_keys: open",
        ),
        ("ALTER TABLE exports OWNER TO pixelpop_gateway", "owns table public.exports"),
        ("CREATE FUNCTION leak() RETURNS int LANGUAGE sql RETURN 1", "function public.leak()"),
        ("GRANT pixelpop_keeper TO pixelpop_worker", "member of pixelpop_keeper"),
        ("ALTER ROLE pixelpop_decider BYPASSRLS", "pixelpop_decider BYPASSRLS"),
    ):
        changing = owner.transaction()
        await changing.start()
        await owner.execute(statement)
        more = set((await describe(owner)).splitlines()) - before
        await changing.rollback()
        assert any(expected in line for line in more), statement


async def test_every_role_of_the_migrations_is_listed(owner: asyncpg.Connection) -> None:
    """A group role that a new migration makes is in the list that all these tests go through."""
    rows = await owner.fetch(
        r"SELECT rolname FROM pg_roles WHERE rolname LIKE 'pixelpop\_%' AND NOT rolcanlogin"
    )
    assert {row[0] for row in rows} == set(GROUPS)


async def test_no_role_is_above_the_rules(owner: asyncpg.Connection) -> None:
    """None is superuser, bypasses row security, makes roles or databases, or becomes one that does.

    Logins of processes are members of their own group and of nothing else.
    """
    rows = await owner.fetch(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication"
        " AS above, rolcanlogin, ARRAY(SELECT roleid::regrole::text FROM pg_auth_members"
        r" WHERE member = r.oid) AS groups FROM pg_roles AS r WHERE rolname LIKE 'pixelpop\_%'"
    )
    logins = 0
    for row in rows:
        assert not row["above"], row["rolname"]
        if row["rolcanlogin"]:
            logins += 1
            assert len(row["groups"]) == 1, tuple(row)
            assert row["rolname"].startswith(row["groups"][0] + "_"), tuple(row)
        else:
            assert row["groups"] == [], tuple(row)
    assert logins >= 6


async def test_roles_own_only_what_they_make(owner: asyncpg.Connection) -> None:
    """No process owns a table of ours, but the projector its read models."""
    role = ""
    for line in (await describe(owner)).replace("read_vN", "read_v1").splitlines():
        if line and not line.startswith((" ", "#")):
            role = line.split()[0]
        thing = line.strip().removeprefix("owns ")
        if line.startswith("    owns "):
            assert role in OWNERS, (role, line)
            assert re.match(OWNERS[role], thing), (role, line)


def test_the_file_says_how_it_is_made() -> None:
    """Whoever finds the file knows the command."""
    assert privileges.HEAD in GOLDEN.read_text()
