"""What fal takes of a request, and what it does not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

APPS = {"fal-ai/flux", "fal-ai/flux-kontext", "fal-ai/flux-lora"}
SIDE_MIN, SIDE_MAX = 512, 1536


def _is_picture(value: Any) -> bool:
    head, _, data = str(value).partition(",")
    return head in {"data:image/png;base64", "data:image/webp;base64"} and bool(
        base64.b64decode(data, validate=True)
    )


def _is_size(value: Any) -> bool:
    return value.keys() == {"width", "height"} and all(
        isinstance(side, int) and SIDE_MIN <= side <= SIDE_MAX for side in value.values()
    )


Rule = Callable[[Any], bool]
_SHARED: dict[str, Rule] = {
    "prompt": lambda value: isinstance(value, str) and bool(value),
    "num_images": lambda value: isinstance(value, int) and 1 <= value <= 4,
    "seed": lambda value: isinstance(value, int) and 0 <= value < 2**32,
    "num_inference_steps": lambda value: isinstance(value, int) and 10 <= value <= 50,
    "guidance_scale": lambda value: 1 <= value <= 20,
    "enable_safety_checker": lambda value: value is True,
    "output_format": lambda value: value in {"jpeg", "png"},
}
_STRENGTH: dict[str, Rule] = {"strength": lambda value: 0.01 <= value <= 1}
MODELS: dict[str, dict[str, Rule]] = {
    "fal-ai/flux/dev": {
        **_SHARED,
        "image_size": _is_size,
        "acceleration": lambda value: value in {"none", "regular", "high"},
    },
    "fal-ai/flux-kontext/dev": {**_SHARED, "image_url": _is_picture},
    "fal-ai/flux-lora/inpainting": {
        **_SHARED,
        **_STRENGTH,
        "image_url": _is_picture,
        "mask_url": _is_picture,
    },
    "fal-ai/flux/dev/image-to-image": {**_SHARED, **_STRENGTH, "image_url": _is_picture},
}
_REQUIRED = {"prompt", "image_url", "mask_url"}


def wrong_with(
    model: str, inputs: dict[str, Any], headers: Mapping[str, str]
) -> tuple[int, str] | None:
    """Status and detail of the refusal; None: it is taken."""
    rules = MODELS.get(model)
    if rules is None:
        return 404, "Application not found"
    unknown = inputs.keys() - rules.keys()
    missing = (_REQUIRED & rules.keys()) - inputs.keys()
    bad = [name for name, value in inputs.items() if name in rules and not rules[name](value)]
    if unknown or missing or bad:
        return 422, f"unknown {sorted(unknown)}, missing {sorted(missing)}, bad {bad}"
    seconds = headers.get("X-Fal-Request-Timeout", "")
    if not seconds.isdigit() or int(seconds) <= 1:
        return 400, "X-Fal-Request-Timeout"
    kept = json.loads(headers.get("X-Fal-Object-Lifecycle-Preference", "{}"))
    if headers.get("X-Fal-Store-IO") != "0" or kept.keys() != {"expiration_duration_seconds"}:
        return 400, "what is kept"
    return None
