"""Confirmed state of one partition as bytes, tied to its place in the log (design §1, §3).

A snapshot names topic, partition, offset, fold version and the hash of the record before it; a
reader refuses one that does not match the log, and folds from further back instead.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec

from events.codec import EVENT_TYPES, UPCASTS
from events.ids import AccountId
from events.state import FOLD_VERSION, Account, decode_hook, encode_hook

_MAGIC = b"pixelpop-snapshot\n"
_CHUNK_ACCOUNTS = 1_000
"""Accounts per compressed chunk: small enough that encoding one never holds a process for long."""


def vocabulary() -> str:
    """A digest of every event type that this version can read."""
    return sha256(" ".join(sorted((*EVENT_TYPES, *UPCASTS))).encode()).hexdigest()[:16]


class Cursor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place in the log that can be checked against the log."""

    topic: str
    partition: int
    next_offset: int
    fold_version: int = FOLD_VERSION
    hash_before: str
    """SHA-256 in hex of the value bytes of the record at `next_offset - 1`."""
    vocabulary: str = msgspec.field(default_factory=vocabulary)
    """Of the version that folded it: one that reads more must not take over its frozen accounts."""


class BadSnapshotError(ValueError):
    """These bytes are no snapshot that this version can use."""


_encoder = msgspec.msgpack.Encoder(enc_hook=encode_hook)
_decoder = msgspec.msgpack.Decoder(list[Account], dec_hook=decode_hook)
_cursor_decoder = msgspec.json.Decoder(Cursor)


def encode_chunks(cursor: Cursor, accounts: Mapping[AccountId, Account]) -> Iterator[bytes]:
    """The snapshot piece by piece, so that the caller may do other work in between."""
    head = msgspec.json.encode(cursor)
    yield _MAGIC + struct.pack(">I", len(head)) + head
    chunk: list[Account] = []
    for account in accounts.values():
        chunk.append(account)
        if len(chunk) == _CHUNK_ACCOUNTS:
            yield _frame(chunk)
            chunk = []
    yield _frame(chunk)
    yield struct.pack(">I", 0)


def _frame(chunk: list[Account]) -> bytes:
    data = zlib.compress(_encoder.encode(chunk), level=1)
    return struct.pack(">II", len(data), zlib.crc32(data)) + data


def read_cursor(data: bytes) -> Cursor:
    """The place in the log that a snapshot claims.

    Raises:
        BadSnapshotError: not a snapshot.
    """
    try:
        if not data.startswith(_MAGIC):
            raise BadSnapshotError("the object is not a snapshot")
        (size,) = struct.unpack_from(">I", data, len(_MAGIC))
        start = len(_MAGIC) + 4
        return _cursor_decoder.decode(data[start : start + size])
    except (struct.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSnapshotError(f"the snapshot's head is damaged: {error}") from error


def decode_chunks(data: bytes) -> Iterator[list[Account]]:
    """The accounts, chunk by chunk.

    Raises:
        BadSnapshotError: cut off, damaged, or of another fold version.
    """
    cursor = read_cursor(data)
    if cursor.fold_version != FOLD_VERSION:
        raise BadSnapshotError(
            f"the snapshot was folded by version {cursor.fold_version}, this is {FOLD_VERSION}"
        )
    upgraded = cursor.vocabulary != vocabulary()
    at = len(_MAGIC) + 4 + struct.unpack_from(">I", data, len(_MAGIC))[0]
    try:
        while (size := struct.unpack_from(">I", data, at)[0]) != 0:
            (checksum,) = struct.unpack_from(">I", data, at + 4)
            chunk = data[at + 8 : at + 8 + size]
            if zlib.crc32(chunk) != checksum:
                raise BadSnapshotError("the snapshot is damaged")
            accounts = _decoder.decode(zlib.decompress(chunk))
            if upgraded and any(account.frozen is not None for account in accounts):
                raise BadSnapshotError("it holds accounts frozen by a reader of other events")
            yield accounts
            at += 8 + size
        if at + 4 != len(data):
            raise BadSnapshotError("the snapshot goes on after its end")
    except (struct.error, zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadSnapshotError(f"the snapshot is damaged: {error}") from error
