"""What a link leads to, for whoever has its code: found anew each time, so that it can end.

It must be open, its picture out of the bin, and its owner's account neither erased nor banned.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from events.ids import AccountId
from gateway.generations.reads import opened
from gateway.identity.signed_in import Account
from gateway.sharing.codes import hash_of
from gateway.sharing.ending import QUERIES
from gateway.sharing.passes import Pass
from gateway.web.errors import Problem
from runtime.crypto.keys import KeyDestroyed
from runtime.postgres.pool import as_account, transaction

if TYPE_CHECKING:
    from gateway.deps import Deps


class Shared(NamedTuple):
    """What others are shown. Nothing of it says who made it."""

    share_id: UUID
    style_id: str
    prompt: str | None
    """None: its owner does not show it."""
    size: str
    object_key: str
    width: int
    height: int
    expires_at: datetime


async def find_shared(deps: Deps, code: str) -> Shared | None:
    """What the code opens; None: nothing (any more), whatever the reason.

    Raises:
        PixelpopError: a server is away.
    """
    code_hash = hash_of(code)
    if code_hash is None:
        return None
    async with transaction(deps.pool) as connection:
        share = await connection.fetchrow(QUERIES.open, code_hash)
    if share is None:
        return None
    account_id: UUID = share["account_id"]
    key = await _key_of(deps, account_id)
    if key is None:
        return None
    async with as_account(deps.pool, account_id) as connection:
        row = await connection.fetchrow(
            QUERIES.get_shared, account_id, share["generation_id"], share["image_id"]
        )
    if row is None:
        return None
    prompt = None
    if share["shows_prompt"]:
        owner = Account(AccountId(str(account_id)), key, 0.0)
        prompt = opened(owner, str(share["generation_id"]), "prompt", row["prompt"])
    return Shared(
        share_id=share["share_id"],
        style_id=row["style_id"],
        prompt=prompt,
        size=row["size"],
        object_key=row["object_key"],
        width=row["width"],
        height=row["height"],
        expires_at=share["expires_at"],
    )


async def find_picture(deps: Deps, one: Pass) -> str | None:
    """The key of the object that a pass lets be seen; None: it is in the bin, or its owner is gone.

    Raises:
        PixelpopError: a server is away.
    """
    if await _key_of(deps, one.account_id) is None:
        return None
    async with as_account(deps.pool, one.account_id) as connection:
        row = await connection.fetchrow(QUERIES.get_picture, one.account_id, one.image_id)
    return None if row is None else str(row["object_key"])


async def _key_of(deps: Deps, account_id: UUID) -> bytes | None:
    """The owner's key; None: the account was erased or is banned."""
    try:
        return await deps.standings.key_of(str(account_id))
    except (Problem, KeyDestroyed):
        return None
