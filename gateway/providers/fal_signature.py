"""Whether a message is fal's: Ed25519 over its ids, its time and its body's hash.

The signature is hexadecimal, of four lines: the message's request id, the user whose request it is
about, the time in seconds since 1970, and SHA-256 of the body as hexadecimal. fal signs everybody's
messages with the same keys: that one is about a request of ours is for the caller to check.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from gateway.web.http import Headers, header_in
from runtime.standard_webhooks import TOLERANCE_SECONDS, NotGenuine

_NAME = re.compile(rb"[!-~]{1,256}")
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_SIGNATURE = re.compile(rb"[0-9a-fA-F]{128}")
_HEADERS: Final = (b"request-id", b"user-id", b"timestamp", b"signature")


class Signed(NamedTuple):
    """What was signed, and how; nothing of it may be believed before `is_by` said so."""

    message_id: str
    user_id: str
    message: bytes
    signature: bytes

    def is_by(self, keys: Sequence[VerifyKey]) -> bool:
        """Whether one of these keys has signed it."""
        for key in keys:
            try:
                key.verify(self.message, self.signature)
            except BadSignatureError:
                continue
            return True
        return False


def signed_in(headers: Headers, body: bytes, now_seconds: float) -> Signed:
    """What a message claims to be, if it is of now.

    Args:
        headers: as they came.
        body: the bytes as they came; the same JSON written in another way is another message.
        now_seconds: since 1970.

    Raises:
        NotGenuine: it cannot be one of fal's.
    """
    given = [header_in(headers, b"x-fal-webhook-" + name) for name in _HEADERS]
    request_id, user_id, timestamp, signature = (value or b"" for value in given)
    if not (_NAME.fullmatch(request_id) and _NAME.fullmatch(user_id)):
        raise NotGenuine("An id of the signature is missing, or cannot be used.")
    if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        raise NotGenuine("The time or the signature is missing, or cannot be used.")
    if abs(now_seconds - int(timestamp)) > TOLERANCE_SECONDS:
        raise NotGenuine("It was sent too long ago, or is not sent yet.")
    digest = hashlib.sha256(body).hexdigest().encode()
    return Signed(
        request_id.decode(),
        user_id.decode(),
        b"\n".join((request_id, user_id, timestamp, digest)),
        bytes.fromhex(signature.decode()),
    )
