"""The chaos run in short, against a real `pixelpop up`; `make chaos` is the long form."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
SECONDS_MAX = 240


@pytest.mark.timeout(SECONDS_MAX + 30)
async def test_nothing_is_lost_or_paid_twice_when_processes_are_killed() -> None:
    """Eight kills and pauses under load leave every promise kept, every credit accounted for, and
    every charge of an image API that fails one call in five on the books.
    """
    command = [sys.executable, "-m", "tests.chaos", "--quick", "--seed", "18"]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            output, _ = await process.communicate()
    except BaseException:
        process.terminate()
        await process.wait()
        raise
    assert process.returncode == 0, output.decode(errors="replace")
