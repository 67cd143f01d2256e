"""What Bedrock's image models are asked, and what they answer; each family has words of its own."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Protocol

import msgspec

from processors.providers.base import EDIT, VARIATION, ImageRequest, ProviderError, ProviderRefused
from processors.providers.photos import (
    black_where_open,
    filling,
    in_base64,
    white_where_open,
    within,
)
from processors.providers.prompts import words_of

TITAN_SEEDS = 2_147_483_647
TITAN_WORDS_MAX = 512
TITAN_SIDE_PIXELS_MAX = 1408
TITAN_QUALITIES = {"standard": "standard", "high": "premium"}
TITAN_SIMILARITY = {EDIT: 0.7, VARIATION: 0.8}
"""How near to the photo a picture stays where there is no mask, from 0.2 to 1."""
SDXL_SEEDS = 4_294_967_296
SDXL_WORDS_MAX = 2000
SDXL_STEPS = {"standard": 30, "high": 50}
SDXL_STRENGTH = {EDIT: 0.45, VARIATION: 0.35}
"""How near to the photo a picture stays, of 1."""
GUIDANCE = 8.0
_MADE = "SUCCESS"
_FILTERED = "CONTENT_FILTERED"


class Family(Protocol):
    """A family of models that understand the same requests."""

    def bodies(self, request: ImageRequest) -> list[dict[str, Any]]:
        """The calls that make all pictures.

        Raises:
            ProviderError: it cannot be asked.
        """
        ...

    def pictures(self, answer: bytes) -> list[bytes]:
        """What one call has made.

        Raises:
            ProviderRefused: the model will not show such a thing.
            ValueError: it cannot be read.
        """
        ...


class _TitanAnswer(msgspec.Struct, frozen=True):
    images: list[str] | None = None
    error: str | None = None


class Titan:
    """Titan Image Generator, and Nova Canvas, which takes the same: all pictures by one call."""

    def bodies(self, request: ImageRequest) -> list[dict[str, Any]]:
        """See `Family`."""
        kind, name, task = self._task(request)
        return [
            {
                "taskType": kind,
                name: task,
                "imageGenerationConfig": {
                    "numberOfImages": request.count,
                    "quality": TITAN_QUALITIES[request.quality],
                    "cfgScale": GUIDANCE,
                    "seed": (request.seed + request.indices[0]) % TITAN_SEEDS,
                    # A picture inside a mask keeps the size of its photo.
                    **(
                        {}
                        if kind == "INPAINTING"
                        else {"width": request.width, "height": request.height}
                    ),
                },
            }
        ]

    def pictures(self, answer: bytes) -> list[bytes]:
        """See `Family`; of several some may have been withheld."""
        found = msgspec.json.decode(answer, type=_TitanAnswer)
        pictures = [_decoded(one) for one in found.images or ()]
        if not pictures and found.error:
            raise ProviderRefused("The model withholds what it has made.")
        return pictures

    def _task(self, request: ImageRequest) -> tuple[str, str, dict[str, Any]]:
        words = {"text": words_of(request, TITAN_WORDS_MAX)} if request.prompt else {}
        if request.negative_prompt:
            words["negativeText"] = request.negative_prompt[:TITAN_WORDS_MAX]
        if request.kind not in {EDIT, VARIATION}:
            return "TEXT_IMAGE", "textToImageParams", words
        if not request.photos:
            raise ProviderError("There is no photo to change.")
        if request.mask is not None:
            return (
                "INPAINTING",
                "inPaintingParams",
                words
                | {
                    "image": in_base64(within(request.photos[0], TITAN_SIDE_PIXELS_MAX)),
                    "maskImage": in_base64(
                        black_where_open(within(request.mask, TITAN_SIDE_PIXELS_MAX))
                    ),
                },
            )
        photos = [in_base64(within(one, TITAN_SIDE_PIXELS_MAX)) for one in request.photos]
        strength = TITAN_SIMILARITY[request.kind]
        return (
            "IMAGE_VARIATION",
            "imageVariationParams",
            {**words, "images": photos, "similarityStrength": strength},
        )


class _Artifact(msgspec.Struct, frozen=True, rename={"finish_reason": "finishReason"}):
    base64: str = ""
    finish_reason: str = _MADE


class _SdxlAnswer(msgspec.Struct, frozen=True):
    artifacts: list[_Artifact]


class Sdxl:
    """Stable Diffusion XL: one picture a call."""

    def bodies(self, request: ImageRequest) -> list[dict[str, Any]]:
        """See `Family`."""
        words = [{"text": words_of(request, SDXL_WORDS_MAX), "weight": 1.0}]
        if request.negative_prompt:
            words.append({"text": request.negative_prompt[:SDXL_WORDS_MAX], "weight": -1.0})
        shared = {
            "text_prompts": words,
            "cfg_scale": GUIDANCE,
            "steps": SDXL_STEPS[request.quality],
            "samples": 1,
            **self._start(request),
        }
        return [
            {**shared, "seed": (request.seed + index) % SDXL_SEEDS} for index in request.indices
        ]

    def pictures(self, answer: bytes) -> list[bytes]:
        """See `Family`."""
        found = msgspec.json.decode(answer, type=_SdxlAnswer).artifacts
        pictures = [_decoded(one.base64) for one in found if one.finish_reason == _MADE]
        if not pictures and any(one.finish_reason == _FILTERED for one in found):
            raise ProviderRefused("The model withholds what it has made.")
        return pictures

    def _start(self, request: ImageRequest) -> dict[str, Any]:
        if request.kind not in {EDIT, VARIATION}:
            return {"width": request.width, "height": request.height}
        if not request.photos:
            raise ProviderError("There is no photo to change.")
        size = (request.width, request.height)
        start: dict[str, Any] = {"init_image": in_base64(filling(request.photos[0], *size))}
        if request.mask is None:
            strength = SDXL_STRENGTH[request.kind]
            return start | {"init_image_mode": "IMAGE_STRENGTH", "image_strength": strength}
        mask = in_base64(white_where_open(filling(request.mask, *size)))
        return start | {"mask_source": "MASK_IMAGE_WHITE", "mask_image": mask}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("a picture is no base64") from error
