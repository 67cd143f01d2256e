"""Looking for malware: by a daemon that speaks clamd's protocol, or not at all."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.uploads.cleaning import Refused
from gateway.uploads.scanning import CLEAN, UNCHECKED, Scanner, ScannerAway
from runtime.settings import Settings

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"


class Daemon:
    """As much of clamd as INSTREAM is: lengths and pieces, then one line of answer."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self.answer: bytes | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"nINSTREAM\n"
        data = b""
        while (size := struct.unpack(">L", await reader.readexactly(4))[0]) > 0:
            data += await reader.readexactly(size)
        self.seen.append(data)
        found = b"stream: Eicar-Test-Signature FOUND\n" if EICAR in data else b"stream: OK\n"
        writer.write(found if self.answer is None else self.answer)
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Scanner]:
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            yield Scanner(Settings(clamav_address=f"127.0.0.1:{port}", clamav_timeout_seconds=5.0))


async def test_without_a_daemon() -> None:
    """Where none is configured nothing is looked at, and that is said."""
    assert await Scanner(Settings()).scan(EICAR) == UNCHECKED


async def test_the_whole_file_is_looked_at() -> None:
    """Every byte reaches the daemon; what it finds nothing in is clean, the rest is refused."""
    daemon = Daemon()
    async with daemon.running() as scanner:
        data = bytes(range(256)) * 4000
        assert await scanner.scan(data) == CLEAN
        with pytest.raises(Refused) as refused:
            await scanner.scan(data + EICAR)
    assert daemon.seen == [data, data + EICAR]
    assert refused.value.code == "malware"


@pytest.mark.parametrize("answer", [b"", b"nonsense\n", b"INSTREAM size limit exceeded. ERROR\n"])
async def test_a_daemon_that_does_not_say(answer: bytes) -> None:
    """No answer, or one that says nothing, is none: the photo is not taken unchecked."""
    daemon = Daemon()
    daemon.answer = answer
    async with daemon.running() as scanner:
        with pytest.raises(ScannerAway):
            await scanner.scan(b"a photo")


async def test_a_daemon_that_is_away() -> None:
    """Nobody there is the same."""
    with pytest.raises(ScannerAway):
        await Scanner(Settings(clamav_address="127.0.0.1:1")).scan(b"a photo")
