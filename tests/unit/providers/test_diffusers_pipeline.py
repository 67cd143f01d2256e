"""The real loading and drawing, with a tiny model of random numbers that the test makes itself.

It needs several gigabytes of packages, so it runs only where somebody wants it to: with the extra
`diffusers` installed and `PIXELPOP_TEST_DIFFUSERS=1`.
"""

from __future__ import annotations

import os
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image, ImageChops, ImageStat

from processors.providers import ImageRequest
from processors.providers.base import EDIT, VARIATION, Photo
from processors.providers.diffusers import DiffusersProvider, Stopped
from runtime.errors import SettingsError
from runtime.settings import Settings
from tests.unit.providers.calls import SETTINGS, Submitting, asking

if not os.environ.get("PIXELPOP_TEST_DIFFUSERS"):
    pytest.skip(
        "PIXELPOP_TEST_DIFFUSERS is not set: this needs the extra `diffusers`",
        allow_module_level=True,
    )

from processors.moderation.diffusers import DiffusersChecker
from processors.providers import diffusers_pipeline
from processors.providers.diffusers_pipeline import Lora, Pipeline, loras_of
from processors.providers.torch_devices import device_of
from tests.unit.providers import tiny_sdxl

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_sdxl.make(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(scope="module")
def settings(model: Path) -> Settings:
    return msgspec.structs.replace(
        SETTINGS, diffusers_model=str(model), diffusers_device="cpu", diffusers_timeout_seconds=60.0
    )


@pytest.fixture(scope="module")
def pipeline(settings: Settings) -> Pipeline:
    return Pipeline(settings)


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diffusers_pipeline, "STEPS", {"standard": 4, "high": 6})


def wanted(prompt: str = "a boat", **fields: Any) -> ImageRequest:
    return asking(prompt, **({"width": 64, "height": 96} | fields))


def drawn(pipeline: Pipeline, request: ImageRequest) -> list[Image.Image]:
    made = pipeline.draw(request, threading.Event())
    return [Image.open(BytesIO(one)).convert("RGB") for one in made]


def differ(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.difference(one, other).getbbox() is not None


def photo(size: tuple[int, int] = (200, 200)) -> Photo:
    out = BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(out, "PNG")
    return Photo(out.getvalue(), "image/png")


def test_draws(pipeline: Pipeline) -> None:
    """As many pictures as asked for, of the size asked for; a seed draws the same one again."""
    first, second = drawn(pipeline, wanted())
    assert first.size == (64, 96)
    assert differ(first, second)
    (again,) = drawn(pipeline, wanted(indices=(1,)))
    assert ImageStat.Stat(ImageChops.difference(again, second)).mean < [2, 2, 2]
    assert differ(first, drawn(pipeline, wanted(seed=99))[0])


def test_lora(pipeline: Pipeline, settings: Settings, tmp_path: Path) -> None:
    """LoRA weights change the picture, and at strength 0 they do not."""
    path = tiny_sdxl.make_lora(tmp_path)
    plain = drawn(pipeline, wanted())[0]
    for scale, changes in ((0.0, False), (1.0, True)):
        changed = msgspec.structs.replace(settings, diffusers_loras=f"{path}@{scale}")
        assert differ(drawn(Pipeline(changed), wanted())[0], plain) is changes


@pytest.mark.parametrize("kind", [EDIT, VARIATION])
def test_photo(pipeline: Pipeline, kind: str) -> None:
    """A photo is cut to the size, and what is made depends on it."""
    first = drawn(pipeline, wanted(kind=kind, photos=(photo(),)))[0]
    assert first.size == (64, 96)
    assert differ(first, drawn(pipeline, wanted())[0])


def test_mask(pipeline: Pipeline) -> None:
    """With a mask the picture has the size too."""
    mask = Image.new("RGBA", (200, 200), (9, 9, 9, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 100, 200))
    out = BytesIO()
    mask.save(out, "PNG")
    request = wanted(kind=EDIT, photos=(photo(),), mask=Photo(out.getvalue(), "image/png"))
    assert drawn(pipeline, request)[0].size == (64, 96)


def test_stopped(pipeline: Pipeline) -> None:
    """A request that is not wanted any more ends at its next step."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        pipeline.draw(wanted(), stop)


@pytest.mark.parametrize("flags", [True, False])
async def test_safety_checker(settings: Settings, tmp_path: Path, flags: bool) -> None:
    """A safety checker on the disk, in Stable Diffusion's form, is loaded and asked."""
    path = tiny_sdxl.make_safety_checker(tmp_path, flags=flags)
    checker = DiffusersChecker(
        msgspec.structs.replace(settings, diffusers_safety_checker=str(path))
    )
    checked = await checker.picture(photo().data)
    await checker.close()
    assert checked.rule_id == ("safety-checker" if flags else None)


async def test_provider(settings: Settings) -> None:
    """The provider loads the model by its settings and draws with it."""
    one = DiffusersProvider(settings)
    pictures = await one.generate(wanted(), Submitting())
    await one.close()
    assert [data[:4] for data in pictures] == [b"\x89PNG"] * 2


def test_not_there(settings: Settings, tmp_path: Path) -> None:
    """A folder without a model is an error at once, and nothing is fetched."""
    with pytest.raises(OSError, match="model_index"):
        Pipeline(msgspec.structs.replace(settings, diffusers_model=str(tmp_path)))


def test_only_safetensors(settings: Settings, model: Path, tmp_path: Path) -> None:
    """Weights in a format that can run code are not read."""
    import shutil

    import torch

    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_suffix(".bin"))
    with pytest.raises(OSError, match="safetensors"):
        Pipeline(msgspec.structs.replace(settings, diffusers_model=str(copy)))


def test_loras() -> None:
    """Paths with strengths, or without."""
    assert loras_of("a, b@0.5,c/d@e@-1") == [Lora("a", 1), Lora("b", 0.5), Lora("c/d@e", -1)]
    for text in ("a@b", "@1", "a@99", "a@nan"):
        with pytest.raises(SettingsError, match="DIFFUSERS_LORAS"):
            loras_of(text)


def test_device() -> None:
    """A device that is not there stops the start."""
    import torch

    assert device_of("cpu").type == "cpu"
    if not torch.cuda.is_available():
        assert device_of("auto").type in {"cpu", "mps"}
        with pytest.raises(SettingsError, match="DIFFUSERS_DEVICE"):
            device_of("cuda:1")
