"""A zip in parts, each stored as it is full: so an export may be larger than any one object."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import Final

import msgspec

from runtime.objects import ObjectStore

MEDIA_TYPE: Final = "application/zip"
_OVERHEAD_BYTES: Final = 512
"""Beside its content, what an entry adds to a zip, at most."""


class Part(msgspec.Struct, frozen=True):
    """One stored file."""

    key: str
    size_bytes: int


class Archive:
    """Writes entries into parts of a bounded size; every part is a zip that opens by itself.

    Args:
        objects: where the parts go.
        prefix: what their keys begin with.
        part_bytes: a part is closed before it gets larger, unless a single entry is.
    """

    def __init__(self, objects: ObjectStore, prefix: str, part_bytes: int) -> None:
        self._objects = objects
        self._prefix = prefix
        self._part_bytes = part_bytes
        self._buffer = io.BytesIO()
        self._zip = zipfile.ZipFile(self._buffer, "w")
        self.parts: list[Part] = []

    async def add(self, name: str, data: bytes, *, compress: bool = True) -> None:
        """Write one entry; pictures are compressed already.

        Raises:
            PixelpopError: a part that was full could not be stored.
        """
        size = self._buffer.tell()
        if self._zip.infolist() and size + len(data) + _OVERHEAD_BYTES > self._part_bytes:
            await self._store()
        how = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        await asyncio.to_thread(self._zip.writestr, name, data, how)

    async def close(self) -> list[Part]:
        """Store what is left; all parts, in order."""
        if self._zip.infolist():
            await self._store()
        self._zip.close()
        return self.parts

    async def _store(self) -> None:
        self._zip.close()
        data = self._buffer.getvalue()
        key = f"{self._prefix}{len(self.parts) + 1}.zip"
        await self._objects.put_if_absent(key, data, MEDIA_TYPE)
        self.parts.append(Part(key, len(data)))
        self._buffer = io.BytesIO()
        self._zip = zipfile.ZipFile(self._buffer, "w")
