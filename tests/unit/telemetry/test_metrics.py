"""The door to a process's metrics."""

from __future__ import annotations

import socket
import urllib.request
import uuid

import pytest
from prometheus_client import Counter

from runtime.errors import StartError
from runtime.telemetry.metrics import exposition, name_process, serve


def fetch(port: int) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_served_on_a_free_port_until_stopped() -> None:
    """Port 0 picks a free port and says which; after `stop` nobody listens there."""
    counter = Counter(f"test_{uuid.uuid4().hex}", "A test.")
    counter.inc(3)
    server = serve("127.0.0.1", 0)
    assert f"{counter._name}_total 3.0" in fetch(server.port)
    server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=10)


def test_port_in_use_is_a_sentence() -> None:
    """A port that is taken stops the start with a sentence that names it and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"127\.0\.0\.1:{port}.*PIXELPOP_METRICS_PORT"):
            serve("127.0.0.1", port)


def test_process_is_named() -> None:
    """The exposition names the process and has its memory."""
    name_process("worker", "w1")
    text, content_type = exposition()
    assert b'pixelpop_process_info{process="worker",slot="w1"} 1.0' in text
    assert b"process_resident_memory_bytes" in text
    assert content_type.startswith("text/plain")
