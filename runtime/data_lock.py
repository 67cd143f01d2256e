"""One `pixelpop up` per data directory, and a sentence that names the one that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from runtime import spawning
from runtime.disk import naming_full_disk
from runtime.errors import StartError

NAME = "up"


class DataDirInUse(StartError):
    """Another `pixelpop up` runs on this data directory."""

    code = "data-dir-in-use"


def run_dir(data_dir: Path) -> Path:
    """Where a data directory remembers its processes."""
    return data_dir.absolute() / "run"


def holder(data_dir: Path) -> int | None:
    """The process id of the `pixelpop up` that runs on this data directory."""
    process = spawning.running(run_dir(data_dir), NAME)
    return None if process is None else process.pid


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data directory; the system lets go of it when this process ends, however it ends.

    Raises:
        DataDirInUse: somebody else holds it.
    """
    with naming_full_disk(data_dir):
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"The data directory {data_dir} cannot be made: {error}.") from error
        lock = FileLock(data_dir / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            pid = holder(data_dir)
            by = f"by `pixelpop up` with process id {pid}" if pid else "by another process"
            raise DataDirInUse(
                f"{data_dir} is in use {by}. Stop that one first, or name another directory "
                "in PIXELPOP_DATA_DIR."
            ) from error
    try:
        spawning.remember(run_dir(data_dir), NAME, os.getpid())
        yield
    finally:
        spawning.forget(run_dir(data_dir), NAME)
        lock.release()
