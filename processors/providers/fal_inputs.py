"""What fal's models are asked for."""

from __future__ import annotations

from typing import Any, NamedTuple

from processors.providers.base import EDIT, VARIATION, ImageRequest, Photo, ProviderError
from processors.providers.further import Further
from processors.providers.photos import in_base64, white_where_open
from processors.providers.prompts import prompt_of
from runtime.settings import Settings

STEPS = {"standard": 28, "high": 40}
VARIATION_STRENGTH = 0.75
"""How far a variation may go from its picture, of 1."""
SEEDS = 2**31
OURS = frozenset({"prompt", "seed", "sync_mode"})
"""Inputs that come with each request and from nowhere else; `sync_mode` would answer with the
pictures themselves."""


class Ask(NamedTuple):
    """A request of one model."""

    model: str
    inputs: dict[str, Any]
    seconds: float
    """How long it may take."""


class Asks:
    """From what is wanted to which model gets which inputs.

    Raises:
        SettingsError: `FAL_INPUTS` cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._further = Further(settings.fal_inputs, "FAL_INPUTS", OURS)

    def model_of(self, request: ImageRequest) -> str:
        """Which model makes it, now and when it is asked for again."""
        settings = self._settings
        if request.kind == VARIATION:
            return settings.fal_variation_model
        if request.kind == EDIT:
            return settings.fal_edit_model if request.mask is None else settings.fal_mask_model
        return settings.fal_model

    def seconds_of(self, request: ImageRequest) -> float:
        """How long it may take."""
        settings = self._settings
        is_edit = request.kind in {EDIT, VARIATION}
        return settings.fal_edit_timeout_seconds if is_edit else settings.fal_timeout_seconds

    def ask(self, request: ImageRequest) -> Ask:
        """What is submitted."""
        inputs: dict[str, Any] = {
            "prompt": prompt_of(request),
            "num_images": request.count,
            # Pictures that are made again after a lost call must not be those that are there.
            "seed": (request.seed + request.indices[0]) % SEEDS,
            "num_inference_steps": STEPS[request.quality],
            "enable_safety_checker": True,
            "output_format": "png",
        }
        if request.kind in {EDIT, VARIATION}:
            if not request.photos:
                raise ProviderError("There is no photo to change.")
            inputs["image_url"] = data_url(request.photos[0])
            if request.kind == VARIATION:
                inputs["strength"] = VARIATION_STRENGTH
            elif request.mask is not None:
                inputs["mask_url"] = data_url(white_where_open(request.mask))
        else:
            inputs["image_size"] = {"width": request.width, "height": request.height}
            inputs = self._further.added_to(inputs)
        return Ask(self.model_of(request), inputs, self.seconds_of(request))


def data_url(photo: Photo) -> str:
    """The photo itself as an address, so that it lies nowhere else."""
    return f"data:{photo.content_type};base64,{in_base64(photo)}"
