"""API keys of an account: made, listed, revoked; by itself or by an admin."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid4

import msgspec
import structlog
from msgspec import Meta

from events.admin import ApiKeyCreated, ApiKeyRevoked
from events.ids import AccountId, EventId, fact_id
from gateway.access.acts import Draft, Told
from gateway.access.api_keys_text import hash_of, hint_of, make_key
from gateway.api.documents import Id, Time, at, says
from gateway.identity.signed_in import KEY_NOT_OURS, Account
from gateway.web.errors import Problem
from runtime.crypto.sealing import Unsealable, unseal
from runtime.postgres.pool import Connection
from runtime.queries import load_queries

_log = structlog.get_logger(__name__)

KEYS_SHOWN_MAX: Final = 200
QUERIES = load_queries(Path(__file__).with_name("api_keys.sql"))

Scope = Literal[
    "generations:read",
    "generations:write",
    "events:read",
    "credits:read",
    "credits:buy",
    "webhooks:manage",
    "api-keys:manage",
]
"""`permissions.SCOPES`, for the contract; a test holds the two together."""


class ApiKeyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the key is for."""

    name: Annotated[
        str, Meta(min_length=1, max_length=100, description="For you, to tell it from others.")
    ]
    scopes: Annotated[
        tuple[Scope, ...], Meta(min_length=1, max_length=20, description="What it may do.")
    ]
    expires_in_days: Annotated[
        Annotated[int, Meta(ge=1, le=3650)] | None, says("Null: it is good until it is revoked.")
    ] = None


class ApiKeyDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, without itself."""

    id: Id
    name: Annotated[str | None, says("Null when it cannot be opened any more.")]
    hint: Annotated[str, says("How it begins.")]
    scopes: tuple[str, ...]
    created_at: Time | None
    created_by: Annotated[Id, says("The account that made it: its own, or an admin's.")]
    expires_at: Time | None = None
    last_used_at: Annotated[Time | None, says("To the minute.")] = None
    revoked_at: Time | None = None


class NewApiKeyDocument(ApiKeyDocument, frozen=True, kw_only=True):
    """An API key; the only time that it is shown."""

    key: Annotated[str, says("For `Authorization: Bearer …`. Keep it; it is not shown again.")]


class ApiKeys(msgspec.Struct, frozen=True, kw_only=True):
    """API keys: those that are good first, then the newest."""

    items: tuple[ApiKeyDocument, ...]


class NewKey:
    """A key that is about to be made.

    Args:
        account_id: whom it will speak for.
        actor: who makes it.
        data: what it is for.
        draft: makes its event, and seals its name.
    """

    def __init__(
        self, account_id: AccountId, actor: AccountId, data: ApiKeyRequest, draft: Draft
    ) -> None:
        self._account_id = account_id
        self._actor = actor
        self._data = data
        self._scopes = sorted(set(data.scopes))
        self._id = uuid4()
        self._key = make_key()
        self._created_at = datetime.now(UTC)
        self._expires_at = (
            None
            if data.expires_in_days is None
            else self._created_at + timedelta(days=data.expires_in_days)
        )
        event_id = _created_id(self._id)
        self._name = draft.sealed(data.name, event_id, "name")
        self._told = draft.event(
            ApiKeyCreated,
            after=self._scopes,
            event_id=event_id,
            key_id=str(self._id),
            name=self._name,
            expires_at_ms=_ms(self._expires_at),
        )

    async def add(self, connection: Connection, live_max: int) -> Sequence[Told]:
        """Add it to the account's keys.

        Raises:
            Problem: the account has enough, or is gone.
        """
        uuid = UUID(self._account_id)
        if await connection.fetchval(QUERIES.lock_account, uuid) is None:
            raise Problem("account-erased", "This account was erased. No key was made.")
        if await connection.fetchval(QUERIES.count_live, uuid) >= live_max:
            raise Problem(
                "too-many-api-keys",
                f"The account has {live_max} API keys, which is the most. Revoke one first.",
            )
        secret_hash = hash_of(self._key)
        await connection.execute(
            QUERIES.add_key,
            self._id,
            uuid,
            secret_hash,
            hint_of(self._key),
            self._name,
            self._scopes,
            UUID(self._actor),
            self._created_at,
            self._expires_at,
        )
        return [self._told]

    def document(self) -> NewApiKeyDocument:
        """What its owner is shown, once."""
        return NewApiKeyDocument(
            id=str(self._id),
            name=self._data.name,
            hint=hint_of(self._key),
            key=self._key,
            scopes=tuple(self._scopes),
            created_at=_at(self._created_at),
            created_by=self._actor,
            expires_at=_at(self._expires_at),
        )


async def list_keys(connection: Connection, account_id: UUID, key: bytes | None) -> ApiKeys:
    """The account's API keys; `key` opens their names, None: they stay closed."""
    rows = await connection.fetch(QUERIES.list_keys, account_id, KEYS_SHOWN_MAX)
    return ApiKeys(items=tuple(_document(account_id, row, key) for row in rows))


