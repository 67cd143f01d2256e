"""Signatures of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0).

`webhook-signature` holds one `v1,<base64>` for each live secret, separated by blanks: HMAC-SHA256
of `id.timestamp.body`. So a receiver goes on while a secret is replaced, whichever it knows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  what every secret begins with


def signed_headers(
    message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]
) -> list[tuple[bytes, bytes]]:
    """The three headers that let a receiver check who sent this, and when.

    Args:
        message_id: the same at each attempt of one message.
        timestamp: of this attempt, in seconds since 1970.
        body: the very bytes that are sent.
        secrets: `whsec_…`, the newest first; each signs.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signatures = b" ".join(b"v1," + _signature(secret, signed) for secret in secrets)
    return [
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", b"%d" % timestamp),
        (b"webhook-signature", signatures),
    ]


def _signature(secret: str, signed: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
