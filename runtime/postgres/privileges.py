"""What every database role may do, as text that a person reads and a test compares.

`python -m runtime.postgres.privileges > runtime/postgres/privileges.golden` writes it anew, with
DATABASE_URL the owner's address of a migrated database that has its read models.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections import defaultdict
from pathlib import Path

import asyncpg

from runtime.errors import SettingsError
from runtime.postgres.roles import GROUPS
from runtime.queries import load_queries
from runtime.settings import load

GOLDEN = Path(__file__).with_name("privileges.golden")
HEAD = (
    "# Made by `python -m runtime.postgres.privileges`; a test compares it with a real database.\n"
)

_QUERIES = load_queries(Path(__file__).with_name("privileges.sql"))
_VERSION = re.compile(r"\bread_v\d+\b")
_CONNECT_TIMEOUT_SECONDS = 15.0


async def describe(connection: asyncpg.Connection) -> str:
    """Attributes, rights, policies and belongings of every group role, and what everybody may.

    A thing's owner may do everything with it: of that only `owns` is said. Read models are named
    `read_vN`, whichever version serves.
    """
    lines: dict[str, set[str]] = defaultdict(set)
    titles = {"PUBLIC": "PUBLIC"}
    for row in await connection.fetch(_QUERIES.attributes, GROUPS):
        titles[row["role"]] = " ".join([row["role"], row["attributes"]])
        lines[row["role"]] |= {f"member of {group}" for group in row["member_of"]}
    for row in await connection.fetch(_QUERIES.privileges, GROUPS):
        thing = f"{row['kind']} {row['name']}".strip()
        columns = f" ({', '.join(row['columns'])})" if row["columns"] else ""
        grantable = " WITH GRANT OPTION" if row["grantable"] and not row["owned"] else ""
        lines[row["grantee"]].add(
            f"owns {thing}" if row["owned"] else f"{thing}: {row['privilege']}{columns}{grantable}"
        )
    for row in await connection.fetch(_QUERIES.policies):
        check = f" CHECK {row['with_check']}" if row["with_check"] else ""
        lines[row["grantee"]].add(
            f"policy on {row['name']}: {row['policy']} FOR {row['cmd']} USING {row['qual']}{check}"
        )
    text = HEAD
    for role in [*GROUPS, *sorted(lines.keys() - set(GROUPS))]:
        text += f"\n{titles.get(role, role)}\n"
        text += "".join(f"    {line}\n" for line in sorted(lines[role]))
    return _VERSION.sub("read_vN", text)


async def _main() -> None:
    url = load().database_url
    if url is None:
        raise SettingsError("DATABASE_URL is not set; it must be the owner's.")
    connection = await asyncpg.connect(url, timeout=_CONNECT_TIMEOUT_SECONDS)
    try:
        sys.stdout.write(await describe(connection))
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(_main())
