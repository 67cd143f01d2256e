"""Pages by key: an opaque cursor, and the same as a `Link` header (RFC 8288)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

from litestar import Request

PAGE_MAX: Final = 100
"""Items on one page, at most."""


def next_link(request: Request[Any, Any, Any], cursor: str | None) -> list[tuple[bytes, bytes]]:
    """The header that leads to the next page, if there is one."""
    if cursor is None:
        return []
    query = {name: value for name, value in request.query_params.items() if name != "cursor"}
    address = f"{request.scope['path']}?{urlencode({**query, 'cursor': cursor})}"
    return [(b"link", f'<{address}>; rel="next"'.encode())]
