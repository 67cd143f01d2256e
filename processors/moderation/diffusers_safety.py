"""Loading and asking a safety checker of Stable Diffusion's form. Needs the extra `diffusers`."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers import CLIPImageProcessor

from processors.providers.torch_devices import device_of
from runtime.settings import Settings


def load(settings: Settings) -> Callable[[bytes], bool]:
    """The safety checker of the settings: whether a picture must not be shown.

    Raises:
        OSError: it is not there, or not as safetensors.
    """
    name = settings.diffusers_safety_checker
    device = device_of(settings.diffusers_device)
    local = {"local_files_only": not settings.diffusers_download}
    looks_at = CLIPImageProcessor.from_pretrained(name, **local)
    # Other formats than safetensors can run code as they are read.
    model = StableDiffusionSafetyChecker.from_pretrained(name, use_safetensors=True, **local)
    model.to(device)

    def look(jpeg: bytes) -> bool:
        with Image.open(BytesIO(jpeg)) as opened:
            picture = opened.convert("RGB")
        seen = looks_at([picture], return_tensors="pt").pixel_values.to(device)
        with torch.inference_mode():
            _, flags = model(clip_input=seen, images=np.asarray(picture)[None] / 255.0)
        return bool(flags[0])

    return look
