"""One running worker per slot: two consumers with one static id fight for ever.

aiokafka does not know the answer by which a broker fences the older of two members with the same
`group.instance.id`; both rejoin every second and neither gets anything done. The lock guards one
data directory; on several machines the slots must differ (`PIXELPOP_SLOT`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from filelock import FileLock, Timeout

from runtime.errors import StartError
from runtime.settings import Settings


class SlotTaken(StartError):
    """Another worker runs in this slot."""

    code = "slot-taken"


@contextlib.contextmanager
def hold(settings: Settings) -> Iterator[None]:
    """Hold the slot inside; it is given back with the process, however that ends.

    Raises:
        SlotTaken: another process has it.
    """
    path = settings.data_dir / "run" / f"worker-{settings.slot}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise SlotTaken(
            f"Another worker already runs in slot {settings.slot} of {settings.data_dir}. Stop it, "
            "or give this one a slot of its own with PIXELPOP_SLOT."
        ) from None
    try:
        yield
    finally:
        lock.release()
