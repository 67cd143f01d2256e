"""What fal's models are asked for: photos, masks and further inputs."""

from __future__ import annotations

import base64
from io import BytesIO

import msgspec
import pytest
from PIL import Image

from processors.providers.base import EDIT, VARIATION, Photo
from processors.providers.fal import FalProvider
from runtime.errors import SettingsError
from tests.fakes.fal import Fal
from tests.fakes.files import picture
from tests.unit.providers.calls import SETTINGS, Silence, Submitting, asking, of_fal

PHOTO = Photo(picture(), "image/png")


def _mask() -> Photo:
    mask = Image.new("RGBA", (64, 64), (9, 9, 9, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 32, 64))
    out = BytesIO()
    mask.save(out, "PNG")
    return Photo(out.getvalue(), "image/png")


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        ({"kind": EDIT, "photos": (PHOTO,)}, "fal-ai/flux-kontext/dev"),
        ({"kind": EDIT, "photos": (PHOTO,), "mask": _mask()}, "fal-ai/flux-lora/inpainting"),
        ({"kind": VARIATION, "photos": (PHOTO,)}, "fal-ai/flux/dev/image-to-image"),
    ],
    ids=["edit", "mask", "variation"],
)
async def test_photos(
    fal: Fal, fal_provider: FalProvider, fields: dict[str, object], model: str
) -> None:
    """A photo travels in the request itself, to the model for its kind, and can be resumed."""
    call = Submitting()
    request = asking("with a red sail", **fields)
    assert len(await fal_provider.generate(request, call)) == 2
    assert len(await fal_provider.resume(request, call, call.references[0])) == 2
    (made,) = fal.made
    assert made.model == model
    if "mask_url" in made.inputs:
        white = Image.open(BytesIO(_decoded(made.inputs["mask_url"]))).convert("L")
        assert (white.getpixel((1, 1)), white.getpixel((60, 1))) == (255, 0)


def _decoded(address: str) -> bytes:
    return base64.b64decode(address.partition(",")[2])


async def test_further_inputs(fal: Fal, news: Silence) -> None:
    """Further inputs go along with every call, and one that is taken away is left out."""
    text = '{"acceleration": "none", "num_inference_steps": null}'
    one = FalProvider(of_fal(fal, fal_inputs=text), news)
    await one.generate(asking("a boat"), Submitting())
    await one.close()
    assert fal.made[0].inputs["acceleration"] == "none"
    assert "num_inference_steps" not in fal.made[0].inputs


def test_bad_further_inputs(news: Silence) -> None:
    """The message names the variable."""
    settings = msgspec.structs.replace(SETTINGS, fal_inputs='{"sync_mode": true}')
    with pytest.raises(SettingsError, match="FAL_INPUTS"):
        FalProvider(settings, news)
