"""A transaction-mode pooler in front of a real PostgreSQL, as PgBouncer is one.

It speaks the wire protocol (PostgreSQL documentation, "Frontend/Backend Protocol"): many clients
share few server connections, a client holds one from its first message until the server says that
it is ready and in no transaction, and free ones go round, so that the next transaction of the same
client runs on another server connection where there is one. A new client is let through to the
server to log in; that server connection then joins the pool or, when the pool is full, is closed.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SSL_REQUEST = 80877103
CANCEL_REQUEST = 80877102
EXTENDED = frozenset(b"PBDECH")
"""Parse, Bind, Describe, Execute, Close and Flush: nothing says ready before a Sync."""


@dataclass(eq=False)
class Server:
    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


@dataclass(eq=False)
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    server: Server | None = None
    pump: asyncio.Task[None] | None = None
    awaited: int = 0
    """How many times the server still has to say that it is ready."""
    unsynced: bool = False
    """Whether a batch of extended messages was begun and not ended by a Sync."""
    history: list[int] = field(default_factory=list)
    """The server connections that its transactions ran on, in order."""


class TransactionPooler:
    """Give its `url` to clients instead of the server's.

    Attributes:
        clients: everybody that ever logged in, with the history of their transactions.
        connected: how many server connections are in the pool.
    """

    def __init__(self, server_url: str, *, servers_max: int) -> None:
        parts = urlsplit(server_url)
        self._address = (parts.hostname, parts.port)
        self._server_url = server_url
        self._servers_max = servers_max
        self._free: asyncio.Queue[Server] = asyncio.Queue()
        self._numbers = iter(range(1_000_000))
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.clients: list[Client] = []
        self.connected = 0
        self.url = ""

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        client = Client(reader, writer)
        try:
            # Cancelled is how the pooler ends it; its caller in asyncio cannot take that.
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                if await self._log_in(client):
                    self.clients.append(client)
                    await self._serve(client)
        finally:
            self._let_go(client)
            self._tasks.discard(task)

    async def _log_in(self, client: Client) -> bool:
        while True:
            head = await client.reader.readexactly(8)
            length, code = struct.unpack("!ii", head)
            if code == SSL_REQUEST:
                client.writer.write(b"N")
                continue
            if code == CANCEL_REQUEST:
                return False
            start = head + await client.reader.readexactly(length - 8)
            break
        reader, writer = await asyncio.open_connection(*self._address)
        self._writers += [writer, client.writer]
        server = Server(next(self._numbers), reader, writer)
        server.writer.write(start)
        inward = asyncio.create_task(self._copy_answers(client, server))
        kind = b""
        while kind != b"Z":
            kind, message = await _read(server.reader)
            client.writer.write(message)
            await client.writer.drain()
            if kind == b"E":
                inward.cancel()
                server.writer.close()
                return False
            if kind == b"R" and message[5:9] == b"\0\0\0\0":  # logged in: no more answers
                inward.cancel()
                with suppress(asyncio.CancelledError):
                    await inward
        if self.connected < self._servers_max:
            self.connected += 1
            self._free.put_nowait(server)
        else:
            server.writer.write(b"X\0\0\0\4")
            server.writer.close()
        return True

    async def _copy_answers(self, client: Client, server: Server) -> None:
        while True:
            _, message = await _read(client.reader)
            server.writer.write(message)

    async def _serve(self, client: Client) -> None:
        while True:
            kind, message = await _read(client.reader)
            if kind == b"X":
                return
            if client.server is None:
                client.server = await self._free.get()
                client.history.append(client.server.number)
                client.pump = asyncio.create_task(self._relay(client, client.server))
            if kind in (b"Q", b"S", b"F"):
                client.awaited += 1
                client.unsynced = False
            elif kind[0] in EXTENDED:
                client.unsynced = True
            client.server.writer.write(message)
            await client.server.writer.drain()

    async def _relay(self, client: Client, server: Server) -> None:
        with suppress(ConnectionError):
            while True:
                kind, message = await _read(server.reader)
                if kind == b"Z":
                    client.awaited -= 1
                    if message[5:6] == b"I" and client.awaited == 0 and not client.unsynced:
                        # Free before the client hears of it: it may go on elsewhere at once.
                        client.server = None
                        self._free.put_nowait(server)
                        client.writer.write(message)
                        return
                client.writer.write(message)
                await client.writer.drain()

    def _let_go(self, client: Client) -> None:
        if client.pump is not None:
            client.pump.cancel()
        if client.server is not None:  # left in the middle of a transaction
            client.server.writer.close()
            self.connected -= 1
        client.writer.close()

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        pumps = [client.pump for client in self.clients if client.pump is not None]
        await asyncio.gather(*self._tasks, *pumps, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.gather(
            *(writer.wait_closed() for writer in self._writers), return_exceptions=True
        )


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """One message of the protocol: its kind, and all of its bytes."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)


@asynccontextmanager
async def transaction_pooler(
    server_url: str, *, servers_max: int
) -> AsyncIterator[TransactionPooler]:
    """Run a pooler in front of the server of this address, on a free port."""
    pooler = TransactionPooler(server_url, servers_max=servers_max)
    listener = await asyncio.start_server(pooler._accept, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    parts = urlsplit(server_url)
    login = parts.netloc.rpartition("@")[0]
    pooler.url = parts._replace(netloc=f"{login}@127.0.0.1:{port}").geturl()
    try:
        yield pooler
    finally:
        listener.close()
        await pooler._close()
        await listener.wait_closed()
