"""Makes exports in the background: one at a time, claimed in PostgreSQL, begun anew where lost."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from events.ids import AccountId
from gateway.account.archive import Archive
from gateway.account.exported import (
    appeal_as_told,
    generation_as_told,
    ledger_as_told,
    plain,
    readme,
    received_as_told,
    upload_as_told,
)
from gateway.account.profile import profile_of
from gateway.identity.signed_in import Account
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.errors import PixelpopError
from runtime.objects import ObjectStore
from runtime.postgres.pool import Pool, as_account, transaction
from runtime.queries import load_queries
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

QUERIES = load_queries(Path(__file__).with_name("export.sql"))
LOOK_SECONDS: Final = 2.0
"""How often to look for exports that another gateway was asked for, or lost."""
LEASE_SECONDS: Final = 30.0
ATTEMPTS_MAX: Final = 5
PAGE: Final = 50
LEDGER_PAGE: Final = 1_000
PURCHASES_MAX: Final = 100_000
VERDICTS_MAX: Final = 500_000
ENDED_MAX: Final = 20


class ExportLost(PixelpopError):
    """Somebody else makes it now, or the account is gone."""

    code = "export-lost"


def prefix_of(account_id: UUID) -> str:
    """What the keys of all files of an account's exports begin with; it has one export at most."""
    return f"exports/{account_id}/"