async def revoke(
    connection: Connection, account_id: AccountId, key_id: UUID, draft: Draft
) -> Sequence[Told]:
    """Revoke one of the account's keys; twice is no mistake.

    Raises:
        Problem: the account has no such key.
    """
    uuid = UUID(account_id)
    scopes = await connection.fetchval(QUERIES.revoke_key, uuid, key_id)
    if scopes is None:
        if not await connection.fetchval(QUERIES.has_key, uuid, key_id):
            raise Problem("not-found", "There is no API key with this id.")
        return []
    event_id = fact_id(str(key_id), "api-key-revoked")
    return [
        draft.event(ApiKeyRevoked, before=scopes, event_id=event_id, key_id=str(key_id)),
    ]


async def refuse_revoked(connection: Connection, account: Account) -> None:
    """Refuse a key that was revoked a moment ago and not heard of: it must not leave an heir.

    Raises:
        Problem: it was.
    """
    if account.via != "api_key":
        return
    key_id = UUID(account.credential_id)
    if await connection.fetchval(QUERIES.lock_live, account.uuid, key_id) is None:
        raise Problem("token-invalid", KEY_NOT_OURS)


def refuse_more(account: Account, scopes: Collection[str]) -> None:
    """Refuse a key that would be allowed more than the key that makes it.

    Raises:
        Problem: it would.
    """
    if account.scopes is not None and (more := sorted(set(scopes) - account.scopes)):
        raise Problem(
            "scope-missing",
            f"This API key does not have the scope {more[0]}, so it cannot make a key that has.",
        )


def _document(account_id: UUID, row: Any, key: bytes | None) -> ApiKeyDocument:
    return ApiKeyDocument(
        id=str(row["key_id"]),
        name=None if key is None else _name(account_id, row, key),
        hint=row["hint"],
        scopes=tuple(row["scopes"]),
        created_at=_at(row["created_at"]),
        created_by=str(row["created_by"]),
        expires_at=_at(row["expires_at"]),
        last_used_at=_at(row["last_used_at"]),
        revoked_at=_at(row["revoked_at"]),
    )


def _name(account_id: UUID, row: Any, key: bytes) -> str | None:
    event_id = UUID(_created_id(row["key_id"]))
    try:
        return unseal(key, row["name"], account_id=account_id, event_id=event_id, field="name")
    except Unsealable as error:
        _log.error("name of an API key not opened", key_id=str(row["key_id"]), error=str(error))
        return None


def _created_id(key_id: UUID) -> EventId:
    return fact_id(str(key_id), "api-key-created")


def _ms(instant: datetime | None) -> int | None:
    return None if instant is None else int(instant.timestamp() * 1000)


def _at(instant: datetime | None) -> str | None:
    return at(_ms(instant))
