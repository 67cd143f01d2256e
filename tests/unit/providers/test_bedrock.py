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
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
    TooLate,
)
from processors.providers.base import EDIT, VARIATION, Photo
from processors.providers.bedrock import BedrockProvider
from tests.fakes.bedrock import Bedrock
from tests.fakes.bedrock_rules import SDXL, TITAN
from tests.fakes.directives import Directives
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
    server.made.clear()
    server.refused.clear()
    server.directives = Directives()
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


@pytest.mark.parametrize("directive", ["[429]", "[500]", "[503]", "[notready]"])
async def test_no_is_tried_again(bedrock: Bedrock, titan: BedrockProvider, directive: str) -> None:
    """Throttling and 5xx cost nothing: tried again by us, and by the SDK not once."""
    await titan.generate(asking(f"a boat {directive}"), Submitting())
    assert (len(bedrock.refused), len(bedrock.made)) == (1, 1)


async def test_three_refusals(bedrock: Bedrock, titan: BedrockProvider) -> None:
    """Three answers that say no are enough; nothing was charged."""
    with pytest.raises(ProviderUnavailable):
        await titan.generate(asking("a boat [429!]"), Submitting())
    assert (len(bedrock.refused), bedrock.made) == (3, [])


async def test_retry_after(bedrock: Bedrock, titan: BedrockProvider) -> None:
    """`Retry-After` is the least pause before the next try."""
    call = Submitting()
    await titan.generate(asking("a boat [429:0.1]"), call)
    assert 0.1 <= call.asked[1] <= 0.15


async def test_too_late(bedrock: Bedrock, provider: BedrockProvider) -> None:
    """A call that may not start is not sent."""
    with pytest.raises(TooLate):
        await provider.generate(asking("a boat"), Submitting(may_wait_seconds=-1.0))
    assert bedrock.made == []


@pytest.mark.parametrize("directive", ["[drop!]", "[half!]", "[504!]", "[malformed!]"])
async def test_lost_answer(bedrock: Bedrock, provider: BedrockProvider, directive: str) -> None:
    """What was sent and got no whole answer may have been paid, and is not sent again."""
    with pytest.raises(ProviderUncertain):
        await provider.generate(asking(f"a boat {directive}", indices=(0,)), Submitting())
    assert len(bedrock.made) == 1


async def test_slow(bedrock: Bedrock) -> None:
    """After the time that it may take it is given up, and may have been paid."""
    one = opened(bedrock, "bedrock-titan", TITAN, bedrock_timeout_seconds=0.2)
    with pytest.raises(ProviderUncertain):
        await one.generate(asking("a boat [hang:30]"), Submitting())
    await one.close()
    assert len(bedrock.made) == 1


async def test_not_there(bedrock: Bedrock) -> None:
    """A refused connection is tried again, and in the end it is unavailable, not uncertain."""
    one = opened(bedrock, "bedrock-titan", TITAN, bedrock_endpoint_url="http://127.0.0.1:9")
    call = Submitting()
    with pytest.raises(ProviderUnavailable):
        await one.generate(asking("a boat"), call)
    await one.close()
    assert len(call.asked) == 3


@pytest.mark.parametrize(
    ("directive", "error", "charged"),
    [
        ("[filtered]", ProviderRefused, 0),
        ("[withheld!]", ProviderRefused, 1),
        ("[html!]", ProviderUnusable, 1),
        ("[424]", ProviderUnavailable, 0),
        ("[quota]", ProviderUnavailable, 0),
        ("[denied]", ProviderMisconfigured, 0),
    ],
)
async def test_ends(
    bedrock: Bedrock, provider: BedrockProvider, directive: str, error: type, charged: int
) -> None:
    """Each end without a picture says what may be done next, and shows no prompt."""
    request = asking(f"a very private boat {directive}", indices=(0,))
    with pytest.raises(ProviderError) as raised:
        await provider.generate(request, Submitting())
    assert type(raised.value) is error
    assert "private" not in str(raised.value)
    assert len(bedrock.made) == charged


@pytest.mark.parametrize("directive", ["[onewithheld]"])
async def test_some_withheld(bedrock: Bedrock, provider: BedrockProvider, directive: str) -> None:
    """Of two pictures one is withheld; the other is delivered."""
    assert len(await provider.generate(asking(f"a boat {directive}"), Submitting())) == 1


async def test_one_of_two_lost(bedrock: Bedrock, providers: dict[str, BedrockProvider]) -> None:
    """Where each picture is a request and one is lost, the other comes, and it is booked."""
    call = Submitting()
    pictures = await providers["bedrock-sdxl"].generate(asking("a boat [drop]"), call)
    assert (len(pictures), len(bedrock.made), len(call.losses)) == (1, 2, 1)


@pytest.mark.parametrize(
    "changes",
    [{"bedrock_access_key_id": "AKIAOTHER"}, {"model": "amazon.other"}],
    ids=["key", "model"],
)
async def test_misconfigured(bedrock: Bedrock, changes: dict[str, str]) -> None:
    """A refused key or model is unavailable to the person and unexpected to us."""
    model = changes.pop("model", TITAN)
    one = opened(bedrock, "bedrock-titan", model, **changes)
    with pytest.raises(ProviderMisconfigured):
        await one.generate(asking("a boat"), Submitting())
    await one.close()


async def test_wrong_size(bedrock: Bedrock, titan: BedrockProvider) -> None:
    """What the model does not take is final and free."""
    with pytest.raises(ProviderError) as raised:
        await titan.generate(asking("a boat", width=77), Submitting())
    assert type(raised.value) is ProviderError


async def test_not_resumed(titan: BedrockProvider) -> None:
    """A call has no id, so an earlier worker's cannot be asked for."""
    with pytest.raises(ProviderUncertain):
        await titan.resume(asking("a boat"), Submitting(), "x")


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
