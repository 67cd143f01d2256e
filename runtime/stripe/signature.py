"""Who sent a webhook: the header `Stripe-Signature`, checked by Stripe's own package.

`t=…,v1=…[,v1=…]`: HMAC-SHA256 over the time, a dot and the body's bytes, one `v1` for each live
secret (https://docs.stripe.com/webhooks#verify-manually). The package refuses what is too old; what
is of the future is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from runtime.stripe.errors import NotSigned

HEADER: Final = b"stripe-signature"
HEADER_BYTES_MAX: Final = 4_096
_SECONDS = re.compile(r"[0-9]{1,12}")


def secrets_in(text: str | None) -> tuple[str, ...]:
    """The secrets of a setting, the newest first; none: nobody is believed."""
    return tuple(one for one in (text or "").split(",") if one)


def check(
    body: bytes, header: bytes | None, secrets: Sequence[str], tolerance: int, now_seconds: float
) -> None:
    """Let a message pass that Stripe has sent just now.

    Args:
        body: its bytes as they came; the same JSON written in another way is another message.
        header: `Stripe-Signature` as it came.
        secrets: what Stripe may sign with.
        tolerance: how far its time may be from ours, in seconds.
        now_seconds: since 1970.

    Raises:
        NotSigned: nothing of it may be believed.
    """
    from stripe import SignatureVerificationError, WebhookSignature

    if header is None or len(header) > HEADER_BYTES_MAX:
        raise NotSigned("The header Stripe-Signature is missing or too long.")
    try:
        text, shown = body.decode(), header.decode("ascii")
    except UnicodeDecodeError:
        raise NotSigned("Body or signature is not text.") from None
    parts = (part.partition("=") for part in shown.split(","))
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or _SECONDS.fullmatch(times[0]) is None:
        # The package takes the first and reads `1_0` as 10: it could be shown another than we see.
        raise NotSigned("The signature has no time that can be used, or several.")
    for secret in secrets:
        try:
            # The time is judged below: by the given clock, and both ways.
            WebhookSignature.verify_header(text, shown, secret, None)
        except SignatureVerificationError:
            continue
        break
    else:
        raise NotSigned("No signature is right.")
    if abs(now_seconds - int(times[0])) > tolerance:
        raise NotSigned("It was sent too long ago, or is not sent yet.")
