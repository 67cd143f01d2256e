"""A process for tests of the supervisor: `python -m tests.fakes.process KIND`.

KIND says how it behaves: `stubborn` ignores SIGTERM, `slow` hears it but goes on, `chatty` prints
a very long line, `refuses` cannot start as configured, `crash` ends by itself; any other is ready
at once and stops when asked.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from runtime import process
from runtime.errors import StartError
from runtime.settings import Settings


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Answer every HTTP request with 200, until asked to stop."""
    kind = sys.argv[1]
    if kind == "refuses":
        raise StartError("The moon is in the wrong phase.")
    if kind == "crash":
        raise RuntimeError("crash")
    if kind == "stubborn":
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, lambda: None)
    port = settings.port if kind == "gateway" else 0
    server = await asyncio.start_server(_answer, "127.0.0.1", port)
    process.ready(settings, server.sockets[0].getsockname()[1])
    sys.stdout.write(f"hello from {kind} in slot {settings.slot}\n")
    if kind == "chatty":
        sys.stdout.write("x" * 1_000_000)
    sys.stdout.flush()
    await stop.wait()
    if kind == "slow":
        assert settings.ready_file is not None
        settings.ready_file.unlink()
        await asyncio.Event().wait()
    server.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
    await writer.drain()
    writer.close()


if __name__ == "__main__":
    sys.exit(process.run(sys.argv[1], main))
