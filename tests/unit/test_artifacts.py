"""The jar cache, against a Maven repository on this machine."""

from __future__ import annotations

import functools
import gc
import hashlib
import http.server
import io
import shutil
import threading

import pytest
from rich.console import Console

from runtime.disk import DiskFull, naming_full_disk
from runtime.embedded import artifacts
from runtime.embedded.jars import COORDINATES, Jar, locked

CONTENT = b"a jar, of sorts" * 1000


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_args):
        pass


@pytest.fixture
def jar(monkeypatch):
    """The only jar of the program `kafka`."""
    one = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    monkeypatch.setattr(artifacts, "locked", lambda _program: [one])
    return one


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A Maven repository that jgo asks instead of the public one; yields its folder."""
    from jgo.maven import _core

    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setitem(_core.DEFAULT_REMOTE_REPOS, "central", address)
        yield folder
        server.shutdown()
        thread.join()


def serve(repository, jar, content):
    file = repository / jar.path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def fetch(cache):
    shown = io.StringIO()
    path = artifacts.class_path("kafka", cache, Console(file=shown))
    return path, shown.getvalue()


def test_a_cold_cache_is_filled_and_said(tmp_path, repository, jar):
    """A missing jar is downloaded, checked and put in place, with a line that says so."""
    serve(repository, jar, CONTENT)
    path, shown = fetch(tmp_path / "cache")
    assert path == str(tmp_path / "cache" / "maven" / jar.path)
    assert (tmp_path / "cache" / "maven" / jar.path).read_bytes() == CONTENT
    assert "Downloading Apache Kafka (1 files, 0 MB)" in shown


def test_a_warm_cache_asks_nobody(tmp_path, repository, jar):
    """With every jar whole, nothing is downloaded: here there would be nothing to download."""
    serve(tmp_path / "cache" / "maven", jar, CONTENT)
    _, shown = fetch(tmp_path / "cache")
    assert shown == ""


def test_a_corrupt_jar_is_replaced(tmp_path, repository, jar):
    """A jar of the cache whose content is not what the lock says is downloaded again."""
    serve(repository, jar, CONTENT)
    serve(tmp_path / "cache" / "maven", jar, CONTENT[:-1] + b"!")
    fetch(tmp_path / "cache")
    assert (tmp_path / "cache" / "maven" / jar.path).read_bytes() == CONTENT


def test_a_corrupt_download_is_removed_and_named(tmp_path, repository, jar):
    """What arrives with a wrong hash stops the start, is named, and is not kept anywhere."""
    serve(repository, jar, b"something else")
    with pytest.raises(artifacts.DownloadFailed, match=r"thing-1\.0\.jar arrived damaged"):
        fetch(tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("*.jar"))


# jgo leaves the connection of an answer that is not 200 to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_jar_that_nobody_has_is_named(tmp_path, repository, jar):
    """A jar that cannot be downloaded stops the start and is named."""
    with pytest.raises(artifacts.DownloadFailed, match=r"thing-1\.0\.jar could not be downloaded"):
        fetch(tmp_path / "cache")
    gc.collect()


def test_a_disk_without_room_is_noticed_before(tmp_path, repository, jar, monkeypatch):
    """A cache without room for the download stops the start with both figures."""
    full = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: full)
    with pytest.raises(DiskFull, match="has 0 MB left"):
        fetch(tmp_path / "cache")


def test_a_full_disk_is_a_sentence(tmp_path):
    """The system's "no space left" becomes a sentence that names the folder."""
    with (
        pytest.raises(DiskFull, match="is full"),
        naming_full_disk(tmp_path),
        open("/dev/full", "wb", buffering=0) as full,  # noqa: PTH123  a device
    ):
        full.write(b"x")


@pytest.mark.parametrize("program", COORDINATES)
def test_the_lock_pins_every_program(program):
    """Each program's own jar is pinned in the version that its coordinates name."""
    group, artifact, version = COORDINATES[program][0].split(":")
    pinned = {(jar.group, jar.artifact): jar for jar in locked(program)}
    assert pinned[group, artifact].version == version
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in pinned.values())
