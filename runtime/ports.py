"""Ports of this machine: choosing a free one, remembering it, naming who holds one."""

from __future__ import annotations

import random
import socket
from pathlib import Path

import psutil

from runtime.errors import StartError

LOWEST = 20_000
HIGHEST = 32_000
"""Below what Linux (32768) and macOS (49152) hand to outgoing connections: a client that keeps
trying a port of that range while its server is away may end up connected to itself."""

TRIES_MAX = 200


class PortInUse(StartError):
    """Somebody else listens on the port that the settings name."""

    code = "port-in-use"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that was free a moment ago, different for callers that ask at the same time."""
    for _ in range(TRIES_MAX):
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311  no secret
        if is_free(port):
            return port
    raise StartError(f"No free port between {LOWEST} and {HIGHEST} was found on 127.0.0.1.")


def remembered_port(file: Path, configured: int, variable: str) -> int:
    """The configured port, else the one that `file` remembers, else a free one.

    Raises:
        PortInUse: the configured port is taken; the message names the variable and the holder.
    """
    if configured:
        require_free(configured, variable)
        port = configured
    else:
        text = file.read_text().strip() if file.exists() else ""
        remembered = int(text) if text.isdecimal() else 0
        port = remembered if remembered and is_free(remembered) else free_port()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{port}\n")
    return port


def require_free(port: int, variable: str, host: str = "127.0.0.1") -> None:
    """Raise `PortInUse`, naming who holds the port as far as this user may know."""
    if not is_free(port, host):
        raise PortInUse(
            f"Port {port} ({variable}) is in use{_holder(port)}. "
            f"Stop that process or set {variable} to another port."
        )


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr and connection.laddr.port == port:
                if connection.pid is None:
                    return ""
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass  # without the right to look, the port's number has to do
    return ""
