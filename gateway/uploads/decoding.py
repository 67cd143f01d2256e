"""Decoding photos in processes of their own: one that crashes or hangs is ended, and replaced.

Decoders are written in C and read strangers' files. So they run where there is little to be had: no
secrets in memory or environment, no connections, bounded memory and time. A photo that ends such a
process is refused; no other is touched by it.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing import Pipe
from pathlib import Path
from typing import Final

import msgspec
import structlog

from gateway.operations import metrics
from gateway.uploads.cleaning import Bounds, Clean, Refused, too_heavy, unreadable
from gateway.uploads.decoder import Order, Said, Turned
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

PROGRAM: Final = (sys.executable, "-B", "-m", "gateway.uploads.decoder")
START_SECONDS_MAX: Final = 20.0
GRACE_SECONDS: Final = 5.0
"""Beyond the time that a photo may take, until a process that should have ended is made to."""
ANSWER_BYTES_MAX: Final = 536_870_912
"""No picture of ours is as large; whatever runs there cannot fill the memory here."""
PHOTOS_MAX: Final = 500
"""After so many a process is replaced: what decoders lose of memory is never much."""
ATTEMPTS: Final = 2
"""A photo whose process ended may have been unlucky once."""
_ROOT: Final = Path(__file__).parents[2]
_said: msgspec.msgpack.Decoder[Said] = msgspec.msgpack.Decoder(Said)
_encode = msgspec.msgpack.Encoder().encode


class DecoderAway(PixelpopError):
    """No process for decoding can be started."""

    code = "overloaded"
    retryable = True


class _Ended(Exception):
    """The process ended over a photo."""


class _Process:
    """One decoder, and our end of the socket to it."""

    def __init__(self, program: Sequence[str], memory_bytes: int) -> None:
        self._socket, theirs = Pipe()
        self.photos = 0
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                [*program, str(theirs.fileno()), str(memory_bytes)],
                cwd=_ROOT,
                # Nothing of ours: there are secrets in it.
                env={"PYTHONPATH": str(_ROOT), "LANG": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
            )
        except OSError as error:
            self._socket.close()
            raise DecoderAway(f"No process for decoding can be started: {error}.") from error
        finally:
            theirs.close()
        try:
            is_ready = self._socket.poll(START_SECONDS_MAX) and self._socket.recv_bytes() == b""
        except (EOFError, OSError):
            is_ready = False
        if not is_ready:
            self.end()
            raise DecoderAway(f"A process for decoding ended: {self._process.returncode}.")

    def ask(self, order: Order) -> Said:
        """What becomes of a file.

        Raises:
            _Ended: of the process.
        """
        self.photos += 1
        watch = threading.Timer(order.seconds + GRACE_SECONDS, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            self._socket.send_bytes(_encode(order))
            return _said.decode(self._socket.recv_bytes(ANSWER_BYTES_MAX))
        except (EOFError, OSError, msgspec.DecodeError) as error:
            raise _Ended(f"a process for decoding ended: {self.end()}") from error
        finally:
            watch.cancel()

    def kill(self) -> None:
        """End it, from whatever thread; who asks it finds that out."""
        self._process.kill()
        self._process.wait()

    def end(self) -> int:
        """End it and let go of it; how it ended. By the thread that asks it."""
        self._process.kill()
        status = self._process.wait()
        self._socket.close()
        return status


class Decoders:
    """As many processes as there are threads that ask; close it at the end.

    Args:
        seconds: how long one photo may take.
        memory_bytes: how much address space a process may have.
        program: what is run, with a descriptor and the memory as its last arguments.
    """

    def __init__(self, seconds: float, memory_bytes: int, program: Sequence[str] = PROGRAM) -> None:
        self._seconds = seconds
        self._memory_bytes = memory_bytes
        self._program = program
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._is_closed = False

    def clean(self, data: bytes, bounds: Bounds) -> Clean:
        """As `cleaning.clean`, in another process; called from threads.

        Raises:
            Refused: it is no picture that is taken here, or its process ended over it.
            DecoderAway: there is no process to do it.
        """
        order = Order(data, bounds, self._seconds)
        for _ in range(ATTEMPTS):
            process = self._take()
            began = time.monotonic()
            try:
                said = process.ask(order)
            except _Ended as ended:
                self._drop(process)
                is_slow = time.monotonic() - began >= self._seconds
                _log.warning("a photo ended its process", slow=is_slow, error=str(ended))
                self.note_end(is_slow=is_slow)
                if is_slow:
                    raise too_heavy() from None
                continue
            self._give_back(process)
            if isinstance(said, Turned):
                raise Refused(said.code, said.sentence)
            return said.picture
        raise unreadable()

    def note_end(self, *, is_slow: bool) -> None:
        """Count a process that ended over a photo."""
        metrics.DECODERS_ENDED.labels("time" if is_slow else "crash").inc()

    def close(self) -> None:
        """End all of them; who waits for one is told that it ended."""
        with self._lock:
            self._is_closed = True
            ending, self._idle = list(self._all), []
        for process in ending:
            process.kill()

    def _take(self) -> _Process:
        with self._lock:
            if self._is_closed:
                raise DecoderAway("Nothing is decoded any more.")
            if self._idle:
                return self._idle.pop()
        process = _Process(self._program, self._memory_bytes)
        with self._lock:
            self._all.add(process)
            is_closed = self._is_closed
        if is_closed:
            self._drop(process)
            raise DecoderAway("Nothing is decoded any more.")
        return process

    def _give_back(self, process: _Process) -> None:
        with self._lock:
            if process.photos < PHOTOS_MAX and not self._is_closed:
                self._idle.append(process)
                return
        self._drop(process)

    def _drop(self, process: _Process) -> None:
        process.end()
        with self._lock:
            self._all.discard(process)
