"""`runtime.ports`."""

from __future__ import annotations

import os
import socket

import pytest

from runtime import ports


@pytest.fixture
def taken():
    """A port that this process listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_free_port_is_remembered(tmp_path):
    """The second start gets the port of the first."""
    first = ports.remembered_port(tmp_path / "port", 0, "X")
    assert ports.LOWEST <= first <= ports.HIGHEST
    assert ports.remembered_port(tmp_path / "port", 0, "X") == first


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path, taken):
    """A remembered port in use costs a new port, not the start."""
    (tmp_path / "port").write_text(f"{taken}\n")
    port = ports.remembered_port(tmp_path / "port", 0, "X")
    assert port != taken
    assert (tmp_path / "port").read_text() == f"{port}\n"


def test_a_damaged_memory_is_ignored(tmp_path):
    """A file that holds no number is as good as none."""
    (tmp_path / "port").write_text("")
    assert ports.is_free(ports.remembered_port(tmp_path / "port", 0, "X"))


def test_a_configured_port_in_use_names_variable_and_holder(tmp_path, taken):
    """A configured port in use stops the start with the variable's name and the process's."""
    with pytest.raises(ports.PortInUse) as caught:
        ports.remembered_port(tmp_path / "port", taken, "PIXELPOP_PORT")
    assert f"Port {taken} (PIXELPOP_PORT) is in use by process {os.getpid()}" in str(caught.value)
