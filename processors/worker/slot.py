"""One running worker per slot: two consumers with one static id fight for ever.

aiokafka does not know the answer by which a broker fences the older of two members with the same
`group.instance.id`; both rejoin every second and neither gets anything done. The lock guards one
data directory; on several machines the slots must differ (`PIXELPOP_SLOT`).

The system gives the lock back with the process that held it, and not before. So whoever holds it
knows that every process which held it earlier has ended, and their claims can be freed at once
instead of when their leases run out. Their ids stand in a file beside the lock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import structlog
from filelock import FileLock, Timeout

from runtime.errors import StartError
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

GONE_MAX = 100
"""Earlier processes that are remembered until their claims are free; the leases of others end."""


class SlotTaken(StartError):
    """Another worker runs in this slot."""

    code = "slot-taken"


class Slot:
    """A slot that this process holds.

    Attributes:
        holder: what this process calls itself in its claims.
        gone: what those before it were called whose claims may not be free yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.holder = uuid4()
        self.gone = _read(path)[-GONE_MAX:]
        self._write((*self.gone, self.holder))

    def all_free(self) -> None:
        """Remember those before us no longer: their claims are free."""
        self._write((self.holder,))
        self.gone = ()

    def _write(self, holders: Sequence[UUID]) -> None:
        growing = self._path.with_suffix(".growing")
        try:
            growing.write_text("".join(f"{one}\n" for one in holders))
            growing.replace(self._path)
        except OSError as error:
            # Without the note nothing is wrong, only slower: leases end by themselves.
            _log.warning("the holders of a slot were not noted", error=error)


@contextlib.contextmanager
def hold(settings: Settings, role: str = "worker") -> Iterator[Slot]:
    """Hold the slot inside; it is given back with the process, however that ends.

    Raises:
        SlotTaken: another process has it.
    """
    path = settings.data_dir / "run" / f"{role}-{settings.slot}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SlotTaken(
            f"Another {role} process already runs in slot {settings.slot} of {settings.data_dir}. "
            "Stop it, or give this one a slot of its own with PIXELPOP_SLOT."
        ) from None
    try:
        yield Slot(path.with_suffix(".holders"))
    finally:
        lock.release()


def _read(path: Path) -> tuple[UUID, ...]:
    try:
        lines = path.read_text().split()
    except (OSError, UnicodeDecodeError):
        return ()
    holders = []
    for line in lines:
        with contextlib.suppress(ValueError):
            holders.append(UUID(line))
    return tuple(holders)
