"""Roles: granted and revoked by an admin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

from events.admin import RoleGranted, RoleRevoked
from events.ids import AccountId
from gateway.access.acts import Draft, Told
from gateway.access.api_keys_store import QUERIES as KEYS
from gateway.web.errors import Problem
from runtime.postgres.pool import Connection
from runtime.queries import load_queries

NO_ACCOUNT: Final = "There is no account with this id."
_QUERIES = load_queries(Path(__file__).with_name("roles.sql"))


async def granted_roles(connection: Connection, account_id: UUID) -> list[str]:
    """The roles that the account was granted, sorted; those of the settings are not among them."""
    return [row["role"] for row in await connection.fetch(_QUERIES.get_roles, account_id)]


async def lock(connection: Connection, account_id: UUID) -> None:
    """Be the only one who changes what the account may do, until the transaction ends.

    Raises:
        Problem: there is no such account.
    """
    if await connection.fetchval(KEYS.lock_account, account_id) is None:
        raise Problem("not-found", NO_ACCOUNT)


async def grant(
    connection: Connection, account_id: AccountId, role: str, actor: AccountId, draft: Draft
) -> Sequence[Told]:
    """Grant a role; granted already, nothing happens.

    Raises:
        Problem: there is no such account.
    """
    uuid = UUID(account_id)
    await lock(connection, uuid)
    before = await granted_roles(connection, uuid)
    if role in before:
        return []
    await connection.execute(_QUERIES.grant_role, uuid, role, UUID(actor))
    return [draft.event(RoleGranted, before=before, after=[*before, role], role=role)]


async def revoke(
    connection: Connection, account_id: AccountId, role: str, draft: Draft
) -> Sequence[Told]:
    """Take a role away; not held, nothing happens.

    Raises:
        Problem: there is no such account.
    """
    uuid = UUID(account_id)
    await lock(connection, uuid)
    before = await granted_roles(connection, uuid)
    if role not in before:
        return []
    await connection.execute(_QUERIES.revoke_role, uuid, role)
    after = [one for one in before if one != role]
    return [draft.event(RoleRevoked, before=before, after=after, role=role)]
