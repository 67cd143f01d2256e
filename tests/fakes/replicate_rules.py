"""What Replicate takes of a request for a prediction, and what it does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MODEL = "black-forest-labs/flux-schnell"
VERSION = "c846a69991daf4c0e5d016514849d14ee5b2e6846ce6b9d6f21369e564cfe51e"
ASPECTS = {"1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"}
FIELDS = {"input", "version", "webhook", "webhook_events_filter", "stream"}
EVENTS = {"start", "output", "logs", "completed"}
EDIT_MODEL = "black-forest-labs/flux-kontext-pro"
PHOTO_CHARS_MAX = 262_144
"""Files as data: addresses are for "small files <= 256kb"."""
PHOTO = re.compile(r"data:image/(?:webp|png|jpeg);base64,[A-Za-z0-9+/]+={0,2}")
EDIT_INPUTS: dict[str, Any] = {
    "prompt": lambda value: isinstance(value, str) and bool(value),
    "input_image": lambda value: (
        PHOTO.fullmatch(value) is not None and len(value) <= PHOTO_CHARS_MAX
    ),
    "aspect_ratio": lambda value: value in {"match_input_image", *ASPECTS},
    "seed": lambda value: isinstance(value, int) and value >= 0,
    "output_format": lambda value: value in {"jpg", "png"},
    "safety_tolerance": lambda value: isinstance(value, int) and 0 <= value <= 6,
    "prompt_upsampling": lambda value: isinstance(value, bool),
}
INPUTS: dict[str, Any] = {
    "prompt": lambda value: isinstance(value, str) and bool(value),
    "aspect_ratio": lambda value: value in ASPECTS,
    "num_outputs": lambda value: isinstance(value, int) and 1 <= value <= 4,
    "num_inference_steps": lambda value: isinstance(value, int) and 1 <= value <= 4,
    "seed": lambda value: isinstance(value, int) and value >= 0,
    "output_format": lambda value: value in {"webp", "jpg", "png"},
    "output_quality": lambda value: isinstance(value, int) and 0 <= value <= 100,
    "disable_safety_checker": lambda value: isinstance(value, bool),
    "go_fast": lambda value: isinstance(value, bool),
    "lora_weights": lambda value: isinstance(value, str),
    "megapixels": lambda value: value in {"1", "0.25"},
}


def wrong_with(path: Mapping[str, str], body: dict[str, Any]) -> tuple[int, str] | None:
    """Status and detail of the refusal; None: it is taken.

    Args:
        path: owner and name of the model; empty: the address for versions.
        body: of the request.
    """
    model = f"{path['owner']}/{path['name']}" if path else MODEL
    if model not in {MODEL, EDIT_MODEL}:
        return 404, "The requested resource could not be found."
    known = INPUTS if model == MODEL else EDIT_INPUTS
    if bool(path) == (body.get("version") == VERSION):
        return 422, "version is required, or was not expected"
    unknown = (body.keys() - FIELDS) | (body.get("input", {}).keys() - known.keys())
    if unknown:
        return 422, f"unexpected fields: {sorted(unknown)}"
    inputs = body["input"]
    bad = [name for name, value in inputs.items() if not known[name](value)]
    if bad or "prompt" not in inputs:
        return 422, f"input: {bad or 'prompt is required'}"
    if not set(body.get("webhook_events_filter", ())) <= EVENTS:
        return 422, "webhook_events_filter"
    return None
