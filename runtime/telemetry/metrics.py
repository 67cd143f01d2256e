"""The metrics of a process: prometheus_client's default registry, and a door to it.

The gateway serves `/metrics` itself by `exposition()`; a process without a front door calls
`serve`. Its own thread answers, also while the event loop is busy.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from wsgiref.simple_server import WSGIServer

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Gauge, generate_latest
from prometheus_client import start_http_server as start_server

from runtime.errors import StartError

_STOP_TIMEOUT_SECONDS = 5.0

# Resident memory, CPU, open files and start time come from prometheus_client itself, on Linux.
_PROCESS = Gauge("pixelpop_process_info", "Which process this is; always 1.", ["process", "slot"])


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """A running door to the metrics."""

    port: int
    """Where it listens, also when it was asked for any free port."""

    _server: WSGIServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Close the door; not an error when it is closed."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_STOP_TIMEOUT_SECONDS)


def name_process(process: str, slot: str) -> None:
    """Say in the metrics which process this is."""
    _PROCESS.labels(process=process, slot=slot).set(1)


def serve(host: str, port: int) -> MetricsServer:
    """Serve `/metrics` at this address until `stop()`; port 0 picks a free one.

    Raises:
        StartError: the address cannot be used.
    """
    try:
        server, thread = start_server(port, addr=host)
    except (OSError, OverflowError) as error:
        raise StartError(
            f"The metrics cannot be served at {host}:{port}: {error}. "
            "Set PIXELPOP_METRICS_PORT to a free port, or to 0."
        ) from error
    return MetricsServer(server.server_port, server, thread)


def exposition() -> tuple[bytes, str]:
    """All metrics in Prometheus' text format, and its content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
