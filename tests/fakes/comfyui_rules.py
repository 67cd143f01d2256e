"""What a ComfyUI server takes of a workflow: the nodes that it has, with their inputs."""

from __future__ import annotations

from typing import Any

CHECKPOINT = "sd_xl_base_1.0.safetensors"
_SAMPLER = (
    *("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    *("model", "positive", "negative", "latent_image"),
)
NODES: dict[str, set[str]] = {
    "CheckpointLoaderSimple": {"ckpt_name"},
    "CLIPTextEncode": {"text", "clip"},
    "EmptyLatentImage": {"width", "height", "batch_size"},
    "ImageScale": {"image", "upscale_method", "width", "height", "crop"},
    "ImageToMask": {"image", "channel"},
    "KSampler": set(_SAMPLER),
    "LoadImage": {"image"},
    "LoadImageMask": {"image", "channel"},
    "MaskToImage": {"mask"},
    "PreviewImage": {"images"},
    "RepeatLatentBatch": {"samples", "amount"},
    "VAEDecode": {"samples", "vae"},
    "VAEEncode": {"pixels", "vae"},
    "VAEEncodeForInpaint": {"pixels", "vae", "mask", "grow_mask_by"},
}
_NUMBERS = {
    "width": (16, 16384),
    "height": (16, 16384),
    "batch_size": (1, 4096),
    "amount": (1, 64),
    "steps": (1, 10000),
    "seed": (0, 2**64 - 1),
    "denoise": (0.0, 1.0),
}


def wrong_with(graph: dict[str, Any], photos: set[str]) -> str | None:
    """Why it is refused; None: it is taken."""
    for name, node in graph.items():
        known = NODES.get(node["class_type"])
        if known is None or set(node["inputs"]) != known:
            return f"node {name}"
        for key, value in node["inputs"].items():
            if isinstance(value, list):
                if value[0] not in graph:
                    return f"link {name}.{key}"
            elif not _fits(node["class_type"], key, value, photos):
                return f"value {name}.{key}"
    return None


def _fits(kind: str, key: str, value: Any, photos: set[str]) -> bool:
    if key in _NUMBERS:
        low, high = _NUMBERS[key]
        return isinstance(value, int | float) and low <= value <= high
    if key == "ckpt_name":
        return bool(value == CHECKPOINT)
    if kind in {"LoadImage", "LoadImageMask"} and key == "image":
        return value in photos
    return isinstance(value, str | int | float)


def words_of(graph: dict[str, Any]) -> str:
    """What the sampler is told to draw."""
    sampler = next(one for one in graph.values() if one["class_type"] == "KSampler")
    return str(graph[sampler["inputs"]["positive"][0]]["inputs"]["text"])


def batch_of(graph: dict[str, Any]) -> int:
    """How many pictures come of it."""
    sizes = [
        node["inputs"][key]
        for node in graph.values()
        for key in ("batch_size", "amount")
        if key in node["inputs"]
    ]
    return int(sizes[0])
