"""Snapshots of confirmed state in object storage, so that a start need not read the whole log.

They hold what was folded from the log and nothing else, and each is checked against the log
before it is believed: the record before its offset must hash to what the snapshot says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from events.ids import AccountId
from events.recorded import hash_value
from events.snapshot import (
    BadSnapshotError,
    Cursor,
    decode_chunks,
    encode_chunks,
    read_cursor,
)
from events.state import FOLD_VERSION, Account
from runtime.objects import ObjectStore

_log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/vnd.pixelpop.snapshot"
KEPT_SNAPSHOTS = 3
"""Of each partition and fold version; older ones are deleted when a new one is stored."""

ReadOne = Callable[[str, int, int], Awaitable[bytes | None]]
"""Value bytes of the record at (topic, partition, offset); None: there is no such record."""


class Snapshot(msgspec.Struct, frozen=True):
    """Confirmed state and the place in the log that it belongs to."""

    next_offset: int
    accounts: dict[AccountId, Account]


def _prefix(topic: str, partition: int) -> str:
    return f"snapshots/{topic}/{partition}/"


def _key(cursor: Cursor) -> str:
    name = f"v{cursor.fold_version}-{cursor.next_offset:020d}"
    return _prefix(cursor.topic, cursor.partition) + name


async def save(objects: ObjectStore, cursor: Cursor, accounts: dict[AccountId, Account]) -> int:
    """Store a snapshot; returns its size in bytes. `accounts` must not change meanwhile.

    Raises:
        PixelpopError: object storage failed; nothing is lost, a start only takes longer.
    """
    data = await asyncio.to_thread(lambda: b"".join(encode_chunks(cursor, accounts)))
    await objects.put_if_absent(_key(cursor), data, CONTENT_TYPE)
    mine = f"{_prefix(cursor.topic, cursor.partition)}v{FOLD_VERSION}-"
    for key in sorted(await objects.list(mine))[:-KEPT_SNAPSHOTS]:
        await objects.delete(key)
    return len(data)


async def load(
    objects: ObjectStore, topic: str, partition: int, read_one: ReadOne
) -> Snapshot | None:
    """The newest snapshot that matches the log; None when there is none to go by.

    Raises:
        PixelpopError: object storage or the log cannot be read.
    """
    keys = await objects.list(f"{_prefix(topic, partition)}v{FOLD_VERSION}-")
    for key in sorted(keys, reverse=True):
        data = await objects.get(key)
        if data is None:
            continue
        try:
            cursor = read_cursor(data)
            await _check(cursor, topic, partition, read_one)
            accounts = await asyncio.to_thread(_decode, data)
        except BadSnapshotError as error:
            _log.warning("snapshot refused, trying an older one", key=key, reason=str(error))
            continue
        _log.info(
            "snapshot loaded", key=key, accounts=len(accounts), next_offset=cursor.next_offset
        )
        return Snapshot(cursor.next_offset, accounts)
    return None


async def _check(cursor: Cursor, topic: str, partition: int, read_one: ReadOne) -> None:
    if (cursor.topic, cursor.partition) != (topic, partition):
        raise BadSnapshotError(f"it belongs to {cursor.topic}/{cursor.partition}")
    value = await read_one(topic, partition, cursor.next_offset - 1)
    if value is None:
        raise BadSnapshotError(f"the log has no record at offset {cursor.next_offset - 1}")
    if hash_value(value) != cursor.hash_before:
        raise BadSnapshotError("the record before it in the log is another one")


def _decode(data: bytes) -> dict[AccountId, Account]:
    return {account.account_id: account for chunk in decode_chunks(data) for account in chunk}
