"""Photos on their way in: looked at once, drawn anew, kept where only we write, told to the log.

A browser sends the file to object storage by a form, and then says that it is there; the bot hands
over bytes that it fetched. From there on it is one way. What was sent is read in one piece, and
only what was read is looked at and drawn: whoever writes it again meanwhile changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import structlog

from events.ids import fact_id
from events.uploads import UploadCompleted
from gateway.events_out import EVENTS, outgoing
from gateway.identity.signed_in import Account
from gateway.operations import metrics
from gateway.uploads.cleaning import Bounds, Clean, Refused, described
from gateway.uploads.decoding import Decoders
from gateway.uploads.keeping import Rows, Upload, clean_key, clean_prefix, incoming_key
from gateway.uploads.scanning import Scanner
from gateway.web.errors import Problem
from runtime.kafka.clock import BrokerClock
from runtime.objects import Form, ObjectStore, ObjectTooLarge
from runtime.postgres.pool import Pool
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.deps import Log

_log = structlog.get_logger(__name__)

AT_ONCE_MAX: Final = 2
"""Photos that are read and decoded at once, each in a process of its own."""
WAITING_MAX: Final = 100
"""Photos that wait for that; who brings one more is told to come back."""


class Receiving:
    """Takes photos in; close it at the end.

    Args:
        settings: bounds, limits and times.
        pool: where the rows are.
        objects: where the files are.
        log: where each is told.
        clock: says when.
    """

    def __init__(
        self, settings: Settings, pool: Pool, objects: ObjectStore, log: Log, clock: BrokerClock
    ) -> None:
        self.rows = Rows(settings, pool)
        self._objects = objects
        self._log = log
        self._clock = clock
        self._scanner = Scanner(settings)
        self._form_seconds = settings.upload_form_seconds
        self._bounds = Bounds(
            settings.upload_bytes_max, settings.upload_pixels_max, settings.upload_side_pixels
        )
        self._decoders = Decoders(settings.upload_decode_seconds, settings.upload_decode_bytes)
        self._threads = ThreadPoolExecutor(AT_ONCE_MAX, "uploads")
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    def close(self) -> None:
        """Take no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._decoders.close()

    async def begin(
        self, account: Account, content_type: str, size_bytes: int
    ) -> tuple[Upload, Form]:
        """A form for one file of this type, and at most of this size.

        Raises:
            Problem: there are too many.
            PixelpopError: a server is away.
        """
        upload = await self.rows.add(account, uuid4(), content_type, size_bytes)
        key = incoming_key(account.account_id, upload.upload_id)
        form = await self._objects.presign_post(key, content_type, size_bytes, self._form_seconds)
        return upload, form

    async def complete(self, account: Account, upload_id: UUID) -> Upload:
        """The file is there: take it. Again, it answers the same.

        Raises:
            Problem: there is no such upload, no file, or it is refused.
            PixelpopError: a server is away; ask again.
        """
        upload = await self.rows.find(account, upload_id)
        if upload.state != "open":
            return await self._settled(account, upload)
        if upload.is_over:
            raise over()
        async with self._turn():
            key = incoming_key(account.account_id, upload_id)
            try:
                stored = await self._objects.read(key, upload.size_bytes)
            except ObjectTooLarge:
                too_large = Refused("too-large", "The file is larger than was said. Send it again.")
                return await self._refuse(account, upload_id, too_large)
            if stored is not None:
                return await self._take(account, upload_id, stored.data)
        upload = await self.rows.find(account, upload_id)
        if upload.state == "open":
            raise Problem(
                "upload-missing", "The file has not come. Send it by the form, then complete it."
            )
        return await self._settled(account, upload)  # somebody else was faster

    async def hand_over(
        self, account: Account, upload_id: UUID, content_type: str, data: bytes
    ) -> Upload:
        """Take a file that is here already. Again, with the same id, it answers the same.

        Raises:
            Problem: it is refused, or there are too many.
            PixelpopError: a server is away; ask again.
        """
        upload = await self.rows.add(account, upload_id, content_type, max(len(data), 1))
        if upload.state != "open":
            return await self._settled(account, upload)
        async with self._turn():
            return await self._take(account, upload_id, data)

    async def remove(self, account: Account, upload_id: UUID) -> None:
        """Remove a photo, and what was sent, at once; again is no mistake.

        Raises:
            Problem: there is no such upload, or it is being used.
            PixelpopError: a server is away; ask again.
        """
        await self.rows.remove(account, upload_id)
        await self._objects.delete(incoming_key(account.account_id, upload_id))
        await self._objects.delete_prefix(clean_prefix(account.account_id, upload_id))

    async def picture(self, object_key: str) -> bytes | None:
        """The bytes of a picture that is ours; None: they are gone."""
        return await self._objects.get(object_key)

    async def _take(self, account: Account, upload_id: UUID, data: bytes) -> Upload:
        loop = asyncio.get_running_loop()
        try:
            scan = await self._scanner.scan(data)
            made = await loop.run_in_executor(
                self._threads, self._decoders.clean, data, self._bounds
            )
        except Refused as refused:
            return await self._refuse(account, upload_id, refused)
        key = clean_key(account.account_id, upload_id, made)
        if not await self._objects.put_if_absent(key, made.data, made.content_type):
            made = await self._found(key, made)
        try:
            upload = await self.rows.finish(account, upload_id, key, made, scan)
        except Problem:
            await self._objects.delete(key)  # its time was over meanwhile: nobody else would
            raise
        if upload.object_key != key:
            await self._objects.delete(key)  # another way of the same photo was faster
        metrics.UPLOADS.labels("taken" if upload.state == "ready" else "refused").inc()
        await self._objects.delete(incoming_key(account.account_id, upload_id))
        return await self._settled(account, upload)

    async def _found(self, key: str, made: Clean) -> Clean:
        """What is stored counts, whoever drew it."""
        data = await self._objects.get(key)
        return made if data is None else described(data)

    async def _refuse(self, account: Account, upload_id: UUID, refused: Refused) -> Upload:
        metrics.UPLOADS.labels("refused").inc()
        _log.info("an upload was refused", upload_id=str(upload_id), reason=refused.code)
        upload = await self.rows.refuse(account, upload_id, refused.code, str(refused))
        await self._objects.delete(incoming_key(account.account_id, upload_id))
        return await self._settled(account, upload)

    async def _settled(self, account: Account, upload: Upload) -> Upload:
        """The photo, if it is ours and the log has it.

        Raises:
            Problem: it is not.
        """
        if upload.state == "refused":
            raise Problem("upload-refused", upload.detail or "", reason=upload.reason)
        if upload.state != "ready" or upload.is_over:
            raise over()
        if not upload.told:
            await self._tell(account, upload)
            await self.rows.told(account, upload.upload_id)
        return upload

    async def _tell(self, account: Account, upload: Upload) -> None:
        assert upload.completed_at is not None
        upload_id, at_ms = str(upload.upload_id), round(upload.completed_at.timestamp() * 1000)
        event = UploadCompleted(
            account_id=account.account_id,
            occurred_at_ms=at_ms,
            upload_id=upload_id,
            object_key=upload.object_key or "",
            content_type=upload.clean_type or "",
            width=upload.width or 0,
            height=upload.height or 0,
            size_bytes=upload.clean_bytes or 0,
            sha256=upload.sha256 or "",
            scan=upload.scan or "",
        )
        record = outgoing(
            event,
            fact_id(upload_id, "completed"),
            correlation_id=upload_id,
            time_ms=self._clock.now_ms(),
        )
        await self._log.append(EVENTS, record)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Inside: one of the few that are worked on.

        Raises:
            Problem: too many wait.
        """
        if self._waiting >= WAITING_MAX:
            raise Problem("overloaded", "Too many photos are coming in. Try again shortly.")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()


def over() -> Problem:
    """What to say of one whose time is over."""
    return Problem(
        "upload-over", "The upload has expired, or was removed. Begin another with POST /uploads."
    )
