"""Pictures into object storage, and what is stored back into the event that describes it.

Keys are deterministic and written once (`If-None-Match: *`), so a result always describes the
stored picture, whoever stored it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor

import structlog

from events.generations import Image
from events.ids import AccountId, GenerationId, image_id
from processors import images
from processors.images import Prepared, UnusableImage
from runtime.objects import ObjectStore

_log = structlog.get_logger(__name__)


def prefix(account_id: AccountId, generation_id: GenerationId) -> str:
    """What the keys of a generation's objects begin with."""
    return f"generations/{account_id}/{generation_id}/"


def original_key(account_id: AccountId, generation_id: GenerationId, index: int) -> str:
    """Where the `index`-th picture is."""
    return f"{prefix(account_id, generation_id)}{index}.png"


def preview_key(account_id: AccountId, generation_id: GenerationId, index: int) -> str:
    """Where its preview is."""
    return f"{prefix(account_id, generation_id)}{index}.webp"


class Gallery:
    """The objects of one generation.

    Args:
        objects: the store.
        executor: where pictures are decoded.
        account_id: whose they are.
        generation_id: what they are of.
    """

    def __init__(
        self,
        objects: ObjectStore,
        executor: Executor,
        account_id: AccountId,
        generation_id: GenerationId,
    ) -> None:
        self._objects = objects
        self._executor = executor
        self._account_id = account_id
        self._generation_id = generation_id

    async def prepare(self, pictures: Sequence[bytes]) -> list[Prepared | None]:
        """Check the pictures and make their previews; None stands for one that is unusable."""

        async def one(data: bytes) -> Prepared | None:
            try:
                return await images.prepare(data, self._executor)
            except UnusableImage as error:
                _log.warning("a provider sent an unusable picture", error=error)
                return None

        return list(await asyncio.gather(*[one(data) for data in pictures]))

    async def store(self, pictures: Sequence[Prepared | None]) -> tuple[Image, ...]:
        """Store them and describe what is stored; safe to repeat.

        Raises:
            ObjectsUnavailable, ObjectsRefused: some may be stored.
            UnusableImage: an object that was there before is no picture.
        """
        stored = [
            self._store_one(index, picture)
            for index, picture in enumerate(pictures)
            if picture is not None
        ]
        return tuple(await asyncio.gather(*stored))

    async def find(self, count: int) -> tuple[Image, ...]:
        """Describe what an earlier worker stored of `count` pictures.

        Raises:
            ObjectsUnavailable, ObjectsRefused: as `store`.
        """
        found = await asyncio.gather(*[self._find_one(index) for index in range(count)])
        return tuple(image for image in found if image is not None)

    async def _store_one(self, index: int, picture: Prepared) -> Image:
        original, preview = self._keys(index)
        # The preview first: where an original is, its preview is too.
        await self._objects.put_if_absent(preview, picture.preview, images.PREVIEW_TYPE)
        mine = await self._objects.put_if_absent(original, picture.original, images.ORIGINAL_TYPE)
        if not mine:
            found = await self._find_one(index)
            if found is not None:
                return found
            # An erasure came between, or the provider's bytes were never any good.
            raise UnusableImage(f"{original} was there before and cannot be used.")
        return self._describe(index, picture)

    async def _find_one(self, index: int) -> Image | None:
        original, preview = self._keys(index)
        data = await self._objects.get(original)
        if data is None:
            return None
        try:
            picture = await images.prepare(data, self._executor)
        except UnusableImage as error:
            _log.error("a stored picture cannot be used", object_key=original, error=error)
            return None
        await self._objects.put_if_absent(preview, picture.preview, images.PREVIEW_TYPE)
        return self._describe(index, picture)

    def _describe(self, index: int, picture: Prepared) -> Image:
        original, preview = self._keys(index)
        return Image(
            image_id=image_id(self._generation_id, index),
            index=index,
            object_key=original,
            preview_key=preview,
            width=picture.width,
            height=picture.height,
            content_type=images.ORIGINAL_TYPE,
            size_bytes=len(picture.original),
            sha256=picture.sha256,
        )

    def _keys(self, index: int) -> tuple[str, str]:
        return (
            original_key(self._account_id, self._generation_id, index),
            preview_key(self._account_id, self._generation_id, index),
        )
