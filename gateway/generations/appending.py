"""Requests that are being appended: a repetition waits for the first instead of joining the log."""

from __future__ import annotations

import asyncio


class Append:
    """One request on its way into the log."""

    __slots__ = ("body_mac", "ended")

    def __init__(self) -> None:
        self.body_mac: str | None = None
        """Of the request, once it is in the log."""
        self.ended = asyncio.Event()
        """Set once it is decided, or will not be soon."""


class appending:  # noqa: N801  used like `contextlib`'s own, at a third of a generator's cost
    """Let others find this append while it lasts."""

    __slots__ = ("_generation_id", "_own", "_under_way")

    def __init__(self, under_way: dict[str, Append], generation_id: str) -> None:
        self._under_way = under_way
        self._generation_id = generation_id
        self._own = Append()

    def __enter__(self) -> Append:
        """It begins."""
        self._under_way[self._generation_id] = self._own
        return self._own

    def __exit__(self, *_: object) -> None:
        """It is over, however it ended."""
        self._own.ended.set()
        if self._under_way.get(self._generation_id) is self._own:
            del self._under_way[self._generation_id]
