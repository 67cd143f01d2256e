"""Saying that a disk is full, in one way wherever it is noticed."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import StartError


class DiskFull(StartError):
    """There is no room left for something that has to be written."""

    code = "disk-full"


@contextmanager
def naming_full_disk(folder: Path) -> Iterator[None]:
    """Turn "no space left" anywhere inside into a sentence about the folder."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise DiskFull(
            f"The disk that holds {folder} is full. Make room and start again; nothing is lost."
        ) from error
