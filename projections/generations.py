"""Generations and their images as rows.

The status vocabulary is one everywhere: `pending → processing → done | failed | rejected |
cancelled`. All times are the broker's append times. What is moved to the bin keeps its row with
`deleted_at_ms`; of repeated or late bin events the one with the newest `occurred_at_ms` wins, so
the order and the batches in which they arrive do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import msgspec

from events.accounts import AccountErased
from events.credits import CreditsReserved, CreditsSettled
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationDeleted,
    GenerationFailed,
    GenerationRejected,
    GenerationRequested,
    GenerationRestored,
    GenerationStarted,
    ImageDeleted,
    ImageRestored,
)
from events.moderation import ModerationVerdict
from events.state import Account, Reservation
from projections.place import Handler, Place
from projections.rows import Rows, put_rows
from projections.sources import sources_of
from runtime.queries import load_queries

QUERIES = load_queries(Path(__file__).with_name("generations.sql"))
NOT_DELETED = 0
"""In a change: `deleted_at_ms` becomes empty again."""
NO_PICTURES = "no_pictures"
_json = msgspec.json.Encoder().encode


class GenerationRow(msgspec.Struct, gc=False):
    """One generation; the fields are the table's columns in order."""

    account_id: str
    generation_id: str
    status: str | None = None
    kind: str | None = None
    prompt: str | None = None
    negative_prompt: str | None = None
    style_id: str | None = None
    size: str | None = None
    count: int | None = None
    seed: int | None = None
    model: str | None = None
    quality: str | None = None
    provider: str | None = None
    body_mac: str | None = None
    failed_count: int | None = None
    credits_reserved: int | None = None
    credits_captured: int | None = None
    credits_returned: int | None = None
    error_code: str | None = None
    error_detail: str | None = None
    retry_after_ms: int | None = None
    requested_at_ms: int | None = None
    admitted_at_ms: int | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    settled_at_ms: int | None = None
    deadline_ms: int | None = None
    deleted_at_ms: int | None = None
    bin_changed_at_ms: int | None = None
    log_partition: int | None = None
    log_offset: int | None = None
    sources: str | None = None
    safety: str | None = None
    rule_id: str | None = None


class ImageRow(msgspec.Struct, gc=False):
    """One picture; the fields are the table's columns in order."""

    account_id: str
    image_id: str
    generation_id: str | None = None
    index: int | None = None
    object_key: str | None = None
    preview_key: str | None = None
    width: int | None = None
    height: int | None = None
    content_type: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    deleted_at_ms: int | None = None
    bin_changed_at_ms: int | None = None
    previews: str | None = None
    """Further ones as JSON, as the event has them."""
    blurhash: str | None = None
    near_hash: str | None = None


