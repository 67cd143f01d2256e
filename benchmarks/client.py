"""One person over one kept connection: asks, waits for the answer, asks on."""

from __future__ import annotations

import asyncio

from benchmarks.load import CONNECT_SECONDS, Connection, Target

ANSWER_SECONDS = 30.0


class Client:
    """A kept connection for one request after the other; see `connect`."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._connection = Connection(self._answered)

    @classmethod
    async def connect(cls, target: Target) -> Client:
        """A client of this server.

        Raises:
            OSError: it does not answer.
        """
        client = cls()
        async with asyncio.timeout(CONNECT_SECONDS):
            loop = asyncio.get_running_loop()
            await loop.create_connection(lambda: client._connection, target.host, target.port)
        return client

    async def ask(self, data: bytes) -> tuple[int, bytes]:
        """Send a prepared request; status and body of the answer.

        Raises:
            TimeoutError: none came in `ANSWER_SECONDS`.
        """
        self._answer = asyncio.get_running_loop().create_future()
        self._connection.send(data)
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._answer

    def close(self) -> None:
        """Close now."""
        self._connection.close()

    def _answered(self, _: Connection, status: int, body: bytes) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))
