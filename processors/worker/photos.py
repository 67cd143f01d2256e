"""The photos that a job begins with: from our own store, by keys that our own gateway wrote.

Nothing else is ever fetched: no address that a person gave, nothing of another account.
"""

from __future__ import annotations

from typing import NamedTuple

import structlog

from events.generations import GenerationRequested
from processors.providers import Photo, ProviderError
from runtime.objects import ObjectStore, ObjectTooLarge

_log = structlog.get_logger(__name__)

PHOTO_BYTES_MAX = 33_554_432
"""More than any picture of ours has."""
_PREFIXES = ("uploads", "generations")
_PNG = b"\x89PNG"


class PhotoGone(ProviderError):
    """What it was to be made of is not there any more; nothing was paid."""

    code = "photo_gone"
    detail = (
        "The photo that this was to be made of is no longer kept. Please send it again; your "
        "credits were returned."
    )


class Photos(NamedTuple):
    """What a request begins with."""

    photos: tuple[Photo, ...]
    mask: Photo | None


async def load(objects: ObjectStore, request: GenerationRequested) -> Photos:
    """The photos and the mask of a request.

    Raises:
        PhotoGone: one is not there, or is none of this account's.
        ObjectsUnavailable, ObjectsRefused: ask again later.
    """
    photos = [await _photo(objects, request, key) for key in request.photo_keys]
    mask = None
    if request.mask_key is not None:
        mask = await _photo(objects, request, request.mask_key)
    if not photos:
        raise PhotoGone("The request names no photo.")
    return Photos(tuple(photos), mask)


async def _photo(objects: ObjectStore, request: GenerationRequested, key: str) -> Photo:
    if not key.startswith(tuple(f"{one}/{request.account_id}/" for one in _PREFIXES)):
        _log.error("a request names an object of others", object_key=key)
        raise PhotoGone(f"{key} is none of this account's.")
    try:
        stored = await objects.read(key, PHOTO_BYTES_MAX)
    except ObjectTooLarge as error:
        raise PhotoGone(str(error)) from error
    if stored is None:
        raise PhotoGone(f"{key} is not there.")
    is_png = stored.data.startswith(_PNG)
    return Photo(stored.data, "image/png" if is_png else "image/webp")
