"""Requests that are being appended: a repetition waits for the first instead of joining the log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Append:
    """One request on its way into the log."""

    __slots__ = ("body_mac", "ended")

    def __init__(self) -> None:
        self.body_mac: str | None = None
        """Of the request, once it is in the log."""
        self.ended = asyncio.Event()
        """Set once it is decided, or will not be soon."""


@contextmanager
def appending(under_way: dict[str, Append], generation_id: str) -> Iterator[Append]:
    """Let others find this append while it lasts."""
    own = under_way[generation_id] = Append()
    try:
        yield own
    finally:
        own.ended.set()
        if under_way.get(generation_id) is own:
            del under_way[generation_id]
