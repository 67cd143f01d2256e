"""Edits and variations by Replicate: another model, and the photo with the request."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from processors.providers import Photo, ProviderError
from processors.providers.base import EDIT, VARIATION
from processors.providers.replicate import PHOTO_BYTES_MAX, ReplicateProvider, inputs_of_edit
from tests.fakes.replicate import Replicate
from tests.unit.providers.calls import Submitting, asking
from tests.unit.uploads import photos

PHOTO = Photo(photos.encoded(photos.halves(size=(1600, 1200)), "PNG"), "image/png")


@pytest.mark.parametrize(("kind", "words"), [(EDIT, "make it snow"), (VARIATION, "")])
async def test_a_photo_goes_along(
    api: Replicate, provider: ReplicateProvider, kind: str, words: str
) -> None:
    """The model for edits gets the photo itself, small enough, and its one picture is fetched."""
    request = asking(words, kind=kind, photos=(PHOTO,), indices=(0,))
    pictures = await provider.generate(request, Submitting())
    assert [one[:4] for one in pictures] == [b"\x89PNG"]
    (made,) = api.made
    assert made.inputs["aspect_ratio"] == "match_input_image"
    assert made.inputs["prompt"]
    data = base64.b64decode(made.inputs["input_image"].partition(",")[2])
    with Image.open(BytesIO(data)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (1024, 768))


def test_any_photo_is_made_small_enough() -> None:
    """Also one that hardly compresses; what is no photo fails as a call does."""
    noise = Image.effect_noise((1500, 1500), 120).convert("RGB")
    request = asking("x", kind=EDIT, photos=(Photo(photos.encoded(noise, "PNG"), "image/png"),))
    assert len(inputs_of_edit(request)["input_image"]) <= PHOTO_BYTES_MAX * 4 / 3 + 40
    for wrong in ((), (Photo(b"nothing", "image/png"),)):
        with pytest.raises(ProviderError):
            inputs_of_edit(asking("x", kind=EDIT, photos=wrong))
