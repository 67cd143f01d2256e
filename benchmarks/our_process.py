"""One process of ours as it is shipped, or with the object store replaced by its fake.

`python -m benchmarks.our_process gateway|decider|projector|worker [--memory-objects]`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime import objects, process
from runtime.objects import MemoryObjects
from runtime.settings import Settings

MAINS = {
    "gateway": ("gateway.main", "main"),
    "decider": ("processors.decider.main", "main"),
    "projector": ("projections.main", "main"),
    "worker": ("processors.worker.main", "run"),
}


@asynccontextmanager
async def _in_memory(settings: Settings) -> AsyncIterator[MemoryObjects]:
    del settings
    yield MemoryObjects()


def main(name: str, *, memory_objects: bool) -> int:
    """Run the process; returns its exit status."""
    if memory_objects:  # before the process' own modules take the name
        objects.open_objects = _in_memory  # type: ignore[assignment]
    module, function = MAINS[name]
    entry = getattr(importlib.import_module(module), function)
    if name == "worker":
        return process.run_blocking(name, entry)
    return process.run(name, entry)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], memory_objects="--memory-objects" in sys.argv))
