"""Pictures as others get them: made once, bounded, and never an error of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from io import BytesIO

import pytest
import pytest_asyncio
from PIL import Image

from gateway.sharing import photos
from gateway.sharing.page import preferred_language
from gateway.sharing.photos import Photos, shown_size, to_jpeg
from gateway.web.errors import Problem
from runtime.objects import MemoryObjects

BYTES_MAX = 20_000


def png(width: int = 40, height: int = 20, mode: str = "RGB") -> bytes:
    """Noise, which takes its room as a JPEG too."""
    out = BytesIO()
    Image.effect_noise((width, height), 100).convert(mode).save(out, "PNG")
    return out.getvalue()


class Counting(MemoryObjects):
    """Counts what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.reading = asyncio.Event()

    async def get(self, key: str) -> bytes | None:
        self.reads += 1
        self.reading.set()
        return await super().get(key)


@pytest_asyncio.fixture
async def objects() -> Counting:
    store = Counting()
    await store.put_if_absent("a.png", png(), "image/png")
    return store


@pytest_asyncio.fixture
async def shown(objects: Counting) -> AsyncIterator[Photos]:
    one = Photos(objects, BYTES_MAX)
    yield one
    one.close()


async def test_many_who_ask_at_once_have_it_made_once(objects: Counting, shown: Photos) -> None:
    """And who asks later gets what is at hand."""
    found = await asyncio.gather(*(shown.jpeg("a.png") for _ in range(20)))
    assert len(set(found)) == 1
    assert await shown.jpeg("a.png") == found[0]
    assert objects.reads == 1


async def test_who_hangs_up_takes_it_from_nobody(objects: Counting, shown: Photos) -> None:
    """The picture is made for the others."""
    first = asyncio.create_task(shown.jpeg("a.png"))
    second = asyncio.create_task(shown.jpeg("a.png"))
    async with asyncio.timeout(10):
        await objects.reading.wait()
    first.cancel()
    assert await second is not None
    assert objects.reads == 1


async def test_no_more_is_kept_than_there_is_room_for(objects: Counting, shown: Photos) -> None:
    """What was asked for longest ago goes first; what is too large is never kept."""
    for name in ("b.png", "c.png"):
        await objects.put_if_absent(name, png(150, 100), "image/png")
    await objects.put_if_absent("large.png", png(600, 400), "image/png")
    for name in ("a.png", "b.png", "large.png", "c.png", "c.png"):
        assert await shown.jpeg(name)
    assert sum(map(len, shown._kept.values())) == shown._bytes <= BYTES_MAX
    assert ("large.png", photos.SIDE_PIXELS_MAX) not in shown._kept
    before = objects.reads
    await shown.jpeg("c.png")
    assert objects.reads == before


async def test_nothing_is_kept_of_an_erased_account(objects: Counting, shown: Photos) -> None:
    """Nor of its room; others' pictures stay at hand."""
    for key in ("generations/one/g/0.png", "generations/other/g/0.png"):
        await objects.put_if_absent(key, png(), "image/png")
        await shown.jpeg(key)
    shown.forget("one")
    assert [key for key, _ in shown._kept] == ["generations/other/g/0.png"]
    assert shown._bytes == sum(map(len, shown._kept.values()))


async def test_what_is_gone_or_damaged_is_not_shown(objects: Counting, shown: Photos) -> None:
    """No bytes: nothing; damaged ones: a refusal that a person understands."""
    assert await shown.jpeg("gone.png") is None
    await objects.put_if_absent("bad.png", b"not a picture", "image/png")
    with pytest.raises(Problem, match="cannot be shown"):
        await shown.jpeg("bad.png")


async def test_a_queue_that_is_full_says_so(shown: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than let everybody wait."""
    monkeypatch.setattr(photos, "WAITING_MAX", 0)
    with pytest.raises(Problem, match="Try again shortly"):
        await shown.jpeg("a.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_every_kind_of_png_becomes_a_jpeg(mode: str) -> None:
    """Grey, with a palette, transparent: all are shown."""
    with Image.open(BytesIO(to_jpeg(png(mode=mode), 20))) as made:
        assert (made.format, made.mode, made.size) == ("JPEG", "RGB", (20, 10))


def test_too_many_pixels_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are refused by the header."""
    monkeypatch.setattr(photos, "PIXELS_MAX", 100)
    with pytest.raises(ValueError, match="40x20 pixels"):
        to_jpeg(png(), 20)


def test_sizes_keep_their_shape() -> None:
    """Large ones shrink to the longest side that is shown; small ones stay."""
    assert shown_size(2560, 1280) == (1280, 640)
    assert shown_size(512, 256) == (512, 256)
    assert shown_size(5000, 1) == (1280, 1)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        (b"", "en"),
        (b"ru", "ru"),
        (b"ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        (b"en-GB, ru;q=0.5", "en"),
        (b"de, fr;q=0.9", "en"),
        (b"de, ru;q=0.1", "ru"),
        (b"en;q=0.2, ru;q=0.3", "ru"),
        (b"ru;q=0, en;q=0", "en"),
        (b"ru;q=nonsense, *", "en"),
        (b"\xff\xfe;q=1,,;;ru", "en"),
        (b"ru;q=9." + b"9" * 5000, "en"),
    ],
)
def test_the_language_that_a_browser_likes_best(accept: bytes | None, language: str) -> None:
    """Of ours, by weight; whatever else the header says."""
    assert preferred_language(accept) == language
