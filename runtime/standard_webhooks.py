"""Signatures of Standard Webhooks (https://www.standardwebhooks.com, specification 1.0.0).

`webhook-signature` holds one `v1,<base64>` for each live secret, separated by blanks: HMAC-SHA256
of `id.timestamp.body`. So a receiver goes on while a secret is replaced, whichever it knows, and a
receiver that knows two goes on whichever the sender signs with.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from runtime.errors import PixelpopError, SettingsError

SECRET_PREFIX: Final = "whsec_"  # noqa: S105  what every secret begins with
TOLERANCE_SECONDS: Final = 300
"""How far a message's time may be from ours, either way."""
ID_BYTES_MAX: Final = 256
SIGNATURES_MAX: Final = 16
KEYS_MAX: Final = 8
_ID = re.compile(rb"[!-~]{1,%d}" % ID_BYTES_MAX)
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_VERSION: Final = b"v1,"


class NotGenuine(PixelpopError):
    """A message that nobody with a live secret has sent just now; the message says why."""

    code = "webhook-not-genuine"


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
    signatures = b" ".join(_VERSION + _signature(_key(secret), signed) for secret in secrets)
    return [
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", b"%d" % timestamp),
        (b"webhook-signature", signatures),
    ]


def verified(
    message_id: bytes | None,
    timestamp: bytes | None,
    signatures: bytes | None,
    body: bytes,
    keys: Sequence[bytes],
    now_seconds: float,
) -> str:
    """The id of a message that is genuine and of now.

    Args:
        message_id: `webhook-id` as it came.
        timestamp: `webhook-timestamp` as it came.
        signatures: `webhook-signature` as it came.
        body: the bytes as they came; the same JSON written in another way is another message.
        keys: what senders may sign with, of `keys_in`.
        now_seconds: since 1970.

    Raises:
        NotGenuine: nothing of it may be believed.
    """
    if message_id is None or timestamp is None or signatures is None:
        raise NotGenuine("A header of the signature is missing.")
    if _ID.fullmatch(message_id) is None or _TIMESTAMP.fullmatch(timestamp) is None:
        raise NotGenuine("The id or the time cannot be used.")
    signed = b"%s.%s.%s" % (message_id, timestamp, body)
    expected = [_VERSION + _signature(key, signed) for key in keys]
    given = signatures.split(b" ")[:SIGNATURES_MAX]
    if not any(hmac.compare_digest(one, other) for one in given for other in expected):
        raise NotGenuine("No signature is right.")
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotGenuine("It was sent too long ago, or is not sent yet.")
    return message_id.decode("ascii")


def keys_in(text: str, variable: str) -> tuple[bytes, ...]:
    """Keys from a setting: `whsec_…` secrets, separated by commas.

    Raises:
        SettingsError: one of them is no secret; the message names the variable, not the secret.
    """
    secrets = [one.strip() for one in text.split(",") if one.strip()]
    if len(secrets) > KEYS_MAX:
        raise SettingsError(f"{variable} holds more than {KEYS_MAX} secrets.")
    try:
        keys = tuple(_key(one) for one in secrets)
    except (binascii.Error, ValueError):
        keys = (b"",)
    if not all(keys):
        raise SettingsError(f"{variable} holds something that is no whsec_… secret.") from None
    return keys


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def _signature(key: bytes, signed: bytes) -> bytes:
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
