"""What the database says that callers may do: the roles of accounts, and the owners of API keys.

Asked when a header is verified and not again while that is kept at hand (`signed_in`). Whatever
changes it is committed before the log is told of it, and the log's tail drops what was kept; so
nobody acts on what was taken away for longer than the tail is behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from events.ids import AccountId, is_uuid
from gateway.access.permissions import ADMIN, ANALYST, AUDITOR, PERSON, USER
from runtime.errors import SettingsError
from runtime.postgres.batching import Batcher
from runtime.postgres.pool import Connection, Pool, as_account
from runtime.queries import load_queries
from runtime.settings import Settings

_QUERIES = load_queries(Path(__file__).with_name("lookup.sql"))
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class KeyOwner(NamedTuple):
    """What an API key stands for."""

    key_id: str
    account_id: AccountId
    scopes: frozenset[str]
    good_until: float
    """In seconds since 1970."""


class _Access(NamedTuple):
    roles: frozenset[str]
    identities: frozenset[str]


class AppointedRoles:
    """The roles that the settings give: they cannot be taken by anybody but who sets them.

    Args:
        settings: name people as `telegram:<id>`, `<provider>:<subject>` or an account's id.

    Raises:
        SettingsError: an entry is neither.
    """

    def __init__(self, settings: Settings) -> None:
        self._holders: dict[str, set[str]] = {}
        for role, variable, text in (
            (ADMIN, "PIXELPOP_ADMINS", settings.admins),
            (AUDITOR, "PIXELPOP_AUDITORS", settings.auditors),
            (ANALYST, "PIXELPOP_ANALYSTS", settings.analysts),
        ):
            for entry in filter(None, map(str.strip, text.split(","))):
                if not is_uuid(entry) and not all(entry.partition(":")[::2]):
                    raise SettingsError(
                        f"{variable} names {entry!r}, which is neither an account's id nor "
                        "`telegram:<id>`."
                    )
                self._holders.setdefault(entry, set()).add(role)

    def of(self, account_id: str, identities: frozenset[str]) -> frozenset[str]:
        """The roles that the settings give to an account, or to whoever signs in to it."""
        if not self._holders:
            return frozenset()
        names = (account_id, *identities)
        return frozenset().union(*(self._holders.get(name, ()) for name in names))


class Access:
    """Answers who may do what.

    Args:
        settings: roles that are given there.
        pool: holds grants and keys.
    """

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._pool = pool
        self._appointed = AppointedRoles(settings)
        self._access = Batcher(pool, _ask_access).find
        self._keys = Batcher(pool, _ask_keys).find

    async def roles_of(self, account_id: str) -> frozenset[str]:
        """All roles of an account at this moment.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        access = await self._access(UUID(account_id))
        if access is None:
            return PERSON
        return access.roles | {USER} | self._appointed.of(account_id, access.identities)

    async def appointed_of(self, account_id: str) -> frozenset[str]:
        """Those of its roles that the settings give it.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        access = await self._access(UUID(account_id))
        return self._appointed.of(account_id, frozenset() if access is None else access.identities)

    async def owner_of(self, secret_hash: bytes) -> KeyOwner | None:
        """What the key with this hash stands for; None: nothing (any more).

        Raises:
            PixelpopError: the database cannot be reached.
        """
        return await self._keys(secret_hash)

    async def is_live(self, account_id: str, key_id: str) -> bool:
        """Whether the account's API key with this id is still good.

        Raises:
            PixelpopError: the database cannot be reached.
        """
        account = UUID(account_id)
        async with as_account(self._pool, account) as connection:
            return bool(await connection.fetchval(_QUERIES.is_live, account, UUID(key_id)))


async def _ask_access(connection: Connection, accounts: Sequence[UUID]) -> Mapping[UUID, _Access]:
    rows = await connection.fetch(_QUERIES.get_access, list(accounts))
    return {
        row["account_id"]: _Access(frozenset(row["roles"]), frozenset(row["identities"]))
        for row in rows
    }


async def _ask_keys(connection: Connection, hashes: Sequence[bytes]) -> Mapping[bytes, KeyOwner]:
    rows = await connection.fetch(_QUERIES.get_api_keys, list(hashes))
    return {
        row["secret_hash"]: KeyOwner(
            str(row["key_id"]),
            AccountId(str(row["account_id"])),
            frozenset(row["scopes"]),
            (row["expires_at"] or _NEVER).timestamp(),
        )
        for row in rows
    }
