"""Stable Diffusion XL by the library `diffusers`: loading it, and drawing.

Weights are read as safetensors only: other formats can run code. The pipelines for photos share
the weights of the one for words. Needs the extra `diffusers`.
"""

from __future__ import annotations

import threading
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
from processors.providers.torch_devices import device_of
from runtime.errors import SettingsError
from runtime.settings import Settings

STEPS = {"standard": 30, "high": 50}
GUIDANCE = 6.5
STRENGTH = {EDIT: 0.65, VARIATION: 0.5}
"""How far from the photo a picture may go, of 1."""
MASK_STRENGTH = 0.99
SEEDS = 2**63
SCALE_MAX = 4.0


class Lora(NamedTuple):
    """Weights that are added to a model."""

    path: str
    scale: float


class Pipeline:
    """A model that is loaded, with its LoRA weights, on its device.

    Args:
        settings: which, and where.

    Raises:
        SettingsError: the LoRA weights or the device cannot be used.
        OSError: the model is not there, or not as safetensors.
    """

    def __init__(self, settings: Settings) -> None:
        self.device = device_of(settings.diffusers_device)
        self._words = StableDiffusionXLPipeline.from_pretrained(
            settings.diffusers_model,
            variant=settings.diffusers_variant,
            # Half the memory and twice the speed; only cards of that kind draw right with it.
            torch_dtype=torch.float16 if self.device.type == "cuda" else torch.float32,
            use_safetensors=True,
            local_files_only=not settings.diffusers_download,
        )
        self._add(loras_of(settings.diffusers_loras), settings)
        self._words.to(self.device)
        self._edit = StableDiffusionXLImg2ImgPipeline.from_pipe(self._words)
        self._mask = StableDiffusionXLInpaintPipeline.from_pipe(self._words)
        for one in (self._words, self._edit, self._mask):
            one.set_progress_bar_config(disable=True)

    def draw(self, request: ImageRequest, stop: threading.Event) -> list[bytes]:
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
        return [_png(picture) for picture in made]

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
