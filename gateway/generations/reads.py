"""Generations as documents: rows, unsealed and with addresses; or, before there is a row, the log.

The read models lag by milliseconds. A generation that the tail knows and they do not is read from
the log itself, so that a client that asks right after its 202 is not told 404.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from events.batches import batch_in, request_in
from events.generations import GenerationRequested, Preview
from events.ids import fact_id
from gateway.api.documents import (
    CreditsOfGeneration,
    ErrorOfGeneration,
    GenerationDocument,
    ImageDocument,
    PreviewDocument,
    Timings,
    at,
)
from gateway.generations.bin import BIN_MS
from gateway.identity.signed_in import Account
from gateway.live.changes import Rejected, Reserved
from gateway.live.tail import FINAL, Known
from gateway.live.waiting_line import NOWHERE, Place
from gateway.web.cursors import LogPosition
from gateway.web.errors import Problem
from gateway.web.sentences import error_sentence, refused_for
from runtime.crypto.sealing import Unsealable, unseal
from runtime.postgres.pool import as_account
from runtime.queries import load_queries

if TYPE_CHECKING:
    from gateway.deps import Deps

QUERIES = load_queries(Path(__file__).with_name("reads.sql"))
LAG_WAIT_SECONDS: Final = 0.25
"""How long a read waits for the row of a generation that the tail knows."""

RETRY_AFTER_SECONDS: Final = 1

_previews = msgspec.json.Decoder(tuple[Preview, ...]).decode


async def find_document(
    deps: Deps, account: Account, generation_id: UUID
) -> GenerationDocument | None:
    """One generation of this account; None: it has none with this id.

    Raises:
        PixelpopError: the database or the log cannot be read.
    """
    row, images, known = await _latest(deps, account, generation_id)
    if row is not None:
        return await to_document(deps, account, row, images)
    return None if known is None else await _from_log(deps, account, known)


async def find_deleted_at_ms(deps: Deps, account: Account, generation_id: UUID) -> int | None:
    """Since when this account's generation is in the bin; None: it is not there.

    Raises:
        Problem: the account has no generation with this id.
    """
    row, _, known = await _latest(deps, account, generation_id)
    if row is None and known is None:
        raise missing(deps)
    return None if row is None else row["deleted_at_ms"]


async def _latest(
    deps: Deps, account: Account, generation_id: UUID
) -> tuple[Any | None, list[Any], Known | None]:
    """The row with its images; and what the tail knows, if that is more."""
    row, images = await _rows(deps, account, generation_id)
    known = deps.tail.get(str(generation_id))
    if known is None or known.account_id != account.account_id:
        return row, images, None
    if row is not None and row["log_offset"] >= known.offset:
        return row, images, None
    # The tail is ahead. Usually for a moment only.
    if await deps.consistency.passed(LogPosition(known.partition, known.offset), LAG_WAIT_SECONDS):
        row, images = await _rows(deps, account, generation_id)
    return row, images, known


def missing(deps: Deps) -> Problem:
    """What to say of a generation that is neither in the read models nor in the tail."""
    if not deps.tail_reader.caught_up:  # soon after a start, or while the log is away
        return Problem(
            "not-caught-up",
            "This may exist and not be readable yet. Ask again shortly.",
            retry_after=RETRY_AFTER_SECONDS,
        )
    return Problem("not-found", "There is no generation with this id.")


async def _rows(deps: Deps, account: Account, generation_id: UUID) -> tuple[Any | None, list[Any]]:
    async with as_account(deps.pool, account.uuid) as connection:
        row = await connection.fetchrow(QUERIES.get_generation, account.uuid, generation_id)
        if row is None or row["status"] != "done":
            return row, []
        return row, await connection.fetch(QUERIES.get_images, account.uuid, [generation_id])


async def to_documents(
    deps: Deps, account: Account, rows: Sequence[Any], images: Sequence[Any]
) -> tuple[GenerationDocument, ...]:
    """Rows with all their images, as documents in the same order."""
    by_generation = defaultdict(list)
    for image in images:
        by_generation[image["generation_id"]].append(image)
    return tuple(
        [await to_document(deps, account, row, by_generation[row["generation_id"]]) for row in rows]
    )


async def to_document(
    deps: Deps, account: Account, row: Any, images: Sequence[Any]
) -> GenerationDocument:
    """One row with its images, as a document."""
    generation_id = str(row["generation_id"])
    shown = [image for image in images if image["deleted_at_ms"] is None]
    if row["deleted_at_ms"] is not None and deps.clock.now_ms() - row["deleted_at_ms"] > BIN_MS:
        shown = []  # too late to take them back: their bytes go
    over = row["status"] in FINAL
    place = NOWHERE if over else deps.place(generation_id, row["model"])
    return GenerationDocument(
        id=generation_id,
        status=row["status"],
        kind=row["kind"],
        **msgspec.json.decode(row["sources"] or "{}"),
        batch_id=None if row["batch_id"] is None else str(row["batch_id"]),
        prompt=opened(account, generation_id, "prompt", row["prompt"]),
        negative_prompt=opened(account, generation_id, "negative_prompt", row["negative_prompt"]),
        style_id=row["style_id"],
        size=row["size"],
        count=row["count"],
        quality=row["quality"],
        seed=row["seed"],
        model=row["model"],
        provider=row["provider"],
        images=tuple([await _image(deps, image) for image in shown]),
        failed_count=row["failed_count"] or 0,
        safety=row["safety"],
        credits=CreditsOfGeneration(
            reserved=row["credits_reserved"] or 0,
            captured=row["credits_captured"] or 0,
            returned=row["credits_returned"] or 0,
        ),
        error=_error(row),
        queue_position=place.position,
        eta_seconds=place.eta_seconds,
        eta_interval_seconds=place.interval,
        timings=_timings(row),
        created_at=at(row["requested_at_ms"]),
        deleted_at=at(row["deleted_at_ms"]),
    )


def opened(account: Account, generation_id: str, field: str, sealed: str | None) -> str | None:
    """A sealed field of the request, in clear; None where it does not open."""
    if sealed is None:
        return None
    event_id = UUID(fact_id(generation_id, "requested"))
    try:
        return unseal(account.key, sealed, account_id=account.uuid, event_id=event_id, field=field)
    except Unsealable:
        return None


async def _image(deps: Deps, row: Any) -> ImageDocument:
    return ImageDocument(
        id=str(row["image_id"]),
        url=await deps.presigned.url(row["object_key"]),
        preview_url=await deps.presigned.url(row["preview_key"]),
        previews=tuple(
            [
                PreviewDocument(
                    url=await deps.presigned.url(one.object_key),
                    content_type=one.content_type,
                    width=one.width,
                    height=one.height,
                )
                for one in _previews(row["previews"] or "[]")
            ]
        ),
        blurhash=row["blurhash"],
        near_hash=row["near_hash"],
        width=row["width"],
        height=row["height"],
    )


def _error(row: Any) -> ErrorOfGeneration | None:
    code = row["error_code"]
    if code is None:
        return None
    wait_ms, category = row["retry_after_ms"], refused_for(code, row["rule_id"])
    return ErrorOfGeneration(
        code=code,
        detail=row["error_detail"] or error_sentence(code, category),
        reason=category,
        retry_after=None if wait_ms is None else max(1, -(-wait_ms // 1000)),
    )


def _timings(row: Any) -> Timings:
    requested_ms, finished_ms = row["requested_at_ms"], row["finished_at_ms"]
    return Timings(
        requested_at=at(requested_ms),
        admitted_at=at(row["admitted_at_ms"]),
        started_at=at(row["started_at_ms"]),
        finished_at=at(finished_ms),
        settled_at=at(row["settled_at_ms"]),
        total_ms=None if finished_ms is None else finished_ms - requested_ms,
    )


async def _from_log(deps: Deps, account: Account, known: Known) -> GenerationDocument | None:
    """What the tail and the request in the log tell, while there is no row yet."""
    if known.request_offset is None:
        return None
    value = await deps.read_event(known.partition, known.request_offset)
    if value is None:
        return None
    event = request_in(value, known.generation_id)
    if event is None:
        return None
    decision = known.decision
    error = None
    if isinstance(decision, Rejected):
        category = refused_for(decision.reason, decision.rule_id)
        error = ErrorOfGeneration(
            code=decision.reason, detail=error_sentence(decision.reason, category), reason=category
        )
    over = known.status in FINAL
    return of_request(
        event,
        status=known.status,
        prompt=opened(account, event.generation_id, "prompt", event.prompt),
        negative_prompt=opened(
            account, event.generation_id, "negative_prompt", event.negative_prompt
        ),
        decision=decision,
        requested_at_ms=known.requested_at_ms,
        place=NOWHERE if over else deps.place(event.generation_id, event.model),
        error=error,
        batch_id=batch_in(value),
    )


def of_request(
    event: GenerationRequested,
    *,
    status: str,
    prompt: str | None,
    negative_prompt: str | None,
    decision: Reserved | Rejected | None,
    requested_at_ms: int | None,
    place: Place,
    error: ErrorOfGeneration | None = None,
    batch_id: str | None = None,
) -> GenerationDocument:
    """The document of a request that is not in the read models yet, with its texts in clear."""
    requested_at = at(requested_at_ms)
    return GenerationDocument(
        id=event.generation_id,
        status=status,
        kind=event.kind,
        upload_ids=event.upload_ids,
        mask_upload_id=event.mask_upload_id,
        parent_image_id=event.parent_image_id,
        batch_id=batch_id,
        prompt=prompt,
        negative_prompt=negative_prompt,
        style_id=event.style_id,
        size=event.size,
        count=event.count,
        quality=event.quality,
        seed=event.seed,
        model=event.model,
        credits=CreditsOfGeneration(
            reserved=decision.credits if isinstance(decision, Reserved) else 0
        ),
        error=error,
        queue_position=place.position,
        eta_seconds=place.eta_seconds,
        eta_interval_seconds=place.interval,
        timings=Timings(requested_at=requested_at),
        created_at=requested_at,
    )
