"""Which pages of other origins may call this service: those that are configured, no others.

Nothing here is kept in cookies, so no answer ever allows credentials; what a page needs is its
access token. An origin is compared as a whole: no patterns, no `*`, no `null`.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.web.http import Headers, header_in
from runtime.errors import SettingsError

MAX_AGE_SECONDS: Final = 600
ASKED: Final = b", ".join(
    (
        b"authorization",
        b"content-type",
        b"consistency-token",
        b"idempotency-key",
        b"if-none-match",
        b"last-event-id",
        b"prefer",
        b"traceparent",
        b"x-request-id",
    )
)
"""Headers that a page may send."""
EXPOSED: Final = b", ".join(
    (
        b"consistency-token",
        b"etag",
        b"idempotent-replay",
        b"link",
        b"location",
        b"preference-applied",
        b"ratelimit",
        b"ratelimit-policy",
        b"retry-after",
        b"x-request-id",
    )
)
"""Headers that a page may read."""
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")
_VARY: Final = (b"vary", b"origin")
Pairs = tuple[tuple[bytes, bytes], ...]


class Cors:
    """Headers for answers to pages.

    Args:
        origins: `https://app.example`, with commas between.

    Raises:
        SettingsError: one of them is no origin.
    """

    def __init__(self, origins: str) -> None:
        self._allowed: dict[bytes, Pairs] = {}
        for one in filter(None, (part.strip() for part in origins.split(","))):
            if _ORIGIN.fullmatch(one) is None:
                raise SettingsError(
                    f"PIXELPOP_CORS_ORIGINS names {one!r}, which is no origin such as "
                    "https://app.example."
                )
            self._allowed[one.encode()] = (
                (b"access-control-allow-origin", one.encode()),
                (b"access-control-expose-headers", EXPOSED),
                _VARY,
            )
        self._others: Pairs = (_VARY,) if self._allowed else ()

    def allows(self, origin: bytes) -> bool:
        """Whether pages of that origin may call."""
        return origin in self._allowed

    def headers(self, headers: Headers) -> Pairs:
        """What the answer to this request says to the page that asked."""
        if not self._allowed:
            return ()
        origin = header_in(headers, b"origin")
        return self._others if origin is None else self._allowed.get(origin, self._others)

    def preflight(self, headers: Headers, methods: bytes) -> Pairs:
        """What OPTIONS adds for a page that asks whether it may."""
        origin = header_in(headers, b"origin")
        if origin not in self._allowed or not header_in(headers, b"access-control-request-method"):
            return ()
        return (
            (b"access-control-allow-methods", methods),
            (b"access-control-allow-headers", ASKED),
            (b"access-control-max-age", b"%d" % MAX_AGE_SECONDS),
        )
