"""Examples of what the API takes and answers about batches."""

from __future__ import annotations

from typing import Any, Final

from commands.batches import BatchItem, BatchRequest
from events import ids
from events.ids import BatchId
from gateway.api.documents import CreditsOfGeneration, ErrorOfGeneration, GenerationDocument
from gateway.batches.documents import BatchPage, document_of
from gateway.web.sentences import SENTENCES

_BATCH: Final = BatchId("3d0f6a0c-1c8e-5b7e-9a55-2f4b6c8d0e11")

_asked = BatchRequest(
    items=(BatchItem(prompt="A lighthouse at dawn"), BatchItem(prompt="A harbour in the rain")),
    style_id="watercolour",
)
_items = tuple(
    GenerationDocument(
        id=ids.batch_generation_id(_BATCH, index),
        status=("pending", "rejected")[index],
        kind="image",
        batch_id=_BATCH,
        prompt=one.prompt,
        style_id=_asked.style_id,
        size=_asked.size,
        count=1,
        quality=_asked.quality,
        seed=42,
        model="preview",
        credits=CreditsOfGeneration(reserved=(1, 0)[index]),
        error=(
            None,
            ErrorOfGeneration(
                code="insufficient_credits", detail=SENTENCES["insufficient_credits"]
            ),
        )[index],
        created_at="2026-01-01T00:00:00.000Z",
    )
    for index, one in enumerate(_asked.items)
)
_batch = document_of(_BATCH, _items)

BY_SHAPE: Final[dict[type, Any]] = {
    type(one): one for one in (_asked, _batch, BatchPage(items=(_batch,), next_cursor=None))
}
"""By struct, as in `examples`."""
