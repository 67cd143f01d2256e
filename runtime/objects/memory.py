"""A fake of object storage in memory, shipped for tests, benchmarks and simulations."""

from __future__ import annotations

import builtins
import hashlib
from urllib.parse import quote

from runtime.objects.store import (
    LIST_KEYS_MAX,
    Form,
    Head,
    ObjectsRefused,
    ObjectTooLarge,
    Stored,
    as_file,
)


class MemoryObjects:
    """Answers as `S3Objects` does; everything is gone with the process.

    Args:
        object_bytes_max: the largest object.
    """

    def __init__(self, *, object_bytes_max: int = 67_108_864) -> None:
        self._object_bytes_max = object_bytes_max
        self._objects: dict[str, tuple[bytes, str]] = {}

    async def put_if_absent(self, key: str, data: bytes, content_type: str) -> bool:
        """See `ObjectStore`."""
        if len(data) > self._object_bytes_max:
            raise ObjectTooLarge(f"{key} has {len(data)} bytes; {self._object_bytes_max} may be.")
        if key in self._objects:
            return False
        self._objects[key] = (bytes(data), content_type)
        return True

    async def get(self, key: str) -> bytes | None:
        """See `ObjectStore`."""
        stored = self._objects.get(key)
        return None if stored is None else stored[0]

    async def read(self, key: str, bytes_max: int) -> Stored | None:
        """See `ObjectStore`."""
        stored = self._objects.get(key)
        if stored is None:
            return None
        data, content_type = stored
        if len(data) > bytes_max:
            raise ObjectTooLarge(f"{key} has {len(data)} bytes; {bytes_max} may be.")
        return Stored(data=data, content_type=content_type, etag=_etag(data))

    async def head(self, key: str) -> Head | None:
        """See `ObjectStore`."""
        stored = self._objects.get(key)
        if stored is None:
            return None
        data, content_type = stored
        return Head(size_bytes=len(data), content_type=content_type, etag=_etag(data))

    async def delete(self, key: str) -> None:
        """See `ObjectStore`."""
        self._objects.pop(key, None)

    async def delete_prefix(self, prefix: str) -> int:
        """See `ObjectStore`."""
        if not prefix:
            raise ValueError("An empty prefix would delete everything.")
        doomed = [key for key in self._objects if key.startswith(prefix)]
        for key in doomed:
            del self._objects[key]
        return len(doomed)

    async def list(self, prefix: str) -> builtins.list[str]:
        """See `ObjectStore`."""
        found = sorted(
            (key for key in self._objects if key.startswith(prefix)),
            key=lambda key: key.encode("utf-8"),
        )
        if len(found) > LIST_KEYS_MAX:
            raise ObjectsRefused(f"More than {LIST_KEYS_MAX} objects begin with {prefix}.")
        return found

    async def presign_get(
        self, key: str, expires_seconds: int, *, file_name: str | None = None
    ) -> str:
        """An address that says what S3's would; nothing answers there."""
        saved = "" if file_name is None else f"&file={as_file(file_name)}"
        return f"memory://objects/{quote(key)}?expires={expires_seconds}{saved}"

    async def presign_post(
        self, key: str, content_type: str, bytes_max: int, expires_seconds: int
    ) -> Form:
        """A form that says what S3's would; nothing answers there."""
        fields = {"key": key, "Content-Type": content_type}
        return Form(f"memory://objects?bytes={bytes_max}&expires={expires_seconds}", fields)

    async def ensure_bucket(self) -> None:
        """See `ObjectStore`."""


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
