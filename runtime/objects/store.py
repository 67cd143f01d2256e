"""What Pixelpop asks of object storage, and how it can fail.

Keys are deterministic and objects are never changed, so writing is "put if absent", and a result
always describes the stored object, whoever wrote it.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import msgspec

from runtime.errors import PixelpopError

LIST_KEYS_MAX = 100_000
"""The most keys that one `list` collects."""
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")


class ObjectsUnavailable(PixelpopError):
    """The object store cannot be reached, is overloaded or too slow; ask again later.

    What was being written may have been stored.
    """

    code = "objects-unavailable"
    retryable = True


class ObjectsRefused(PixelpopError):
    """The object store refuses: wrong credentials, no such bucket, a request it cannot read.

    `reason` is the S3 API's code for it.
    """

    code = "objects-refused"

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ObjectTooLarge(PixelpopError):
    """The object is larger than `s3_object_bytes_max`; it is neither read nor written whole."""

    code = "object-too-large"


class Head(msgspec.Struct, frozen=True):
    """What is known of a stored object without reading it; `etag` is opaque."""

    size_bytes: int
    content_type: str
    etag: str


class Stored(msgspec.Struct, frozen=True):
    """An object as it was at one instant; `etag` is opaque and names just these bytes."""

    data: bytes
    content_type: str
    etag: str


class Form(msgspec.Struct, frozen=True):
    """What lets anybody put one object: a POST of these fields, and then the file, as a form."""

    url: str
    fields: dict[str, str]


def as_file(name: str) -> str:
    """The `Content-Disposition` by which a browser saves what comes under that name.

    Raises:
        ValueError: the name is not of letters, digits, dots and lines.
    """
    if not _FILE_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no file name for everybody.")
    return f'attachment; filename="{name}"'


class ObjectStore(Protocol):
    """What Pixelpop asks of object storage.

    Every method may raise `ObjectsUnavailable` and `ObjectsRefused`.
    """

    async def put_if_absent(self, key: str, data: bytes, content_type: str) -> bool:
        """Store an object unless the key has one; False: it had one, which stays as it is.

        False is also the answer when an earlier attempt of this very call stored it and its
        answer was lost: read the stored object to describe it.

        Raises:
            ObjectTooLarge: nothing was stored.
        """
        ...

    async def get(self, key: str) -> bytes | None:
        """The whole object, or None.

        Raises:
            ObjectTooLarge: it is not read.
        """
        ...

    async def read(self, key: str, bytes_max: int) -> Stored | None:
        """The whole object with what names these very bytes, or None.

        Raises:
            ObjectTooLarge: it has more bytes than `bytes_max`; it is not read.
        """
        ...

    async def head(self, key: str) -> Head | None:
        """What the object is, or None."""
        ...

    async def delete(self, key: str) -> None:
        """Delete the object with all its versions; not an error when there is none."""
        ...

    async def delete_prefix(self, prefix: str) -> int:
        """Delete every object whose key begins so, with all versions; how many were deleted.

        Raises:
            ValueError: the prefix is empty.
        """
        ...

    async def list(self, prefix: str) -> list[str]:
        """Every key that begins so, in byte order.

        Raises:
            ObjectsRefused: more than `LIST_KEYS_MAX`.
        """
        ...

    async def presign_get(
        self, key: str, expires_seconds: int, *, file_name: str | None = None
    ) -> str:
        """An address at which anybody may read the object for so long (at most 7 days).

        With a file name, a browser saves it under that name instead of showing it.
        """
        ...

    async def presign_post(
        self, key: str, content_type: str, bytes_max: int, expires_seconds: int
    ) -> Form:
        """A form by which anybody may put this object for so long (at most 7 days), even again.

        Args:
            key: of the object; the form is good for no other.
            content_type: what it must say that it is.
            bytes_max: its largest size; an empty one is refused too.
            expires_seconds: how long the form is good.
        """
        ...

    async def ensure_bucket(self) -> None:
        """Make the bucket when it is missing."""
        ...
