"""Changes as events: for a stream of server-sent ones (WHATWG HTML), and for a WebSocket."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from events.envelope import rfc3339
from events.live import PartialPreview, Progress, partial_id
from gateway.live.changes import (
    AskedForSeveral,
    Binned,
    Cancelled,
    Completed,
    Ending,
    Erased,
    Failed,
    Granted,
    Moved,
    Rejected,
    Requested,
    Reserved,
    Settled,
    Started,
)
from gateway.live.hub import Item
from gateway.web.cursors import consistency_token, event_id
from gateway.web.sentences import SENTENCES
from runtime.crypto.sealing import Unsealable, unseal

HEARTBEAT: Final = b": alive\n\n"
ALIVE: Final = '{"event":"alive"}'
_BINNED: Final = {
    "GenerationDeleted": "deleted",
    "GenerationRestored": "restored",
    "ImageDeleted": "image_deleted",
    "ImageRestored": "image_restored",
}


class Told(NamedTuple):
    """One event."""

    event: str
    data: object
    identity: str | None = None
    """Its place in the log, to resume from; None: it has none."""


def as_sse(told: Told) -> bytes:
    """As a server-sent event; JSON has no line breaks, so the data is one line."""
    event, data, identity = told
    head = f"event: {event}\n" if identity is None else f"event: {event}\nid: {identity}\n"
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"


def as_message(told: Told) -> str:
    """As a text message of a WebSocket."""
    event, data, identity = told
    place = {} if identity is None else {"id": identity}
    return msgspec.json.encode({"event": event, **place, "data": data}).decode()


def tell(item: Item, key: bytes) -> Told | None:
    """A change as an event; None where there is nothing to tell.

    Args:
        item: the change.
        key: of the account, for what is sealed in it.
    """
    change = item.change
    if isinstance(change, PartialPreview):
        return _preview(change, key)
    if isinstance(change, Progress):
        return Told(
            "progress",
            {
                "generation_id": change.generation_id,
                "stage": change.stage,
                "percent": change.percent,
            },
        )
    if isinstance(change, Erased):
        return None
    data: dict[str, Any] = {
        "at": rfc3339(item.at_ms),
        "consistency_token": consistency_token(item.partition, item.offset),
    }
    identity = event_id(item.partition, item.offset)
    if isinstance(change, Moved):
        name = "granted" if isinstance(change, Granted) else "removed"
        told = {"change": name, "credits": change.credits, "why": change.why}
        return Told("credits", told | data, identity)
    if isinstance(change, AskedForSeveral):
        asked = [one.generation_id for one in change.requests]
        told = {"batch_id": change.batch_id, "change": "requested", "generation_ids": asked}
        return Told("batch", told | data, identity)
    told = {"generation_id": change.generation_id, **_of_generation(change)}
    if isinstance(change, Ending) and change.ended_batch is not None:
        told["ended_batch"] = change.ended_batch
    return Told("generation", told | data, identity)


def _preview(change: PartialPreview, key: bytes) -> Told | None:
    try:
        image = unseal(
            key,
            change.image,
            account_id=UUID(change.account_id),
            event_id=UUID(partial_id(change.generation_id, change.index)),
            field="image",
        )
    except Unsealable:
        return None
    about = {"generation_id": change.generation_id, "index": change.index}
    return Told("preview", about | {"image": f"data:image/webp;base64,{image}"})


def status_of(item: Item) -> str | None:
    """The status that a change led to; None if it changes none."""
    change = item.change
    if isinstance(change, Progress | PartialPreview | Erased | Moved | AskedForSeveral):
        return None
    return _of_generation(change).get("status")


def _of_generation(change: Any) -> dict[str, Any]:  # noqa: C901, PLR0911  one case per kind
    match change:
        case Requested():
            return {"change": "requested", "status": "pending"}
        case Reserved():
            return {"change": "admitted", "status": "pending", "credits": change.credits}
        case Rejected():
            error = {"code": change.reason, "detail": SENTENCES.get(change.reason, "")}
            return {"change": "rejected", "status": "rejected", "error": error}
        case Started():
            return {"change": "started", "status": "processing", "provider": change.provider}
        case Completed():
            return {
                "change": "completed",
                "status": "done" if change.images else "failed",
                "images": [one.image_id for one in change.images],
                "failed_count": change.failed_count,
            }
        case Failed():
            error = {"code": change.reason, "detail": change.detail}
            return {"change": "failed", "status": "failed", "error": error}
        case Cancelled():
            return {"change": "cancelled", "status": "cancelled"}
        case Settled():
            told: dict[str, Any] = {
                "change": "settled",
                "captured": change.captured,
                "returned": change.returned,
            }
            if change.outcome in {"timed_out", "erased"}:
                error = {"code": change.outcome, "detail": SENTENCES.get(change.outcome, "")}
                told |= {"status": "failed", "error": error}
            return told
        case Binned():
            kind = _BINNED.get(change.type.partition(".")[0], "changed")
            told = {"change": kind}
            return told if change.image_id is None else told | {"image_id": change.image_id}
        case _:
            return {}
