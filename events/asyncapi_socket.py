"""The WebSocket in the AsyncAPI catalogue: what a client of `/ws` is told."""

from __future__ import annotations

from typing import Any, Final

NAME: Final = "ws"

_TEXT: Final = {"type": "string"}
_UUID: Final = {"type": "string", "format": "uuid"}
_CHANGES: Final = (
    *("requested", "admitted", "rejected", "started", "completed", "failed", "cancelled"),
    *("settled", "deleted", "restored", "image_deleted", "image_restored"),
)
_ID: Final = {"type": "string", "description": "Its place in the log: resume right after it."}
_QUERY: Final = {
    "ticket": "Of `POST /events/tickets`; without one the header `Authorization` says who asks.",
    "generation_id": "Watch one generation alone, until it is finished.",
    "last_event_id": "Go on right after this event.",
}
_MESSAGES: Final[dict[str, tuple[str, bool, dict[str, Any]]]] = {
    "reset": (
        "How everything stands; what was shown before no longer counts.",
        True,
        {
            "generations": {"type": "array", "items": {"type": "object"}},
            "generation": {"type": ["object", "null"]},
            "credits": {"type": "object"},
        },
    ),
    "generation": (
        "Something happened to a generation; `status` is there when it led to one.",
        True,
        {
            "generation_id": _UUID,
            "change": {"type": "string", "enum": list(_CHANGES)},
            "status": _TEXT,
            "ended_batch": {
                **_UUID,
                "description": "The batch whose last generation is finished with it.",
            },
            "at": {"type": "string", "format": "date-time"},
            "consistency_token": _TEXT,
        },
    ),
    "batch": (
        "Several generations were asked for at once; each is told of by itself from now on.",
        True,
        {
            "batch_id": _UUID,
            "change": {"type": "string", "enum": ["requested"]},
            "generation_ids": {"type": "array", "items": _UUID},
            "at": {"type": "string", "format": "date-time"},
            "consistency_token": _TEXT,
        },
    ),
    "credits": (
        "Credits came or went otherwise than by a generation.",
        True,
        {
            "change": {"type": "string", "enum": ["granted", "removed"]},
            "credits": {"type": "integer"},
            "why": _TEXT,
            "at": {"type": "string", "format": "date-time"},
            "consistency_token": _TEXT,
        },
    ),
    "progress": (
        "How far a generation is. With `preview` at most two a second; lossy, so without an id.",
        False,
        {
            "generation_id": _UUID,
            "stage": {"type": "string", "enum": ["queued", "drawing", "storing"]},
            "percent": {"type": "integer", "minimum": 0, "maximum": 100},
        },
    ),
    "preview": (
        "A picture that is still being made, where its model shows it. Kept nowhere.",
        False,
        {
            "generation_id": _UUID,
            "index": {"type": "integer", "minimum": 0},
            "image": {"type": "string", "description": "`data:image/webp;base64,…`"},
        },
    ),
    "end": ("The one generation that was watched is finished.", False, {"status": _TEXT}),
    "problem": (
        "Why nothing can be told: a problem document (RFC 9457). It closes with 4000 + its status.",
        False,
        {"type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
    ),
}


def channel() -> dict[str, Any]:
    """The channel of the catalogue."""
    return {
        "address": "/ws",
        "title": "WebSocket",
        "description": (
            "JSON in text messages, the same events as `GET /events`. It closes with 1000 when "
            "there is nothing more to come, and with 1012 when the client is to connect again."
        ),
        "messages": {
            **{name: _message(name, *about) for name, about in _MESSAGES.items()},
            "alive": {
                "name": "alive",
                "summary": "Nothing happened for a while.",
                "payload": _object({"event": {"const": "alive"}}, ["event"]),
            },
        },
        "bindings": {
            "ws": {
                "method": "GET",
                "query": _object(
                    {
                        name: {"type": "string", "description": about}
                        for name, about in _QUERY.items()
                    },
                    [],
                ),
            }
        },
    }


def operation() -> dict[str, Any]:
    """What the service does there."""
    return {"action": "send", "channel": {"$ref": f"#/channels/{NAME}"}}


def _message(name: str, summary: str, has_place: bool, data: dict[str, Any]) -> dict[str, Any]:
    members: dict[str, Any] = {"event": {"const": name}}
    if has_place:
        members["id"] = _ID
    members["data"] = {"type": "object", "properties": data}
    return {"name": name, "summary": summary, "payload": _object(members, list(members))}


def _object(members: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": required}
