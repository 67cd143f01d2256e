"""Claims about previews and fingerprints of pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from PIL import Image, ImageEnhance

from events.ids import AccountId, GenerationId
from processors import images
from processors.images import prepare_now
from processors.pictures.fingerprints import NEAR_APART_MAX, apart, blurhash, near_hash
from processors.providers import drawing
from processors.worker.crowd import PATIENCE, Crowd
from processors.worker.storing import Gallery
from runtime.objects import MemoryObjects

ACCOUNT = AccountId("7e5ba6f0-0000-4000-8000-00000000000a")
GENERATION = GenerationId("7e5ba6f0-0000-5000-8000-000000000001")


def drawn(seed: int, size: tuple[int, int] = (640, 480)) -> Image.Image:
    return Image.open(BytesIO(drawing.draw(seed, "photo", size, "standard"))).convert("RGB")


def png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


async def test_every_preview_is_what_it_says() -> None:
    """WebP and AVIF of 512 and 1024 pixels are stored, and the result describes each as it is."""
    objects = MemoryObjects()
    with ThreadPoolExecutor(1) as executor:
        gallery = Gallery(objects, executor, ACCOUNT, GENERATION)
        prepared = await gallery.prepare({0: drawing.flat((1536, 1024), (200, 30, 90))})
        stored = (await gallery.store(prepared))[0]
        again = await gallery.find((0,))
    assert again[0] == stored
    sizes = {(one.content_type, one.width, one.height) for one in stored.previews}
    assert sizes == {("image/avif", 512, 341), ("image/webp", 1024, 683), ("image/avif", 1024, 683)}
    for one in stored.previews:
        data = await objects.get(one.object_key)
        assert data is not None
        with Image.open(BytesIO(data)) as shown:
            assert shown.size == (one.width, one.height)
            assert f"image/{(shown.format or '').lower()}" == one.content_type
    assert sorted(stored.object_keys) == await objects.list("")


@pytest.mark.parametrize(("wanted", "count"), [("all", 3), ("webp", 1), ("small", 0)])
def test_previews_are_made_as_set(wanted: images.Previews, count: int) -> None:
    """An operator that has no cores to spare makes fewer previews."""
    prepared = prepare_now(drawing.flat((1024, 1024), (1, 2, 3)), previews=wanted)
    assert len(prepared.previews) == count
    assert prepared.preview


async def test_a_crowd_gets_the_small_preview_alone() -> None:
    """Who comes while many wait is there sooner, with one preview, and is stored as it is."""
    crowded = PATIENCE + 2
    pictures = {index: drawing.flat((600, 600), (1, 2, 3)) for index in range(crowded)}
    objects = MemoryObjects()
    with ThreadPoolExecutor(1) as executor:
        gallery = Gallery(objects, executor, ACCOUNT, GENERATION, crowd=Crowd(1))
        prepared = await gallery.prepare(pictures)
        stored = await gallery.store(prepared)
        quiet = await gallery.prepare({0: pictures[0]})
    assert [len(stored[index].previews) for index in range(crowded)] == [3] * PATIENCE + [0, 0]
    assert sorted(key for one in stored.values() for key in one.object_keys) == await objects.list(
        ""
    )
    assert len(quiet[0].previews) == 3


def test_a_small_picture_has_no_larger_preview() -> None:
    """Nothing is blown up: a picture of 512 pixels has an AVIF of that size and no more."""
    prepared = prepare_now(drawing.flat((512, 512), (1, 2, 3)))
    assert [(one.content_type, one.width) for one in prepared.previews] == [("image/avif", 512)]


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((255, 0, 0), "LDTI:j|cfQ|c|co1fQo1fQfQfQfQ"), ((0, 0, 0), "L00000fQfQfQfQfQfQfQfQfQfQfQ")],
)
def test_a_blurhash_of_one_colour(colour: tuple[int, int, int], expected: str) -> None:
    """One colour hashes as the reference implementation hashes it."""
    assert blurhash(Image.new("RGB", (40, 30), colour)) == expected


def test_a_blurhash_is_that_of_the_reference() -> None:
    """A gradient hashes as blurhash-python 1.2 hashes it, upright pictures with turned waves."""
    wide = Image.linear_gradient("L").resize((24, 24), Image.Resampling.BOX).convert("RGB")
    assert blurhash(wide) == "LyHV9woffQof00WBfQWBxuj[fQj["
    assert len(blurhash(drawn(3, (480, 640)))) == 28
    assert blurhash(drawn(3, (480, 640)))[0] == "T"


def test_likes_are_near() -> None:
    """A smaller, brighter JPEG of a picture is near to it, and another picture is not."""
    picture = drawn(3)
    out = BytesIO()
    brighter = ImageEnhance.Brightness(picture.resize((300, 225))).enhance(1.1)
    brighter.save(out, "JPEG", quality=60)
    like = Image.open(BytesIO(out.getvalue()))
    assert apart(near_hash(picture), near_hash(like)) <= NEAR_APART_MAX
    assert apart(near_hash(picture), near_hash(drawn(4))) > NEAR_APART_MAX
    assert len(near_hash(picture)) == 16


def test_what_is_transparent_counts_as_white() -> None:
    """Hidden colours do not show through: the fingerprints are of what a person sees."""
    hidden = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    white = Image.new("RGB", (64, 64), (255, 255, 255))
    assert blurhash(hidden) == blurhash(white)
    assert near_hash(hidden) == near_hash(white)


def test_prepared_pictures_have_fingerprints() -> None:
    """A picture of a provider comes with both hashes of what it shows."""
    picture = drawn(5)
    prepared = prepare_now(png(picture), previews="small")
    assert apart(prepared.near_hash, near_hash(picture)) <= 2
    assert len(prepared.blurhash) == 28


def test_previews_are_the_same_every_time() -> None:
    """The encoders that work side by side do not take each other's quality."""
    picture = png(drawn(6, (96, 64)))
    made = {prepare_now(picture).preview for _ in range(200)}
    assert made == {prepare_now(picture, previews="small").preview}
