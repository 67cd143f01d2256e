"""The rows of photos: made within limits, finished once, used while they last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from gateway.identity.signed_in import Account
from gateway.uploads.cleaning import Clean
from gateway.web.errors import Problem
from runtime.postgres.pool import Pool, as_account
from runtime.queries import load_queries
from runtime.settings import Settings

QUERIES: Final = load_queries(Path(__file__).with_name("uploads.sql"))
RETRY_AFTER_SECONDS: Final = 1


class Upload(NamedTuple):
    """One photo; the fields are the columns of the query `get`, in order."""

    upload_id: UUID
    state: str
    """`open`, `ready`, `refused` or `expired`."""
    content_type: str
    size_bytes: int
    created_at: datetime
    form_until: datetime
    expires_at: datetime
    reason: str | None
    detail: str | None
    object_key: str | None
    clean_type: str | None
    clean_bytes: int | None
    width: int | None
    height: int | None
    has_alpha: bool | None
    sha256: str | None
    scan: str | None
    completed_at: datetime | None
    told: bool
    is_over: bool


class Usable(NamedTuple):
    """A photo that a request may begin with; the fields are the columns of the query `use`."""

    upload_id: UUID
    object_key: str
    width: int
    height: int
    has_alpha: bool


def incoming_key(account_id: str, upload_id: UUID) -> str:
    """Where its sender may put the file."""
    return f"incoming/{account_id}/{upload_id}"


def clean_key(account_id: str, upload_id: UUID, clean: Clean) -> str:
    """Where our picture of it is."""
    return f"{clean_prefix(account_id, upload_id)}{clean.ending}"


def clean_prefix(account_id: str, upload_id: UUID) -> str:
    """What the key of our picture begins with, of whatever type it is."""
    return f"uploads/{account_id}/{upload_id}."


class Rows:
    """The table `uploads`, as one gateway sees it.

    Args:
        settings: limits and times.
        pool: where the table is.
    """

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings = settings
        self._pool = pool

    async def add(
        self, account: Account, upload_id: UUID, content_type: str, size_bytes: int
    ) -> Upload:
        """A new row, or the one of this id.

        Raises:
            Problem: there are too many, or the account was erased.
            PixelpopError: the database is away.
        """
        settings = self._settings
        try:
            async with as_account(self._pool, account.uuid) as connection:
                await connection.execute(QUERIES.take_turn, account.uuid)
                row = await connection.fetchrow(QUERIES.get_upload, account.uuid, upload_id)
                if row is None:
                    self._refuse_more(
                        await connection.fetchrow(QUERIES.count_uploads, account.uuid)
                    )
                    await connection.execute(
                        QUERIES.add_upload,
                        upload_id,
                        account.uuid,
                        content_type,
                        size_bytes,
                        settings.upload_form_seconds,
                        settings.upload_hours,
                    )
                    row = await connection.fetchrow(QUERIES.get_upload, account.uuid, upload_id)
        except asyncpg.ForeignKeyViolationError as error:
            raise Problem("account-erased", "This account was erased. Nothing was made.") from error
        if row is None:
            raise not_found()
        return Upload(*row)

    def _refuse_more(self, count: Any) -> None:
        settings = self._settings
        if count["under_way"] >= settings.uploads_open_max:
            seconds = max(RETRY_AFTER_SECONDS, math.ceil(count["first_ends_seconds"] or 0))
            raise Problem(
                "too-many-uploads",
                f"{settings.uploads_open_max} photos are on their way. Send or complete one of "
                f"them first, or wait {seconds} s.",
                retry_after=seconds,
            )
        if count["kept"] >= settings.uploads_kept_max:
            raise Problem(
                "too-many-uploads",
                f"You sent {settings.uploads_kept_max} photos, which is the most. They are "
                f"removed {settings.upload_hours} h after their last use.",
            )

    async def find(self, account: Account, upload_id: UUID) -> Upload:
        """The photo of this id.

        Raises:
            Problem: the account has none.
            PixelpopError: the database is away.
        """
        async with as_account(self._pool, account.uuid) as connection:
            row = await connection.fetchrow(QUERIES.get_upload, account.uuid, upload_id)
        if row is None:
            raise not_found()
        return Upload(*row)

    async def kept(
        self, account: Account, place: tuple[int, UUID] | None, limit: int
    ) -> list[Upload]:
        """Those that are kept, newest first, from a place on: microseconds since 1970, and an id.

        Raises:
            PixelpopError: the database is away.
        """
        since, last = (None, None) if place is None else place
        async with as_account(self._pool, account.uuid) as connection:
            rows = await connection.fetch(QUERIES.list_uploads, account.uuid, since, last, limit)
        return [Upload(*row) for row in rows]

    async def remove(self, account: Account, upload_id: UUID) -> None:
        """Nobody uses it any more; again is no mistake.

        Raises:
            Problem: the account has none, or it is being used.
            PixelpopError: the database is away.
        """
        async with as_account(self._pool, account.uuid) as connection:
            if await connection.fetchval(QUERIES.remove_upload, account.uuid, upload_id):
                return
            found = await connection.fetch(QUERIES.get_states, account.uuid, [upload_id])
        if not found:
            raise not_found()
        if found[0]["state"] != "expired":
            raise Problem(
                "upload-in-use",
                "A generation that is not finished begins with this photo. Wait for it, or cancel "
                "it.",
            )

    async def finish(
        self, account: Account, upload_id: UUID, object_key: str, clean: Clean, scan: str
    ) -> Upload:
        """Say what was drawn of it, unless it is at an end; what it is then."""
        await self._change(
            account,
            QUERIES.finish,
            upload_id,
            object_key,
            clean.content_type,
            len(clean.data),
            clean.width,
            clean.height,
            clean.has_alpha,
            clean.sha256,
            scan,
        )
        return await self.find(account, upload_id)

    async def refuse(self, account: Account, upload_id: UUID, reason: str, detail: str) -> Upload:
        """Say that it is not taken, unless it is at an end; what it is then."""
        await self._change(account, QUERIES.refuse, upload_id, reason, detail)
        return await self.find(account, upload_id)

    async def told(self, account: Account, upload_id: UUID) -> None:
        """The log has it."""
        await self._change(account, QUERIES.note_told, upload_id)

    async def use(self, account: Account, upload_ids: Sequence[UUID]) -> dict[UUID, Usable]:
        """Those that can be used; they are kept for a while from now on.

        Raises:
            Problem: one is not there, or cannot be used.
            PixelpopError: the database is away.
        """
        wanted = list(upload_ids)
        async with as_account(self._pool, account.uuid) as connection:
            rows = await connection.fetch(
                QUERIES.use_uploads, account.uuid, wanted, self._settings.upload_hours
            )
            usable = {row["upload_id"]: Usable(*row) for row in rows}
            if len(usable) == len(set(wanted)):
                return usable
            found = await connection.fetch(QUERIES.get_states, account.uuid, wanted)
        states = {row["upload_id"]: row["state"] for row in found}
        for upload_id in wanted:
            if upload_id not in states:
                raise not_found(upload_id)
            if upload_id not in usable:
                raise Problem("upload-unusable", _UNUSABLE[states[upload_id]].format(upload_id))
        raise AssertionError("one of them is not usable")

    async def parent(self, account: Account, image_id: UUID) -> Any | None:
        """The picture of this id that is not in the bin: its key, width and height; None: none."""
        async with as_account(self._pool, account.uuid) as connection:
            return await connection.fetchrow(QUERIES.get_parent, account.uuid, image_id)

    async def _change(self, account: Account, query: str, upload_id: UUID, *values: Any) -> None:
        async with as_account(self._pool, account.uuid) as connection:
            await connection.execute(query, account.uuid, upload_id, *values)


_OVER: Final = "The upload {} has expired. Send the photo again."
_UNUSABLE: Final = {
    "open": "The upload {} is not complete. Send the file and then POST /uploads/ID/complete.",
    "refused": "The upload {} was refused. Send another photo.",
    "ready": _OVER,
    "expired": _OVER,
}


def not_found(upload_id: UUID | None = None) -> Problem:
    """What to say of an upload that the account does not have."""
    which = "this id" if upload_id is None else f"the id {upload_id}"
    return Problem("not-found", f"There is no upload with {which}; it may have expired.")