class Generations:
    """What one batch does to generations and images."""

    def __init__(self) -> None:
        self.rows: Rows[GenerationRow] = Rows(GenerationRow)
        self.images: Rows[ImageRow] = Rows(ImageRow)
        self._erased: list[str] = []

    def handlers(self) -> Mapping[type, Handler]:
        """What to do about which event."""
        return {
            GenerationRequested: self._requested,
            CreditsReserved: self._reserved,
            GenerationRejected: self._rejected,
            GenerationStarted: self._started,
            GenerationCompleted: self._completed,
            GenerationFailed: self._failed,
            ModerationVerdict: self._judged,
            GenerationCancelled: self._cancelled,
            CreditsSettled: self._settled,
            GenerationDeleted: self._deleted,
            GenerationRestored: self._restored,
            ImageDeleted: self._image_deleted,
            ImageRestored: self._image_restored,
            AccountErased: self._account_erased,
        }

    async def write(self, connection: asyncpg.Connection) -> None:
        """Put the batch's rows into the tables."""
        if self._erased:
            await connection.execute(QUERIES.erase_images, self._erased)
            await connection.execute(QUERIES.erase_generations, self._erased)
        await put_rows(connection, QUERIES, "generations", self.rows)
        await put_rows(connection, QUERIES, "images", self.images)

    def _row(self, event: object, place: Place) -> GenerationRow:
        row = self.rows.change((event.account_id, event.generation_id))  # type: ignore[attr-defined]  # these all have it
        row.log_partition = place.partition
        row.log_offset = place.offset
        return row

    def _requested(
        self, event: GenerationRequested, before: Account, _after: Account, place: Place
    ) -> None:
        if before.erased is not None:
            return
        row = GenerationRow(
            event.account_id,
            event.generation_id,
            "pending",
            event.kind,
            event.prompt,
            event.negative_prompt,
            event.style_id,
            event.size,
            event.count,
            event.seed,
            event.model,
            event.quality,
            body_mac=event.body_mac,
            requested_at_ms=place.appended_at_ms,
            log_partition=place.partition,
            log_offset=place.offset,
            sources=sources_of(event),
        )
        self.rows.insert((event.account_id, event.generation_id), row)

    def _reserved(
        self, event: CreditsReserved, _before: Account, _after: Account, place: Place
    ) -> None:
        row = self._row(event, place)
        row.credits_reserved = event.credits
        row.admitted_at_ms = place.appended_at_ms
        row.deadline_ms = event.deadline_ms

    def _rejected(
        self, event: GenerationRejected, _before: Account, _after: Account, place: Place
    ) -> None:
        row = self._row(event, place)
        row.status = "rejected"
        row.error_code = event.reason
        row.retry_after_ms = event.retry_after_ms or None
        row.rule_id = event.rule_id
        row.finished_at_ms = place.appended_at_ms

    def _started(
        self, event: GenerationStarted, before: Account, _after: Account, place: Place
    ) -> None:
        entry = before.open.get(event.generation_id)
        if type(entry) is not Reservation or entry.outcome is not None:
            return
        row = self._row(event, place)
        row.status = "processing"
        row.provider = event.provider
        if row.started_at_ms is None:
            row.started_at_ms = place.appended_at_ms

    def _completed(
        self, event: GenerationCompleted, before: Account, _after: Account, place: Place
    ) -> None:
        row = self._row(event, place)
        row.status = "done" if event.images else "failed"
        row.error_code = None if event.images else NO_PICTURES
        row.failed_count = event.failed_count
        row.safety = event.safety
        row.provider = event.provider
        row.finished_at_ms = place.appended_at_ms
        if before.erased is not None:
            return
        for image in event.images:
            image_row = ImageRow(
                event.account_id,
                image.image_id,
                event.generation_id,
                image.index,
                image.object_key,
                image.preview_key,
                image.width,
                image.height,
                image.content_type,
                image.size_bytes,
                image.sha256,
                previews=_json(image.previews).decode() if image.previews else None,
                blurhash=image.blurhash or None,
                near_hash=image.near_hash or None,
            )
            self.images.insert((event.account_id, image.image_id), image_row)

    def _judged(self, event: ModerationVerdict, before: Account, _: Account, at: Place) -> None:
        entry = before.open.get(event.generation_id)
        if event.stops and type(entry) is Reservation and entry.outcome is None:
            self._row(event, at).rule_id = event.reason

    def _failed(
        self, event: GenerationFailed, _before: Account, _after: Account, place: Place
    ) -> None:
        row = self._row(event, place)
        row.status = "failed"
        row.error_code = event.reason
        row.error_detail = event.detail
        row.finished_at_ms = place.appended_at_ms

    def _cancelled(
        self, event: GenerationCancelled, _before: Account, _after: Account, place: Place
    ) -> None:
        row = self._row(event, place)
        row.status = "cancelled"
        row.finished_at_ms = place.appended_at_ms

    def _settled(
        self, event: CreditsSettled, _before: Account, _after: Account, place: Place
    ) -> None:
        row = self._row(event, place)
        row.credits_captured = event.captured
        row.credits_returned = event.returned
        row.settled_at_ms = place.appended_at_ms
        if event.outcome in {"timed_out", "erased"}:
            row.status = "failed"
            row.error_code = event.outcome
            row.finished_at_ms = place.appended_at_ms

    def _deleted(
        self, event: GenerationDeleted, _before: Account, _after: Account, place: Place
    ) -> None:
        self._move(self._row(event, place), event.occurred_at_ms, place.appended_at_ms)

    def _restored(
        self, event: GenerationRestored, _before: Account, _after: Account, place: Place
    ) -> None:
        self._move(self._row(event, place), event.occurred_at_ms, NOT_DELETED)

    def _image_deleted(
        self, event: ImageDeleted, _before: Account, _after: Account, place: Place
    ) -> None:
        row = self.images.change((event.account_id, event.image_id))
        self._move(row, event.occurred_at_ms, place.appended_at_ms)

    def _image_restored(
        self, event: ImageRestored, _before: Account, _after: Account, _place: Place
    ) -> None:
        row = self.images.change((event.account_id, event.image_id))
        self._move(row, event.occurred_at_ms, NOT_DELETED)

    @staticmethod
    def _move(row: GenerationRow | ImageRow, occurred_at_ms: int, deleted_at_ms: int) -> None:
        if row.bin_changed_at_ms is None or occurred_at_ms > row.bin_changed_at_ms:
            row.bin_changed_at_ms = occurred_at_ms
            row.deleted_at_ms = deleted_at_ms

    def _account_erased(
        self, event: AccountErased, _before: Account, _after: Account, _place: Place
    ) -> None:
        self.rows.forget(event.account_id)
        self.images.forget(event.account_id)
        self._erased.append(event.account_id)
