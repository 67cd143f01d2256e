"""What the contract says about headers, plain statuses, and bodies that are no documents."""

from __future__ import annotations

from typing import Any, Final

from gateway.api.problem_examples import GENERATION

HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Idempotency-Key": {
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "Names this request: repeated with the same key, it is the same request.",
    },
    "Prefer": {
        "required": False,
        "schema": {"type": "string"},
        "description": "`wait=N` (seconds) or `respond-async` (RFC 7240).",
    },
    "Consistency-Token": {
        "required": False,
        "schema": {"type": "string"},
        "description": "From an earlier answer: wait until what was written then can be read.",
    },
    "Last-Event-ID": {
        "required": False,
        "schema": {"type": "string"},
        "description": "The id of the last event that was received.",
    },
    "X-Telegram-Bot-Api-Secret-Token": {
        "required": True,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,256}$"},
        "description": "The `secret_token` that the webhook was set up with.",
    },
    "Stripe-Signature": {
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 4096},
        "description": "When Stripe sent it, and its signatures: `t=…,v1=…`.",
    },
}
LIMIT_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "Retry-After": {
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
        "description": "In seconds.",
    },
    "RateLimit-Policy": {
        "required": True,
        "schema": {"type": "string"},
        "description": "The limit that was met: its name, quota `q` and window `w` in seconds.",
    },
    "RateLimit": {
        "required": True,
        "schema": {"type": "string"},
        "description": "What is left of it: `r` requests; `t` seconds until there are more.",
    },
}
"""Of every 429 (draft-ietf-httpapi-ratelimit-headers-10)."""
SAID: Final = {
    200: "What was asked for.",
    201: "It was made.",
    202: "It is on its way.",
    204: "Done; there is nothing to show.",
    304: "Nothing has changed.",
    503: "Not everything is ready.",
}
"""What a status says, where it is no problem."""
PLAIN: Final[dict[str, dict[str, Any]]] = {
    "application/json": {"schema": {"type": "object"}},
    "text/event-stream": {
        "schema": {
            "type": "object",
            "description": "Each event of the stream.",
            "properties": {
                "event": {"enum": ["reset", "generation", "progress", "credits", "end"]},
                "id": {
                    "type": "string",
                    "pattern": "^[0-9]+:[0-9]+$",
                    "description": "For `Last-Event-ID`; none: there is nothing to resume from.",
                },
                "data": {"type": "string", "contentMediaType": "application/json"},
            },
            "required": ["event", "data"],
        },
        "example": {
            "event": "generation",
            "id": "3:1207",
            "data": f'{{"generation_id":"{GENERATION}","change":"started","status":"processing"}}',
        },
    },
    "text/plain": {
        "schema": {"type": "string"},
        "example": 'pixelpop_gateway_answers_total{outcome="ok"} 1042.0\n',
    },
}
"""By media type: schema and example of bodies that no struct describes."""
