"""What the commands of this folder share: run in a folder of its own, say what came of it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import uvloop

from tests.chaos.run import Outcome, Report

Run = Callable[[Path, Report], Awaitable[Outcome]]


def carry_out(run: Run, summarize: Callable[[Outcome], str], *, keep: bool) -> int:
    """Run it and print the summary; returns the exit status.

    Args:
        run: by the folder for its data and where it reports to.
        summarize: of what it ended with.
        keep: whether the folder stays even if all is well.
    """
    folder = Path(tempfile.mkdtemp(prefix="pixelpop-chaos-"))
    # Stand-ins' requests end when their senders are killed; that is no news here.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    began = time.monotonic()
    # Asked to end, it still stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(_awaited(run(folder, say)))
    say(summarize(outcome))
    say(f"took {time.monotonic() - began:.0f} s")
    if outcome.problems or keep:
        _write_down(outcome)
    if outcome.problems:
        say(f"{outcome.tail}\n\nall logs and data: {folder}")
        return 1
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


async def _awaited(outcome: Awaitable[Outcome]) -> Outcome:
    return await outcome


def _write_down(outcome: Outcome) -> None:
    """What a diagnosis needs beside the logs; times are seconds since 1970."""
    told = {
        "problems": outcome.problems,
        "faults": [fault._asdict() for fault in outcome.faults.done],
        "resumed": [one._asdict() for one in outcome.resumed],
        "calls": outcome.evidence.calls,
    }
    content = msgspec.json.format(msgspec.json.encode(told), indent=1)
    (outcome.folder / "run.json").write_bytes(content)


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
