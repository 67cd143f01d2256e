"""Edits and variations by the provider `openai`, against a strict stand-in for its API."""

from __future__ import annotations

import msgspec
import pytest
from PIL import Image

from processors.providers import Photo, ProviderError, ProviderRefused, ProviderUncertain
from processors.providers.base import EDIT, VARIATION, PhotoRefused
from processors.providers.openai import OpenAIProvider
from processors.providers.prompts import ANOTHER, prompt_of_photos
from tests.fakes.openai_images import OpenAIImages
from tests.unit.uploads import photos
from tests.unit.worker.test_openai import Deadline, api, asking, provider

__all__ = ["api", "provider"]

PHOTO = Photo(photos.encoded(photos.halves(), "WEBP"), "image/webp")
MASK = Photo(photos.encoded(Image.new("RGBA", (120, 80)), "PNG"), "image/png")


async def test_photos_and_mask(api: OpenAIImages, provider: OpenAIProvider) -> None:
    """Photos go as they are, the first one as a PNG where a mask goes with it; one request."""
    edit = asking("snow", kind=EDIT, photos=(PHOTO, MASK))
    pictures = await provider.generate(edit, Deadline())
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    await provider.generate(msgspec.structs.replace(edit, mask=MASK), Deadline())
    size = (120, 80)
    assert [one.images for one in api.edits] == [
        [("WEBP", size), ("PNG", size)],
        [("PNG", size), ("PNG", size)],
    ]
    assert [one.mask for one in api.edits] == [None, ("PNG", size)]
    assert [call.charged for call in api.calls] == [True, True]


async def test_a_variation_says_what_it_is(api: OpenAIImages, provider: OpenAIProvider) -> None:
    """Without words it asks for another version; with words it says what shall be different."""
    request = asking("", kind=VARIATION, photos=(PHOTO,), indices=(0,))
    assert len(await provider.generate(request, Deadline())) == 1
    assert prompt_of_photos(request) == ANOTHER
    assert prompt_of_photos(asking("at night", kind=VARIATION)) == f"{ANOTHER}\n\nat night"
    assert prompt_of_photos(asking("at night", kind=EDIT)) == "at night"
    assert len(api.edits) == 1


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        (Photo(b"\x89PNG no picture", "image/png"), None),
        (PHOTO, Photo(photos.encoded(Image.new("RGBA", (64, 64)), "PNG"), "image/png")),
        (PHOTO, Photo(photos.encoded(Image.new("RGB", (120, 80)), "PNG"), "image/png")),
        (Photo(PHOTO.data, "image/png"), None),
    ],
)
async def test_a_photo_that_the_api_refuses(
    api: OpenAIImages, provider: OpenAIProvider, photo: Photo, mask: Photo | None
) -> None:
    """A refusal of photo or mask, by format or size, is told as one; it costs nothing."""
    with pytest.raises(PhotoRefused) as refused:
        await provider.generate(asking("x", kind=EDIT, photos=(photo,), mask=mask), Deadline())
    assert refused.value.code == "photo_refused"
    assert api.calls == []


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("[moderation!]", ProviderRefused),
        ("[drop]", ProviderUncertain),
        ("[504]", ProviderUncertain),
    ],
)
async def test_what_was_paid_is_asked_as_for_pictures_from_words(
    api: OpenAIImages, provider: OpenAIProvider, directive: str, error: type[ProviderError]
) -> None:
    """A lost answer is uncertain and sent once; a refusal costs nothing; a pause is kept."""
    with pytest.raises(error):
        await provider.generate(asking(directive, kind=EDIT, photos=(PHOTO,)), Deadline())
    assert len(api.calls) == 1
    await provider.generate(asking("[500]", kind=EDIT, photos=(PHOTO,), **OTHER), Deadline())
    assert [call.charged for call in api.calls[1:]] == [False, True]


OTHER = {"generation_id": "7e5ba6f0-0000-5000-8000-000000000002"}
