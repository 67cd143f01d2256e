"""Addresses of images, signed by the object store; kept while they are good for long enough."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from runtime.objects import ObjectStore

KEPT_MAX: Final = 20_000


class Presigned:
    """Signs addresses and keeps them for half of their time.

    Args:
        objects: signs.
        ttl_seconds: how long an address is good for.
        cdn_url: what stands before the store; None: nothing.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        objects: ObjectStore,
        ttl_seconds: int,
        *,
        cdn_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._objects = objects
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._cdn_url = cdn_url
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()

    async def url(self, key: str) -> str:
        """An address at which anybody can read the object for at least half of the time."""
        now = self._clock()
        kept = self._kept.get(key)
        if kept is not None and kept[1] > now:
            return kept[0]
        url = self._before(await self._objects.presign_get(key, self._ttl_seconds))
        self._kept[key] = (url, now + self._ttl_seconds / 2)
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return url

    async def file_url(self, key: str, file_name: str) -> str:
        """An address at which a browser saves the object under that name."""
        url = await self._objects.presign_get(key, self._ttl_seconds, file_name=file_name)
        return self._before(url)

    @property
    def ttl_seconds(self) -> int:
        """How long an address is good for."""
        return self._ttl_seconds

    def _before(self, url: str) -> str:
        """The same path and query, which hold the signature, at the content network."""
        if self._cdn_url is None:
            return url
        parts = urlsplit(url)
        return f"{self._cdn_url.rstrip('/')}{parts.path}?{parts.query}"
