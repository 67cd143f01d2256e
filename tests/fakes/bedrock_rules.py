"""What Bedrock's image models take of a request, as JSON Schemas of Amazon's documentation."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from jsonschema import Draft202012Validator
from PIL import Image

TITAN = "amazon.titan-image-generator-v2:0"
SDXL = "stability.stable-diffusion-xl-v1"
_TITAN_SIDES = {(1024, 1024), (768, 768), (512, 512), (768, 1152), (1152, 768)}
_WORDS = {"type": "string", "minLength": 3, "maxLength": 512}
_PICTURE = {"type": "string", "minLength": 8}


def _object(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


_CONFIG = _object(
    ["numberOfImages"],
    numberOfImages={"type": "integer", "minimum": 1, "maximum": 5},
    quality={"enum": ["standard", "premium"]},
    cfgScale={"type": "number", "minimum": 1.1, "maximum": 10},
    seed={"type": "integer", "minimum": 0, "maximum": 2_147_483_646},
    width={"type": "integer"},
    height={"type": "integer"},
)
_TASKS = {
    "TEXT_IMAGE": ("textToImageParams", _object(["text"], text=_WORDS, negativeText=_WORDS)),
    "INPAINTING": (
        "inPaintingParams",
        _object(
            ["image", "maskImage"],
            image=_PICTURE,
            maskImage=_PICTURE,
            text=_WORDS,
            negativeText=_WORDS,
        ),
    ),
    "IMAGE_VARIATION": (
        "imageVariationParams",
        _object(
            ["images"],
            images={"type": "array", "items": _PICTURE, "minItems": 1, "maxItems": 5},
            text=_WORDS,
            negativeText=_WORDS,
            similarityStrength={"type": "number", "minimum": 0.2, "maximum": 1},
        ),
    ),
}
_SDXL = _object(
    ["text_prompts"],
    text_prompts={
        "type": "array",
        "minItems": 1,
        "items": _object(
            ["text"],
            text={"type": "string", "maxLength": 2000},
            weight={"type": "number"},
        ),
    },
    cfg_scale={"type": "number", "minimum": 0, "maximum": 35},
    steps={"type": "integer", "minimum": 10, "maximum": 50},
    samples={"const": 1},
    seed={"type": "integer", "minimum": 0, "maximum": 4_294_967_295},
    width={"const": 1024},
    height={"const": 1024},
    init_image=_PICTURE,
    init_image_mode={"const": "IMAGE_STRENGTH"},
    image_strength={"type": "number", "minimum": 0, "maximum": 1},
    mask_source={"const": "MASK_IMAGE_WHITE"},
    mask_image=_PICTURE,
)


def wrong_with(model: str, body: dict[str, Any]) -> str | None:
    """What the model does not take; None: nothing."""
    if model == SDXL:
        schema = _SDXL
        pictures = [body.get("init_image"), body.get("mask_image")]
    else:
        if body.get("taskType") not in _TASKS:
            return "taskType"
        name, task = _TASKS[body["taskType"]]
        schema = _object(
            ["taskType", name, "imageGenerationConfig"],
            **{"taskType": {"type": "string"}, name: task, "imageGenerationConfig": _CONFIG},
        )
        given = body.get(name, {})
        pictures = [given.get("image"), given.get("maskImage"), *given.get("images", [])]
    for error in Draft202012Validator(schema).iter_errors(body):
        return f"{error.json_path}: {error.validator}"
    return _sides(model, body) or _wrong_pictures(model, [one for one in pictures if one])


def _sides(model: str, body: dict[str, Any]) -> str | None:
    config = body.get("imageGenerationConfig", {})
    if model == TITAN and "width" in config:
        sides = config["width"], config["height"]
        return None if sides in _TITAN_SIDES else "width, height"
    return None


def _wrong_pictures(model: str, pictures: list[str]) -> str | None:
    sizes = set()
    for text in pictures:
        with Image.open(BytesIO(base64.b64decode(text, validate=True))) as picture:
            if picture.format not in {"PNG", "JPEG"}:
                return "format"
            sizes.add(picture.size)
    if model == SDXL and sizes - {(1024, 1024)}:
        return "init_image"
    return "sizes" if len(sizes) > 1 or any(max(size) > 1408 for size in sizes) else None


def words_of(model: str, body: dict[str, Any]) -> str:
    """The prompt."""
    if model == SDXL:
        return str(body["text_prompts"][0]["text"])
    return str(body[_TASKS[body["taskType"]][0]].get("text", ""))