class Exporter:
    """The background task of one gateway.

    Args:
        settings: sizes and times.
        pool: as the role of the gateway.
        objects: pictures and finished files.
        keys: open what is sealed.
    """

    def __init__(
        self, settings: Settings, pool: Pool, objects: ObjectStore, keys: AccountKeys
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._objects = objects
        self._keys = keys
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look for work."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="exporter")

    async def stop(self) -> None:
        """Stop; what is half made is begun anew by whoever claims it next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    async def _run(self) -> None:
        while True:
            try:
                while await self._make_one():
                    pass
                await self._remove_ended()
            except PixelpopError as error:
                _log.warning("exports wait", code=error.code, error=str(error))
            except Exception:  # noqa: BLE001  one that cannot be made must not end the others
                _log.exception("an export failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            self._woken.clear()

    async def _make_one(self) -> bool:
        async with transaction(self._pool) as connection:
            claimed = await connection.fetchrow(QUERIES.claim, LEASE_SECONDS, ATTEMPTS_MAX)
        if claimed is None:
            return False
        making = Making(self._settings, self._pool, self._objects, claimed)
        try:
            await making.run(await self._keys.get(claimed["account_id"]))
        except (ExportLost, KeyDestroyed):
            await self._objects.delete_prefix(making.prefix)
        return True

    async def _remove_ended(self) -> None:
        async with transaction(self._pool) as connection:
            rows = await connection.fetch(QUERIES.ended, ENDED_MAX)
        for row in rows:
            account_id, export_id = row["account_id"], row["export_id"]
            await self._objects.delete_prefix(f"{prefix_of(account_id)}{export_id}/")
            async with as_account(self._pool, account_id) as connection:
                await connection.execute(QUERIES.remove, account_id, export_id)


class Making:
    """One attempt at one export."""

    def __init__(self, settings: Settings, pool: Pool, objects: ObjectStore, claimed: Any) -> None:
        self._pool = pool
        self._objects = objects
        self._ttl_hours = settings.export_ttl_hours
        self._account_id: UUID = claimed["account_id"]
        self._epoch: int = claimed["lease_epoch"]
        self.prefix = f"{prefix_of(self._account_id)}{claimed['export_id']}/{self._epoch}-"
        self._archive = Archive(objects, self.prefix, settings.export_part_bytes)
        self._written = 0
        self._total = 0

    async def run(self, key: bytes) -> None:
        """Make it and say so.

        Raises:
            ExportLost: it is not this one's to make any more; what was stored is of no use.
            PixelpopError: a server is away.
        """
        await self._progress()  # whoever slept since the claim must not delete another's files
        # What a lost attempt left, and an export before this one that nobody came to remove.
        await self._objects.delete_prefix(prefix_of(self._account_id))
        async with as_account(self._pool, self._account_id) as connection:
            self._total = await connection.fetchval(QUERIES.count_generations, self._account_id)
        await self._progress()
        await self._archive.add("README.txt", readme(self._account_id))
        await self._rows("purchases.json", QUERIES.list_purchases, PURCHASES_MAX)
        await self._rows("identities.json", QUERIES.list_identities)
        await self._rows("shares.json", QUERIES.list_shares)
        await self._grants()
        await self._uploads()
        await self._moderation(key)
        await self._profile(key)
        await self._ledger()
        await self._generations(key)
        parts = msgspec.json.encode(await self._archive.close()).decode()
        async with as_account(self._pool, self._account_id) as connection:
            finished = await connection.fetchval(
                QUERIES.finish, self._account_id, self._epoch, parts, self._ttl_hours
            )
        if finished is None:
            raise ExportLost("The export was taken over, or its account erased.")
        _log.info("export ready", account_id=str(self._account_id), generations=self._total)

    async def _progress(self) -> None:
        async with as_account(self._pool, self._account_id) as connection:
            mine = await connection.fetchval(
                QUERIES.progress,
                self._account_id,
                self._epoch,
                self._written,
                max(self._total, self._written),
                LEASE_SECONDS,
            )
        if mine is None:
            raise ExportLost("The export was taken over, or its account erased.")

    async def _rows(self, name: str, query: str, *values: Any) -> None:
        async with as_account(self._pool, self._account_id) as connection:
            rows = await connection.fetch(query, self._account_id, *values)
        await self._archive.add(name, plain([dict(row) for row in rows]))

    async def _grants(self) -> None:
        """What was given and taken; of nobody else, who it was."""
        async with as_account(self._pool, self._account_id) as connection:
            given = await connection.fetch(QUERIES.list_gifts_given, self._account_id)
            received = await connection.fetch(QUERIES.list_gifts_received)
            code = await connection.fetchval(QUERIES.get_referral_code, self._account_id)
            invitations = await connection.fetch(QUERIES.list_invitations)
            redeemed = await connection.fetch(QUERIES.list_redemptions)
        gifts = {
            "given": [dict(row) for row in given],
            "received": [received_as_told(row) for row in received],
        }
        referrals = {"code": code, "referrals": [dict(row) for row in invitations]}
        await self._archive.add("gifts.json", plain(gifts))
        await self._archive.add("referrals.json", plain(referrals))
        await self._archive.add("redemptions.json", plain([dict(row) for row in redeemed]))

    async def _uploads(self) -> None:
        """Photos that are kept for the moment, and the pictures themselves."""
        async with as_account(self._pool, self._account_id) as connection:
            rows = await connection.fetch(QUERIES.list_uploads, self._account_id)
        await self._archive.add("uploads.json", plain([upload_as_told(row) for row in rows]))
        for row in rows:
            key = row["object_key"]
            data = None if key is None else await self._objects.get(key)
            if data is not None:
                name = f"uploads/{key.rpartition('/')[2]}"
                await self._archive.add(name, data, compress=False)
                await self._progress()

    async def _moderation(self, key: bytes) -> None:
        await self._rows("verdicts.json", QUERIES.list_verdicts, VERDICTS_MAX)
        async with as_account(self._pool, self._account_id) as connection:
            rows = await connection.fetch(QUERIES.list_appeals, self._account_id)
        appeals = [appeal_as_told(self._account_id, key, row) for row in rows]
        await self._archive.add("appeals.json", plain(appeals))

    async def _profile(self, key: bytes) -> None:
        account = Account(AccountId(str(self._account_id)), key, 0.0)
        profile = await profile_of(self._pool, account)
        await self._archive.add("profile.json", plain(msgspec.to_builtins(profile)))

    async def _ledger(self) -> None:
        last, entries = 0, []
        while True:
            async with as_account(self._pool, self._account_id) as connection:
                rows = await connection.fetch(
                    QUERIES.list_ledger, self._account_id, last, LEDGER_PAGE
                )
            if not rows:
                break
            entries += [ledger_as_told(row) for row in rows]
            last = rows[-1]["sequence"]
            await self._progress()
        await self._archive.add("ledger.json", plain(entries))

    async def _generations(self, key: bytes) -> None:
        """Page by page: the page's words, then its pictures."""
        last_ms: int | None = None
        last_id: UUID | None = None
        page = 0
        while True:
            async with as_account(self._pool, self._account_id) as connection:
                rows = await connection.fetch(
                    QUERIES.list_generations, self._account_id, last_ms, last_id, PAGE
                )
                if not rows:
                    return
                ids = [row["generation_id"] for row in rows]
                images = await connection.fetch(QUERIES.list_images, self._account_id, ids)
            page += 1
            told = [generation_as_told(self._account_id, key, row, images) for row in rows]
            await self._archive.add(f"generations/{page:05}.json", plain(told))
            for image in images:
                await self._picture(image)
            self._written += len(rows)
            await self._progress()
            last_ms, last_id = rows[-1]["requested_at_ms"], rows[-1]["generation_id"]

    async def _picture(self, image: Any) -> None:
        data = await self._objects.get(image["object_key"])
        if data is None:
            return  # it was in the bin for too long
        name = f"images/{image['generation_id']}/{image['index']}.png"
        await self._archive.add(name, data, compress=False)
        await self._progress()
