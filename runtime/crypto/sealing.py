"""Sealing of personal text: AES-256-GCM under the account's own key.

The text form is `v1.<base64url of nonce + ciphertext + tag, unpadded>`. The account, the event and
the field are authenticated with it, so a sealed text that is moved to another place does not
open. Nonces are random 96-bit: NIST SP 800-38D (8.3) allows 2^32 of them under one key.
"""

from __future__ import annotations

import base64
import binascii
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from runtime.errors import PixelpopError

PLAINTEXT_BYTES_MAX = 65_536
"""The longest text that is sealed, in bytes of UTF-8."""

_PREFIX = "v1."
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SEALED_BYTES_MAX = _NONCE_BYTES + PLAINTEXT_BYTES_MAX + _TAG_BYTES
_SEALED_CHARS_MAX = len(_PREFIX) + -(-_SEALED_BYTES_MAX * 4 // 3)


class NotSealable(PixelpopError):
    """The text is too long or is no Unicode text (a lone surrogate)."""

    code = "not-sealable"


class Unsealable(PixelpopError):
    """The sealed text was altered, moved, sealed with another key, or is none at all."""

    code = "unsealable"


def seal(key: bytes, plaintext: str, *, account_id: UUID, event_id: UUID, field: str) -> str:
    """Seal one field of one event with the account's 32-byte key; each call gives another text.

    Raises:
        NotSealable: the text cannot be sealed; the message does not repeat it.
    """
    try:
        data = plaintext.encode("utf-8")
    except UnicodeEncodeError:
        # Not chained: the original error carries the text.
        raise NotSealable(f"The field {field} holds a lone surrogate.") from None
    if len(data) > PLAINTEXT_BYTES_MAX:
        raise NotSealable(
            f"The field {field} has {len(data)} bytes; at most {PLAINTEXT_BYTES_MAX} are sealed."
        )
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, data, _associated(account_id, event_id, field))
    return _PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")


def unseal(key: bytes, sealed: str, *, account_id: UUID, event_id: UUID, field: str) -> str:
    """Open what `seal` made for the same account, event and field.

    Raises:
        Unsealable: it does not open; the message repeats neither text nor key.
    """
    data = _decode(sealed, field)
    nonce, ciphertext = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
    associated = _associated(account_id, event_id, field)
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, associated).decode("utf-8")
    except InvalidTag:
        raise Unsealable(f"The field {field} of event {event_id} does not open.") from None


def _decode(sealed: str, field: str) -> bytes:
    malformed = Unsealable(f"The field {field} holds no sealed text of a known version.")
    if not sealed.startswith(_PREFIX) or len(sealed) > _SEALED_CHARS_MAX:
        raise malformed
    text = sealed[len(_PREFIX) :]
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise malformed from None
    # The decoder skips characters and bits that mean nothing: only the one spelling counts.
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii") != text:
        raise malformed
    if len(data) < _NONCE_BYTES + _TAG_BYTES:
        raise malformed
    return data


def _associated(account_id: UUID, event_id: UUID, field: str) -> bytes:
    # Two fixed lengths before the only variable part: no two places share one encoding.
    return b"pixelpop.sealed.v1" + account_id.bytes + event_id.bytes + field.encode("utf-8")
