"""Pictures into object storage, and what is stored back into the event that describes it.

Keys are deterministic and written once (`If-None-Match: *`), so a result always describes the
stored picture, whoever stored it. The original comes first and its previews are made of what is
stored under its key, so they belong together even where two workers store at once.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar

import structlog

from events.generations import Image, Preview
from events.ids import AccountId, GenerationId, image_id
from processors import images
from processors.images import Prepared, Previews, UnusableImage
from processors.worker.crowd import Crowd
from runtime.objects import ObjectStore

_log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


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
        previews: which are made.
        crowd: who else is finished now; None: nobody, and no preview is left out.
    """

    def __init__(
        self,
        objects: ObjectStore,
        executor: Executor,
        account_id: AccountId,
        generation_id: GenerationId,
        *,
        previews: Previews = "all",
        crowd: Crowd | None = None,
    ) -> None:
        self._objects = objects
        self._executor = executor
        self._account_id = account_id
        self._generation_id = generation_id
        self._previews = previews
        self._crowd = crowd or Crowd(sys.maxsize)
        self.tried: set[str] = set()
        """Keys that this worker may have stored something under."""

    async def prepare(
        self, pictures: Mapping[int, bytes], finish: Callable[[int, bytes], bytes] | None = None
    ) -> dict[int, Prepared]:
        """Check the pictures and make their previews; what is unusable is left out.

        Args:
            pictures: as the provider sent them, by their indices.
            finish: from an index and a PNG to the PNG that is stored; called in threads.
        """

        async def one(index: int, data: bytes) -> tuple[int, Prepared | None]:
            last = None if finish is None else partial(finish, index)
            try:
                with self._crowd.joined(self._previews) as previews:
                    return index, await images.prepare(
                        data, self._executor, finish=last, previews=previews
                    )
            except UnusableImage as error:
                _log.warning("a provider sent an unusable picture", index=index, error=error)
                return index, None

        prepared = await asyncio.gather(*[one(*picture) for picture in pictures.items()])
        return {index: picture for index, picture in prepared if picture is not None}

    async def store(self, pictures: Mapping[int, Prepared]) -> dict[int, Image]:
        """Store them and describe what is stored then; safe to repeat.

        Left out is a picture in whose place something was before that is none.

        Raises:
            ObjectsUnavailable, ObjectsRefused: some may be stored.
        """
        stored = await _all([self._store_one(*picture) for picture in pictures.items()])
        return {image.index: image for image in stored if image is not None}

    async def find(self, indices: Collection[int]) -> dict[int, Image | None]:
        """Describe what is stored of these pictures; None stands for something that is none.

        Makes the previews where a worker was ended between a picture and its previews.

        Raises:
            ObjectsUnavailable, ObjectsRefused: as `store`.
        """
        found = await _all([self._find_one(index) for index in indices])
        return {
            index: image
            for index, (is_there, image) in zip(indices, found, strict=True)
            if is_there
        }

    async def tidy(self, named: Collection[str]) -> None:
        """Delete what this worker stored and the result does not name: nobody is charged for it.

        Only once the result is final: until then another worker may find and name it.

        Raises:
            ObjectsUnavailable, ObjectsRefused: safe to repeat.
        """
        for key in sorted(self.tried.difference(named)):
            await self._objects.delete(key)
            self.tried.discard(key)
            _log.warning("a picture that came too late was deleted", object_key=key)

    async def _store_one(self, index: int, picture: Prepared) -> Image | None:
        original, _ = self._keys(index)
        if not await self._put(original, picture.original, images.ORIGINAL_TYPE):
            _, found = await self._find_one(index)
            return found
        return await self._with_preview(index, picture)

    async def _find_one(self, index: int) -> tuple[bool, Image | None]:
        original, _ = self._keys(index)
        data = await self._objects.get(original)
        if data is None:
            return False, None
        try:
            picture = await images.prepare(data, self._executor, previews=self._previews)
        except UnusableImage as error:
            _log.error("a stored picture cannot be used", object_key=original, error=error)
            return True, None
        return True, await self._with_preview(index, picture)

    async def _with_preview(self, index: int, picture: Prepared) -> Image:
        _, preview = self._keys(index)
        more = [
            self._put(self._key(index, one.ending), one.data, one.content_type)
            for one in picture.previews
        ]
        await _all([self._put(preview, picture.preview, images.PREVIEW_TYPE), *more])
        return self._describe(index, picture)

    async def _put(self, key: str, data: bytes, content_type: str) -> bool:
        self.tried.add(key)
        return await self._objects.put_if_absent(key, data, content_type)

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
            previews=tuple(
                Preview(
                    object_key=self._key(index, one.ending),
                    content_type=one.content_type,
                    width=one.width,
                    height=one.height,
                )
                for one in picture.previews
            ),
            blurhash=picture.blurhash,
            near_hash=picture.near_hash,
        )

    def _key(self, index: int, ending: str) -> str:
        return f"{prefix(self._account_id, self._generation_id)}{index}.{ending}"

    def _keys(self, index: int) -> tuple[str, str]:
        return (
            original_key(self._account_id, self._generation_id, index),
            preview_key(self._account_id, self._generation_id, index),
        )


async def _all(steps: Sequence[Awaitable[Answer]]) -> list[Answer]:
    """Every answer, or the first error once all have ended: nothing is stored behind our back."""
    answers = await asyncio.gather(*steps, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
