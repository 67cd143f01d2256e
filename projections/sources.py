"""What a generation was made from besides words, as its row tells it."""

from __future__ import annotations

import msgspec

from events.generations import GenerationRequested


def sources_of(event: GenerationRequested) -> str | None:
    """Photos, mask or picture as JSON, by the names that the API has for them; None: nothing."""
    if not event.photo_keys:
        return None
    sources = {
        "upload_ids": event.upload_ids,
        "mask_upload_id": event.mask_upload_id,
        "parent_image_id": event.parent_image_id,
    }
    return msgspec.json.encode(sources).decode()
