"""What the API says of image models."""

from __future__ import annotations

from typing import Annotated

import msgspec

from gateway.api.documents import says


class ModelDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An image model that can be asked for."""

    id: str
    name: str
    provider: Annotated[str, says("Who makes it first; others may stand in.")]
    credits_per_image: Annotated[dict[str, int], says("By quality, for the kind `image`.")]
    qualities: Annotated[tuple[str, ...], says("What `quality` may be.")]
    capabilities: Annotated[tuple[str, ...], says("Which kinds it makes.")]
    credits_by_kind: Annotated[
        dict[str, dict[str, int]], says("Credits for one picture by kind and quality.")
    ]
    photos_max: Annotated[int, says("How many photos an `edit` may begin with.")]
    from_photos_max: Annotated[
        int, says("How many pictures an `edit` or a `variation` may ask for at once.")
    ]
    masks: Annotated[bool, says("Whether a mask may say where a photo changes.")]
    sizes: tuple[str, ...]
    median_seconds: Annotated[
        float | None, says("How long its last results took, as a median; null: not known.")
    ]
    default: bool


class Models(msgspec.Struct, frozen=True, kw_only=True):
    """The models that are configured."""

    items: tuple[ModelDocument, ...]
