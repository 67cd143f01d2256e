"""What the API says of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from commands.batches import BATCH_MAX, status_of
from gateway.api.documents import CreditsOfGeneration, GenerationDocument, Id, Status, Time, says
from gateway.live.tail import FINAL
from gateway.web.paging import PAGE_MAX


class BatchDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Generations that were asked for with one command."""

    id: Id
    status: Annotated[
        Status,
        says(
            "`pending` while none is begun, `processing` until all are finished; then `done` if "
            "one of them is, else `failed`, `cancelled` or `rejected`."
        ),
    ]
    finished_count: Annotated[int, says("How many of them are finished, however they ended.")]
    done_count: Annotated[int, says("How many of them have pictures.")]
    credits: Annotated[CreditsOfGeneration, says("Of all of them together.")]
    items: Annotated[tuple[GenerationDocument, ...], says("Each of them, in order.")]
    created_at: Time | None = None


class BatchPage(msgspec.Struct, frozen=True, kw_only=True):
    """Batches, newest first; `next_cursor` is null on the last page."""

    items: tuple[BatchDocument, ...]
    next_cursor: str | None


class BatchQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which batches."""

    cursor: Annotated[str, Meta(max_length=512)] | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX // BATCH_MAX)] = PAGE_MAX // BATCH_MAX


def document_of(batch_id: str, items: Sequence[GenerationDocument]) -> BatchDocument:
    """A batch as a whole, from its generations in their order, at least one."""
    statuses = tuple(one.status for one in items)
    return BatchDocument(
        id=batch_id,
        status=status_of(statuses),
        finished_count=sum(one in FINAL for one in statuses),
        done_count=statuses.count("done"),
        credits=CreditsOfGeneration(
            reserved=sum(one.credits.reserved for one in items),
            captured=sum(one.credits.captured for one in items),
            returned=sum(one.credits.returned for one in items),
        ),
        items=tuple(items),
        created_at=items[0].created_at,
    )
