"""Claims about pictures and previews when workers store at once or the store fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image

from events.ids import AccountId, GenerationId
from processors.images import prepare_now
from processors.worker.storing import Gallery, original_key, preview_key
from runtime.objects import MemoryObjects, ObjectsUnavailable

ACCOUNT = AccountId("7e5ba6f0-0000-4000-8000-00000000000a")
GENERATION = GenerationId("7e5ba6f0-0000-5000-8000-000000000001")


def picture(side: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (side, 32), (side, 80, 160)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def executor() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as one:
        yield one


class Slow(MemoryObjects):
    """Lets others run before and after everything it stores."""

    async def put_if_absent(self, key: str, data: bytes, content_type: str) -> bool:
        await asyncio.sleep(0)
        answer = await super().put_if_absent(key, data, content_type)
        await asyncio.sleep(0)
        return answer


async def test_two_that_store_at_once_do_not_mix_their_pictures(executor: Executor) -> None:
    """Both describe the picture that came first, and the preview is of that one."""
    objects = Slow()
    one, other = (Gallery(objects, executor, ACCOUNT, GENERATION) for _ in range(2))
    told = await asyncio.gather(
        one.store({0: prepare_now(picture(40)), 1: prepare_now(picture(41))}),
        other.store({1: prepare_now(picture(51)), 0: prepare_now(picture(50))}),
    )
    assert told[0] == told[1]
    for index, image in told[0].items():
        data = await objects.get(original_key(ACCOUNT, GENERATION, index))
        assert data is not None
        stored = prepare_now(data)
        assert (image.width, image.size_bytes, image.sha256) == (
            stored.width,
            len(data),
            stored.sha256,
        )
        assert await objects.get(preview_key(ACCOUNT, GENERATION, index)) == stored.preview


class Failing(MemoryObjects):
    """Refuses the first picture, and takes the others only after that."""

    def __init__(self) -> None:
        super().__init__()
        self._refused = asyncio.Event()

    async def put_if_absent(self, key: str, data: bytes, content_type: str) -> bool:
        if key.endswith("/0.png"):
            self._refused.set()
            raise ObjectsUnavailable("away")
        await self._refused.wait()
        await asyncio.sleep(0)
        return await super().put_if_absent(key, data, content_type)


async def test_an_error_is_told_when_nothing_is_being_stored_any_more(executor: Executor) -> None:
    """Whoever then tidies up does not overlook what would have come later."""
    objects = Failing()
    gallery = Gallery(objects, executor, ACCOUNT, GENERATION)
    with pytest.raises(ObjectsUnavailable):
        await gallery.store({0: prepare_now(picture(40)), 1: prepare_now(picture(41))})
    before = await objects.list("")
    assert len(before) == 3
    await gallery.tidy(())
    assert await objects.list("") == []


async def test_what_the_result_names_is_not_tidied_away(executor: Executor) -> None:
    """Only what no result names is deleted, and nothing that others stored."""
    objects = MemoryObjects()
    await objects.put_if_absent("somebody/else.png", b"", "image/png")
    gallery = Gallery(objects, executor, ACCOUNT, GENERATION)
    stored = await gallery.store({0: prepare_now(picture(40)), 1: prepare_now(picture(41))})
    await gallery.tidy(stored[1].object_keys)
    assert await objects.list("") == sorted((*stored[1].object_keys, "somebody/else.png"))


async def test_a_place_that_is_taken_by_no_picture_is_not_asked_for(executor: Executor) -> None:
    """What stands there cannot be replaced, so a picture for it would be paid for nothing."""
    objects = MemoryObjects()
    await objects.put_if_absent(original_key(ACCOUNT, GENERATION, 0), b"no picture", "image/png")
    gallery = Gallery(objects, executor, ACCOUNT, GENERATION)
    assert await gallery.find((0, 1)) == {0: None}
    assert await gallery.store({0: prepare_now(picture(40))}) == {}
