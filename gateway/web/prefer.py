"""The `Prefer` header (RFC 7240): `wait=N` and `respond-async`."""

from __future__ import annotations

import re
from typing import NamedTuple

from gateway.web.http import Headers

_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?([0-9]{1,6})\"?(?:$|[,;\s])", re.IGNORECASE)
_ASYNC = re.compile(r"(?:^|[,;\s])respond-async(?:$|[,;\s])", re.IGNORECASE)


class Prefer(NamedTuple):
    """What the client would like (RFC 7240)."""

    wait_seconds: float | None = None
    respond_async: bool = False


def preferences(headers: Headers) -> Prefer:
    """What the client would like; what cannot be read is passed over, as the RFC says."""
    given = [value.decode("latin-1") for name, value in headers if name == b"prefer"]
    return _prefer(",".join(given)) if given else Prefer()


def _prefer(text: str) -> Prefer:
    wait = _WAIT.search(text)
    return Prefer(
        None if wait is None else float(wait[1]),
        wait is None and _ASYNC.search(text) is not None,
    )
