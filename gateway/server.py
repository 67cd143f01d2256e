"""Granian around the app, in this very process: one `kill -9` leaves nothing behind.

Its embedded server runs in our event loop, installs no signal handlers and starts no workers. Its
`backpressure` is a bound on connections, idle ones included; requests are bounded by `front`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from runtime.ports import require_free
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

BACKLOG: Final = 1024
HEADER_READ_SECONDS: Final = 30
"""How long a connection may be idle, or take to send the head of a request."""
BUFFER_BYTES: Final = 65_536
"""What Granian buffers of one connection: also the most that all headers of a request may take."""


class HttpServer:
    """The listening server.

    Args:
        app: the ASGI app.
        settings: where to listen, and how much to take on.
        port: where to listen; chosen already.
    """

    def __init__(self, app: Any, settings: Settings, port: int) -> None:
        self._settings = settings
        self.port = port
        self._server = Server(
            app,
            address=settings.host,
            port=port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=True,
            backlog=BACKLOG,
            backpressure=settings.connections_max,
            http1_settings=HTTP1Settings(
                header_read_timeout=HEADER_READ_SECONDS * 1000,
                max_buffer_size=BUFFER_BYTES,
                # Or a stream with another request behind it in its connection is never written
                # to, so that nobody learns that its reader has gone.
                pipeline_flush=False,
            ),
            log_enabled=False,
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen.

        Raises:
            PortInUse: somebody else does.
        """
        require_free(self.port, "PIXELPOP_PORT", self._settings.host)
        self._task = asyncio.get_running_loop().create_task(self._server.serve(), name="granian")
        listening = asyncio.Event()
        self._server.on_startup(listening.set)
        waiting = asyncio.create_task(listening.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self._task

    async def wait(self) -> None:
        """Return when it has ended by itself, which it should not."""
        assert self._task is not None
        await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Take no new connections, let what is under way finish, within `drain_seconds`."""
        if self._task is None:
            return
        self._server.stop()  # type: ignore[no-untyped-call]  # granian
        _, late = await asyncio.wait([self._task], timeout=self._settings.drain_seconds)
        if late:
            _log.warning("requests were still under way at the end of the drain")
            for worker in self._server.wrks:
                worker.kill()  # type: ignore[no-untyped-call]  # granian
            self._task.cancel()
            await asyncio.wait([self._task])
