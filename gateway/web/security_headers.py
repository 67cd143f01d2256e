"""What every answer tells a browser not to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from runtime.settings import Settings

HSTS_SECONDS: Final = 2 * 365 * 86_400
ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
NO_PAGE: Final = (
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
)
"""For answers that are no pages; a page comes with a policy of its own."""
HSTS: Final = (
    b"strict-transport-security",
    b"max-age=%d; includeSubDomains" % HSTS_SECONDS,
)


class SecurityHeaders:
    """The headers for every answer.

    Args:
        settings: `public_url` says whether people come by TLS. Over plain HTTP a browser must
            ignore `Strict-Transport-Security`, and a server must not send it (RFC 6797, 7.2).
    """

    def __init__(self, settings: Settings) -> None:
        secure = (settings.public_url or "").lower().startswith("https://")
        self._for_pages = (*ALWAYS, HSTS) if secure else ALWAYS
        self._for_others = (*NO_PAGE, *self._for_pages)

    def to(self, headers: Sequence[tuple[bytes, bytes]]) -> Sequence[tuple[bytes, bytes]]:
        """What is added to these headers of an answer."""
        for name, _ in headers:
            if name == b"content-security-policy":
                return self._for_pages
        return self._for_others
