"""Stable Diffusion XL by the library `diffusers`: loading it, and drawing.

Weights are read as safetensors only: other formats can run code. The pipelines for photos share
the weights of the one for words. Needs the extra `diffusers`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import torch
from diffusers import (
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

from processors.providers.base import EDIT, VARIATION, ImageRequest, Photo, ProviderError
from processors.providers.diffusers import Stopped
from processors.providers.photos import filling, white_where_open
from processors.providers.prompts import words_of
from runtime.errors import SettingsError
from runtime.settings import Settings

STEPS = {"standard": 30, "high": 50}
GUIDANCE = 6.5
STRENGTH = {EDIT: 0.65, VARIATION: 0.5}
"""How far from the photo a picture may go, of 1."""
MASK_STRENGTH = 0.99
SEEDS = 2**63
SCALE_MAX = 4.0

SafetyCheck = Callable[[list[Image.Image]], list[bool]]
"""Says of each picture whether it must not be shown."""


class Lora(NamedTuple):
    """Weights that are added to a model."""

    path: str
    scale: float


class Pipeline:
    """A model that is loaded, with its LoRA weights, on its device.

    Args:
        settings: which, and where.
        check: the safety checker; unset: the one of the settings, if there is one.

    Raises:
        SettingsError: the LoRA weights or the device cannot be used.
        OSError: the model is not there, or not as safetensors.
    """

    def __init__(self, settings: Settings, check: SafetyCheck | None = None) -> None:
        self.device = device_of(settings.diffusers_device)
        # Half the memory and twice the speed; only cards of that kind draw right with it.
        self._dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        self._where = {
            "torch_dtype": self._dtype,
            "use_safetensors": True,
            "local_files_only": not settings.diffusers_download,
        }
        self._words = StableDiffusionXLPipeline.from_pretrained(
            settings.diffusers_model, variant=settings.diffusers_variant, **self._where
        )
        self._add(loras_of(settings.diffusers_loras), settings)
        self._words.to(self.device)
        self._edit = StableDiffusionXLImg2ImgPipeline.from_pipe(self._words)
        self._mask = StableDiffusionXLInpaintPipeline.from_pipe(self._words)
        for one in (self._words, self._edit, self._mask):
            one.set_progress_bar_config(disable=True)
        self._check = check
        if check is None and settings.diffusers_safety_checker is not None:
            self._check = self._checker(settings.diffusers_safety_checker)

    def draw(self, request: ImageRequest, stop: threading.Event) -> list[bytes | None]:
        """See `Drawing`."""
        pipeline, start = self._start(request)

        def step(_pipeline: Any, _at: int, _time: Any, kept: dict[str, Any]) -> dict[str, Any]:
            if stop.is_set():
                raise Stopped
            return kept

        # Not on the card: so that a seed draws the same picture wherever it is drawn.
        generators = [
            torch.Generator("cpu").manual_seed((request.seed + index) % SEEDS)
            for index in request.indices
        ]
        with torch.inference_mode():
            made = pipeline(
                prompt=words_of(request),
                negative_prompt=request.negative_prompt,
                num_inference_steps=STEPS[request.quality],
                guidance_scale=GUIDANCE,
                num_images_per_prompt=request.count,
                generator=generators,
                callback_on_step_end=step,
                output_type="pil",
                **start,
            ).images
        withheld = [False] * len(made) if self._check is None else self._check(made)
        return [
            None if unsafe else _png(picture)
            for picture, unsafe in zip(made, withheld, strict=True)
        ]

    def _start(self, request: ImageRequest) -> tuple[Any, dict[str, Any]]:
        size = {"width": request.width, "height": request.height}
        if request.kind not in {EDIT, VARIATION}:
            return self._words, size
        if not request.photos:
            raise ProviderError("There is no photo to change.")
        photo = _opened(filling(request.photos[0], **size))
        if request.mask is None:
            return self._edit, {"image": photo, "strength": STRENGTH[request.kind]}
        mask = _opened(white_where_open(filling(request.mask, **size))).convert("L")
        return self._mask, {"image": photo, "mask_image": mask, "strength": MASK_STRENGTH, **size}

    def _add(self, loras: list[Lora], settings: Settings) -> None:
        names = []
        for number, lora in enumerate(loras):
            names.append(f"lora{number}")
            self._words.load_lora_weights(
                lora.path,
                adapter_name=names[-1],
                use_safetensors=True,
                local_files_only=not settings.diffusers_download,
            )
        if names:
            self._words.set_adapters(names, [one.scale for one in loras])

    def _checker(self, name: str) -> SafetyCheck:
        """Stable Diffusion's safety checker, by its own two parts."""
        import numpy as np
        from diffusers.pipelines.stable_diffusion.safety_checker import (
            StableDiffusionSafetyChecker,
        )
        from transformers import CLIPImageProcessor

        local = {"local_files_only": self._where["local_files_only"]}
        looks_at = CLIPImageProcessor.from_pretrained(name, **local)
        model = StableDiffusionSafetyChecker.from_pretrained(name, **self._where).to(self.device)

        def check(pictures: list[Image.Image]) -> list[bool]:
            seen = looks_at(pictures, return_tensors="pt").pixel_values.to(self.device, self._dtype)
            pixels = np.stack([np.asarray(one.convert("RGB")) / 255.0 for one in pictures])
            with torch.inference_mode():
                _, flags = model(clip_input=seen, images=pixels)
            return [bool(flag) for flag in flags]

        return check


def device_of(name: str) -> torch.device:
    """The device of that name; `auto`: the best that is there.

    Raises:
        SettingsError: it is not there.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next((kind for kind, is_there in there.items() if is_there), "cpu"))
    device = torch.device(name)
    if not there.get(device.type, True):
        raise SettingsError(f"DIFFUSERS_DEVICE is {name}, which this machine does not have.")
    return device


def loras_of(text: str) -> list[Lora]:
    """The weights that a setting names, `path` or `path@scale`, with commas.

    Raises:
        SettingsError: a scale is no number, or far beyond what can be of use.
    """
    loras = []
    for one in filter(None, (part.strip() for part in text.split(","))):
        path, mark, scale = one.rpartition("@")
        try:
            lora = Lora(path, float(scale)) if mark else Lora(one, 1.0)
        except ValueError as error:
            raise SettingsError(
                f"DIFFUSERS_LORAS has a strength that is no number: {one}."
            ) from error
        if not lora.path or not -SCALE_MAX <= lora.scale <= SCALE_MAX:
            raise SettingsError(f"DIFFUSERS_LORAS has something that cannot be used: {one}.")
        loras.append(lora)
    return loras


def _opened(photo: Photo) -> Image.Image:
    return Image.open(BytesIO(photo.data)).convert("RGB")


def _png(picture: Image.Image) -> bytes:
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
