"""`runtime.process`: exit statuses, signals and the ready file, on real processes."""

from __future__ import annotations

import asyncio
import signal
import sys

import msgspec
import pytest

from runtime import process, secrets
from runtime.child import Child
from runtime.errors import StartError
from runtime.process import Ready
from runtime.settings import Settings, to_environment
from runtime.waiting import until

TIMEOUT_SECONDS = 20


@pytest.fixture
def said():
    """Every line that a child has said."""
    return []


@pytest.fixture
async def start(tmp_path, said):
    """Start a fake process of some kind as the supervisor would; stopped after the test."""
    children = []

    async def started(kind, **changes):
        settings = secrets.resolve(Settings(data_dir=tmp_path, embedded=True, **changes))
        child = Child(
            kind,
            [sys.executable, "-m", "tests.fakes.process", kind],
            run_dir=tmp_path / "run",
            environment=to_environment(settings),
            output=lambda name, line: said.append((name, line)),
            stop_timeout_seconds=settings.stop_timeout_seconds,
        )
        children.append(child)
        await child.start()
        return child

    yield started
    await asyncio.gather(*(child.stop() for child in children))


async def test_a_process_says_that_it_is_ready_and_where(start):
    """The supervisor learns pid and port from the process itself."""
    child = await start("good")
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await child.until_ready()
    said = msgspec.json.decode(child.ready_file.read_bytes(), type=Ready)
    assert said == Ready(child.pid, child.port)
    assert child.port > 0


async def test_sigterm_drains_and_ends_with_0(start):
    """A process that is asked to stop does so and reports success."""
    child = await start("good")
    await child.until_ready()
    await child.stop()
    assert await child.wait() == 0
    assert child.pid is None


async def test_its_output_is_forwarded_line_by_line(start, said):
    """What a child prints arrives under its name, also what it printed last."""
    child = await start("good")
    await child.until_ready()
    await child.stop()
    assert ("good", "hello from good in slot 1") in said


async def test_a_process_that_cannot_start_says_why(start):
    """A start error is one sentence and status 78, and the waiting supervisor repeats it."""
    child = await start("refuses")
    with pytest.raises(StartError, match=r"refuses cannot start: The moon is in the wrong phase\."):
        await child.until_ready()
    assert await child.wait() == process.EXIT_CONFIG


async def test_a_crash_is_logged_and_ends_with_1(start, said):
    """A crash leaves a traceback in the log, and status 1."""
    child = await start("crash")
    assert await child.wait() == process.EXIT_CRASH
    assert any("process crashed" in line and "RuntimeError" in line for _, line in said)


async def test_a_process_that_does_not_stop_is_killed(start, said):
    """After the bounded wait comes SIGKILL, and a line that says so."""
    child = await start("stubborn", stop_timeout_seconds=0.2)
    await child.until_ready()
    await child.stop()
    assert await child.wait() == -signal.SIGKILL
    assert ("stubborn", "killed: not done 0.2 s after stop") in said


async def test_a_second_signal_ends_a_process_at_once(start):
    """Who asks twice does not want to wait."""
    child = await start("slow")
    await child.until_ready()
    child._process.send_signal(signal.SIGINT)
    await until(
        lambda: not child.ready_file.exists(), TIMEOUT_SECONDS, what="the first signal's effect"
    )
    child._process.send_signal(signal.SIGINT)
    assert await child.wait() == 128 + signal.SIGINT


async def test_a_leftover_of_an_earlier_start_is_ended(start):
    """A child that a killed supervisor left running is ended before the new one starts."""
    first = await start("good")
    await first.until_ready()
    left = first._process
    second = await start("good")
    await second.until_ready()
    # 255 is asyncio's answer where psutil has heard of the end of our child before it.
    assert await left.wait() in {0, 255}
    assert second.pid not in {None, left.pid}


async def test_somebody_elses_process_is_left_alone(start, tmp_path):
    """A remembered pid that now belongs to another process is not ended."""
    other = await start("other")
    await other.until_ready()
    record = tmp_path / "run" / "good.json"
    record.write_bytes(msgspec.json.encode({"pid": other.pid, "created": 1.0}))
    child = await start("good")
    await child.until_ready()
    assert other.pid is not None


async def test_a_line_of_any_length_gets_through(start, said):
    """A line longer than any buffer is forwarded in pieces, and the process does not block."""
    child = await start("chatty")
    await child.until_ready()

    def forwarded() -> int:
        return sum(line.count("x") for _, line in said)

    # What is less than a buffer, and has no end of line, is forwarded when the process ends.
    await until(lambda: forwarded() > 700_000, 20.0, what="all but the rest of the line")
    await child.stop()
    assert forwarded() == 1_000_000
