"""What a ComfyUI server tells by WebSocket about a workflow: previews, and that it is over.

Nothing depends on it: who is not told asks now and then (`polling`). So whatever goes wrong here
is noted, and that is all.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from typing import Final

import aiohttp
import msgspec
import structlog

_log = structlog.get_logger(__name__)

MESSAGE_BYTES_MAX: Final = 4_194_304
CONNECT_SECONDS_MAX: Final = 10.0
HEARTBEAT_SECONDS: Final = 20.0
_HEAD: Final = struct.Struct(">II")
"""Of a binary message: what it is, and in which format a picture is."""
_PREVIEW: Final = 1
_FORMATS: Final = frozenset({1, 2})
"""JPEG and PNG."""
_OVER: Final = frozenset({"execution_success", "execution_error", "execution_interrupted"})


class _Data(msgspec.Struct, frozen=True):
    node: str | None = ""


class _Told(msgspec.Struct, frozen=True):
    type: str
    data: _Data = _Data()

    @property
    def is_over(self) -> bool:
        """Whether nothing of the workflow runs; older servers say only that no node does."""
        return self.type in _OVER or (self.type == "executing" and self.data.node is None)


_told = msgspec.json.Decoder(_Told)


class Watching:
    """Listens to one server, with a connection for each workflow; close it at the end.

    Args:
        base_url: where the server is.
        headers: who asks.
    """

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        self._address = f"{base_url.rstrip('/')}/ws"
        self._headers = headers
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    @contextlib.asynccontextmanager
    async def of(
        self, client_id: str, show: Callable[[bytes], None]
    ) -> AsyncIterator[asyncio.Event]:
        """Inside: an event that is set once the workflow of this client is over, if that is told.

        Args:
            client_id: as it is submitted with: what is told is told to that client.
            show: called with each preview.
        """
        over = asyncio.Event()
        listening = asyncio.create_task(self._listen(client_id, show, over))
        try:
            yield over
        finally:
            listening.cancel()
            await asyncio.wait([listening])

    async def _listen(
        self, client_id: str, show: Callable[[bytes], None], over: asyncio.Event
    ) -> None:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS_MAX)
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        try:
            async with self._session.ws_connect(
                self._address,
                params={"clientId": client_id},
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=MESSAGE_BYTES_MAX,
            ) as socket:
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        _look_at(message.data, show)
                    elif message.type is aiohttp.WSMsgType.TEXT and _is_over(message.data):
                        over.set()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            _log.info("ComfyUI's WebSocket cannot be listened to", error=repr(error))


def _look_at(data: bytes, show: Callable[[bytes], None]) -> None:
    if len(data) > _HEAD.size:
        what, form = _HEAD.unpack_from(data)
        if what == _PREVIEW and form in _FORMATS:
            show(data[_HEAD.size :])


def _is_over(text: str) -> bool:
    try:
        return _told.decode(text).is_over
    except msgspec.DecodeError:
        return False  # what it is about is none of ours
