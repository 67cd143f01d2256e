"""A process that decodes photos: it holds no secret, and may end without harm to anybody else.

`decoding` starts it, hands it one file after another and reads what became of each. It ends when
whoever started it does, and the kernel ends it when a photo takes too long.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection

import msgspec

from gateway.uploads.cleaning import Bounds, Clean, Refused, clean, too_heavy


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A file to be looked at."""

    data: bytes
    bounds: Bounds
    seconds: float
    """How long that may take."""


class Done(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """It is taken."""

    picture: Clean


class Turned(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """It is not."""

    code: str
    sentence: str


Said = Done | Turned
_order = msgspec.msgpack.Decoder(Order)
_encode = msgspec.msgpack.Encoder().encode


def looked_at(order: Order) -> Said:
    """What becomes of a file."""
    try:
        return Done(clean(order.data, order.bounds))
    except MemoryError:
        refused = too_heavy()
    except Refused as error:
        refused = error
    return Turned(refused.code, str(refused))


def main(descriptor: int, memory_bytes: int) -> None:
    """Answer on this socket until its other end is closed."""
    confine(memory_bytes)
    with Connection(descriptor) as orders:
        orders.send_bytes(b"")  # ready
        while True:
            try:
                order = _order.decode(orders.recv_bytes())
            except EOFError:
                return
            signal.setitimer(signal.ITIMER_REAL, order.seconds)
            said = looked_at(order)
            signal.setitimer(signal.ITIMER_REAL, 0)
            orders.send_bytes(_encode(said))


def confine(memory_bytes: int) -> None:
    """Take from this process what no decoder needs: much memory, files, traces of a crash."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, whatever it is in
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})  # as the thread that began it was
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it says when it ends
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for which, most in limits.items():
        _, hard = resource.getrlimit(which)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS does not know all of them
            resource.setrlimit(which, (limit, limit))
    os.nice(5)  # requests go first


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
