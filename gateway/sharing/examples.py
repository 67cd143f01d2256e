"""Examples of what sharing takes and answers, by struct."""

from __future__ import annotations

from typing import Any, Final

from events.envelope import rfc3339
from gateway.api.problem_examples import GENERATION
from gateway.sharing.documents import (
    NewShareDocument,
    PreparedDocument,
    SharedDocument,
    ShareDocument,
    ShareRequest,
    Shares,
)

_MS: Final = 1_767_225_600_000
_MONTH_MS: Final = 30 * 24 * 3_600_000
_CODE: Final = "u3Jm0bq6k1X9Zc4dT8hYsA"

_share = ShareDocument(
    id="7d1c5a44-0e0b-4f0c-9a35-3c1d2b4e5f60",
    generation_id=GENERATION,
    image_id="9e2d4b60-7c11-5a3f-9d0e-6b7a8c9d0e1f",
    code=_CODE,
    url=f"https://pixelpop.example/s/{_CODE}",
    show_prompt=True,
    created_at=rfc3339(_MS),
    expires_at=rfc3339(_MS + _MONTH_MS),
)

BY_SHAPE: Final[dict[type, Any]] = {
    type(one): one
    for one in (
        ShareRequest(show_prompt=True),
        _share,
        NewShareDocument(
            share=_share,
            prepared_message=PreparedDocument(id="Jq0dM2s5n8", expires_at=rfc3339(_MS + 600_000)),
        ),
        Shares(items=(_share,), next_cursor=None),
        SharedDocument(
            style_id="poster",
            prompt="a lighthouse in the fog",
            size="1024x1024",
            photo_url=f"https://pixelpop.example/s/{_CODE}/photo.jpg",
            width=1024,
            height=1024,
            expires_at=rfc3339(_MS + _MONTH_MS),
        ),
    )
}
