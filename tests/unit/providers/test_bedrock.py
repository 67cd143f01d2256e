"""Claims about the providers on Amazon Bedrock, against a strict stand-in for it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from io import BytesIO

import msgspec
import pytest
import pytest_asyncio
from PIL import Image

from processors.providers import (
    ProviderMisconfigured,
)
from processors.providers.base import EDIT, VARIATION, Photo
from processors.providers.bedrock import BedrockProvider
from tests.fakes.bedrock import Bedrock
from tests.fakes.bedrock_rules import SDXL, TITAN
from tests.unit.providers.calls import SETTINGS, Submitting, asking

MODELS = {"bedrock-titan": TITAN, "bedrock-sdxl": SDXL}
KEYS = {
    "bedrock_region": "us-west-2",
    "bedrock_access_key_id": "AKIATEST",
    "bedrock_secret_access_key": "secret",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[Bedrock]:
    fake = Bedrock()
    await fake.start()
    yield fake
    await fake.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def providers(server: Bedrock) -> AsyncIterator[dict[str, BedrockProvider]]:
    found = {name: opened(server, name, MODELS[name]) for name in MODELS}
    yield found
    for one in found.values():
        await one.close()


@pytest.fixture
def bedrock(server: Bedrock) -> Bedrock:
    server.forget()
    return server


@pytest.fixture(params=MODELS)
def provider(
    bedrock: Bedrock, providers: dict[str, BedrockProvider], request: pytest.FixtureRequest
) -> BedrockProvider:
    return providers[request.param]


@pytest.fixture
def titan(bedrock: Bedrock, providers: dict[str, BedrockProvider]) -> BedrockProvider:
    return providers["bedrock-titan"]


def opened(server: Bedrock, name: str, model: str, **changes: object) -> BedrockProvider:
    values = KEYS | {"bedrock_endpoint_url": server.url, "bedrock_timeout_seconds": 5.0} | changes
    return BedrockProvider(name, model, msgspec.structs.replace(SETTINGS, **values))


async def test_pictures(bedrock: Bedrock, provider: BedrockProvider) -> None:
    """Two pictures are one call of Titan and two of SDXL, with seeds that differ."""
    pictures = await provider.generate(asking("a boat", seed=2**32 - 1), Submitting())
    assert [one[:4] for one in pictures] == [b"\x89PNG"] * 2
    if provider.name == "bedrock-sdxl":
        assert sorted(one.body["seed"] for one in bedrock.made) == [0, 2**32 - 1]
    else:
        assert len(bedrock.made) == 1


async def test_not_ready(bedrock: Bedrock, titan: BedrockProvider) -> None:
    """A model that is being loaded costs nothing: it is asked again, by us and not by the SDK."""
    await titan.generate(asking("a boat [notready]"), Submitting())
    assert (len(bedrock.refused), len(bedrock.made)) == (1, 1)


async def test_one_of_two_lost(bedrock: Bedrock, providers: dict[str, BedrockProvider]) -> None:
    """Where each picture is a request and one is lost, the other comes, and it is booked."""
    call = Submitting()
    pictures = await providers["bedrock-sdxl"].generate(asking("a boat [drop]"), call)
    assert (len(pictures), len(bedrock.made), len(call.losses)) == (1, 2, 1)


async def test_no_such_model(bedrock: Bedrock) -> None:
    """A refused model is unavailable to the person and unexpected to us."""
    one = opened(bedrock, "bedrock-titan", "amazon.other")
    with pytest.raises(ProviderMisconfigured):
        await one.generate(asking("a boat"), Submitting())
    await one.close()


async def test_long_words(bedrock: Bedrock, provider: BedrockProvider) -> None:
    """Words that a model would refuse for their length are cut, the style's first."""
    request = asking("b" * 500, style_id="photo", negative_prompt="fog")
    assert len(await provider.generate(request, Submitting())) == 2
    if provider.name == "bedrock-titan":
        assert bedrock.made[0].body["textToImageParams"] == {
            "text": "b" * 500,
            "negativeText": "fog",
        }


def _photo(size: tuple[int, int], kind: str = "WEBP") -> Photo:
    out = BytesIO()
    Image.new("RGB", size, (40, 90, 160)).save(out, kind)
    return Photo(out.getvalue(), f"image/{kind.lower()}")


def _mask(size: tuple[int, int]) -> Photo:
    mask = Image.new("RGBA", size, (9, 9, 9, 255))
    mask.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = BytesIO()
    mask.save(out, "PNG")
    return Photo(out.getvalue(), "image/png")


@pytest.mark.parametrize(
    "fields",
    [{"kind": EDIT}, {"kind": EDIT, "mask": _mask((2048, 1024))}, {"kind": VARIATION}],
    ids=["edit", "mask", "variation"],
)
async def test_photos(
    bedrock: Bedrock, provider: BedrockProvider, fields: dict[str, object]
) -> None:
    """A large WebP photo is sent as a PNG of a size that the model takes, its mask with it."""
    request = asking("a red sail", photos=(_photo((2048, 1024)),), **fields)
    assert len(await provider.generate(request, Submitting())) == 2
    body = bedrock.made[0].body
    if body.get("taskType") == "INPAINTING":
        assert _left_of(body["inPaintingParams"]["maskImage"]) == 0
    elif "mask_image" in body:
        assert _left_of(body["mask_image"]) == 255


def _left_of(text: str) -> int:
    pixel = Image.open(BytesIO(base64.b64decode(text))).convert("L").getpixel((1, 1))
    assert isinstance(pixel, int)
    return pixel


async def test_variation_without_words(bedrock: Bedrock, provider: BedrockProvider) -> None:
    """A variation needs no words."""
    request = asking("", kind=VARIATION, photos=(_photo((64, 64), "PNG"),))
    assert len(await provider.generate(request, Submitting())) == 2
