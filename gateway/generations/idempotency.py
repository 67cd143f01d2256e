"""The `Idempotency-Key` header: what makes a repetition the same request."""

from __future__ import annotations

from typing import Final

from gateway.web.errors import Problem
from gateway.web.http import Headers, visible_ascii

KEY_CHARS_MAX: Final = 255


def idempotency_key(headers: Headers) -> str:
    """The request's key.

    Raises:
        Problem: there is none, several, or one of other characters.
    """
    found = [value for name, value in headers if name == b"idempotency-key"]
    if not found:
        raise Problem(
            "idempotency-key-missing",
            "Send an Idempotency-Key header: any text of your own that names this request, and "
            "the same one when you repeat it.",
        )
    text = visible_ascii(found[0], KEY_CHARS_MAX)
    if text is None or len(found) > 1:
        raise Problem(
            "idempotency-key-invalid",
            f"Send one Idempotency-Key of 1 to {KEY_CHARS_MAX} visible ASCII characters, "
            "without blanks.",
        )
    return text
