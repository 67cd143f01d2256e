"""Pictures in a worker's object storage: left there, watched, and held against a result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO

from msgspec.structs import replace
from PIL import Image

from events.generations import GenerationCompleted
from events.jobs import GenerateJob
from processors.images import prepare_now
from processors.pictures.notes import SIGNATURE, _chunk, _chunks
from processors.worker.jobs import Jobs
from processors.worker.storing import original_key
from runtime.objects import MemoryObjects
from tests.integration.worker.bench import Bench


def larger(shade: int) -> bytes:
    """A picture of another size than `picture`."""
    out = BytesIO()
    Image.new("RGB", (96, 96), (shade, 1, 2)).save(out, "PNG")
    return out.getvalue()


async def left_pictures(one: Bench, job: GenerateJob, **pictures: bytes) -> None:
    """Store pictures, named `_0`, `_1`, …, as a worker that was killed left them."""
    for name, data in pictures.items():
        key = original_key(job.account_id, job.generation_id, int(name[1:]))
        await one.objects.put_if_absent(key, data, "image/png")


async def stored(one: Bench, job: GenerateJob, index: int) -> bytes | None:
    """The picture that is stored, as it was before notes were put into its file."""
    data = await one.objects.get(original_key(job.account_id, job.generation_id, index))
    return None if data is None else without_notes(data)


def without_notes(png: bytes) -> bytes:
    """The same PNG without texts."""
    kept = [_chunk(*one) for one in _chunks(png) if one[0] != b"iTXt"]
    return b"".join([SIGNATURE, *kept])


async def whole(one: Bench, done: GenerationCompleted) -> list[int]:
    """The indices of a result whose every word fits what is stored."""
    for image in done.images:
        data = await one.objects.get(image.object_key)
        assert data is not None
        prepared = prepare_now(data)
        assert (image.width, image.height) == (prepared.width, prepared.height)
        assert (image.size_bytes, image.sha256) == (len(data), prepared.sha256)
        assert await one.objects.get(image.preview_key) == prepared.preview
    return [image.index for image in done.images]


class Watched(MemoryObjects):
    """Object storage that tells of every picture before it is stored."""

    def __init__(self, tell: Callable[[str], Awaitable[None]]) -> None:
        super().__init__()
        self._tell = tell

    async def put_if_absent(self, key: str, data: bytes, content_type: str) -> bool:
        if key.endswith(".png"):
            await self._tell(key)
        return await super().put_if_absent(key, data, content_type)


def on_objects(one: Bench, objects: MemoryObjects) -> None:
    """Let a worker use this object storage."""
    one.objects = objects
    one.tools = replace(one.tools, objects=objects)
    one.jobs = Jobs(one.tools)
