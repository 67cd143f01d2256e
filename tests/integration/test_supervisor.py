"""`pixelpop up` around fake processes: restarts, one per data directory, an end without remains."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT

import msgspec
import psutil
import pytest
import pytest_asyncio

from runtime import probe, registry
from runtime.ports import free_port
from runtime.settings import to_environment, variables
from runtime.waiting import until
from tests import servers as test_servers

TIMEOUT_SECONDS = 90
CHILDREN = {
    *("gateway", "decider", "worker", "worker-2", "projector", "eraser", "webhooks", "messages"),
    *("auditor", "telegram-poll"),  # the settings name a bot, and no address that Telegram reaches
}
SERVERS = {"kafka", "postgres", "s3"}


class Running:
    """One `pixelpop up` with fake processes, as somebody at a terminal has it."""

    def __init__(self, process, data_dir):
        self.process = process
        self.data_dir = data_dir
        self.lines = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())

    def entries(self):
        return registry.read(self.data_dir)

    async def ready(self):
        await until(
            lambda: (
                any(line.startswith("Pixelpop is ready") for line in self.lines)
                or self.process.returncode is not None
            ),
            TIMEOUT_SECONDS,
            what="`up` to be ready",
        )
        assert self.process.returncode is None, self.lines
        return self

    async def end(self):
        """The exit status, after everything it had to say."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            status = await self.process.wait()
            await self._reading
        return status

    async def restarted(self, name, restarts=1):
        """The entry of a process that came back."""

        def back():
            entry = self.entries().get(name)
            known = entry and entry.pid and entry.port
            return entry if known and entry.restarts >= restarts else None

        return await until(back, TIMEOUT_SECONDS, what=f"{name} to come back")


class Starting:
    """Starts `up` in one data directory; what still runs is ended at last."""

    def __init__(self, data_dir):
        self._data_dir = data_dir
        self._started = []
        ours = {variable for variable, _, _ in variables()}
        self._inherited = {name: value for name, value in os.environ.items() if name not in ours}

    async def __call__(self, settings, *arguments):
        own = msgspec.structs.replace(
            settings, data_dir=self._data_dir, port=settings.port or free_port()
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "tests.fakes.up", *arguments),
            env={**self._inherited, **to_environment(own)},
            stdout=PIPE,
            stderr=STDOUT,
        )
        running = Running(process, own.data_dir)
        self._started.append(running)
        return running

    async def end(self):
        """End all of them."""
        for running in self._started:
            if running.process.returncode is None:
                running.process.terminate()
            await running.end()


@pytest.fixture
async def up(tmp_path):
    """Start `up` with these settings; it is ended after the test."""
    starting = Starting(tmp_path / "data")
    yield starting
    await starting.end()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outside(servers, template_url):
    """Settings with every server outside: those of the test session; and a bot whose updates are
    fetched, from where nobody answers.
    """
    database = await test_servers.fresh_database(servers.database_url)
    yield msgspec.structs.replace(
        servers,
        database_url=database.owner_url,
        port=0,
        embedded=False,
        telegram_poll=True,
        telegram_api_base="http://127.0.0.1:9",
    )
    await test_servers.drop_database(servers.database_url, database)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def together(outside, tmp_path_factory):
    """How to start `up` in a data directory that tests share, and one that runs there."""
    starting = Starting(tmp_path_factory.mktemp("together") / "data")
    yield starting, await (await starting(outside)).ready()
    await starting.end()


def alive(pids):
    """Those of them that still run."""
    return {
        pid
        for pid in pids
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    }


async def test_a_killed_process_comes_back(together):
    """A process killed with -9 is started again, counted, and the others stay as they are."""
    _, running = together
    before = running.entries()
    assert set(before) == CHILDREN
    os.kill(before["worker-2"].pid, signal.SIGKILL)
    back = await running.restarted("worker-2")
    assert back.pid != before["worker-2"].pid
    assert alive({back.pid}) == {back.pid}
    after = running.entries()
    assert {name: after[name] for name in CHILDREN - {"worker-2"}} == {
        name: before[name] for name in CHILDREN - {"worker-2"}
    }


async def test_the_gateway_comes_back_on_its_port(together):
    """A killed gateway answers again where people expect it."""
    _, running = together
    gateway = running.entries()["gateway"]
    os.kill(gateway.pid, signal.SIGKILL)
    assert (await running.restarted("gateway")).port == gateway.port
    assert (await probe.get(gateway.port, "/readyz")).status == 200


async def test_a_second_up_names_the_first(together, outside):
    """A data directory has one `up`; the second is told which, and changes nothing."""
    up, first = together
    before = first.entries()
    second = await up(outside)
    assert await second.end() == 78
    assert any(
        f"is in use by `pixelpop up` with process id {first.process.pid}" in line
        for line in second.lines
    )
    assert first.entries() == before


async def test_sigterm_stops_in_order_and_leaves_nothing(together):
    """SIGTERM stops the front door first, says what it waits for, and no process is left."""
    _, running = together
    pids = {entry.pid for entry in running.entries().values()}
    running.process.terminate()
    assert await running.end() == 0
    stops = [line for line in running.lines if line.startswith("Stopping")]
    assert stops == [
        "Stopping telegram-poll",
        "Stopping gateway",
        "Stopping worker, worker-2",
        "Stopping webhooks",
        "Stopping messages",
        "Stopping auditor",
        "Stopping decider",
        "Stopping eraser",
        "Stopping projector",
    ]
    assert alive(pids) == set()
    assert not (running.data_dir / "processes.json").exists()


async def test_a_stubborn_process_is_killed_in_the_end(up, outside):
    """A process that ignores SIGTERM delays the stop by the configured time and no more."""
    running = await up(msgspec.structs.replace(outside, stop_timeout_seconds=0.5), "stubborn")
    await running.ready()
    pids = {entry.pid for entry in running.entries().values()}
    running.process.terminate()
    assert await running.end() == 0
    assert any("worker" in line and "killed: not done 0.5 s" in line for line in running.lines)
    assert alive(pids) == set()


async def test_a_port_in_use_is_named(up, outside):
    """With the gateway's port taken nothing is started, and the variable is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = await up(msgspec.structs.replace(outside, port=taken.getsockname()[1]))
        assert await running.end() == 78
    assert any("(PIXELPOP_PORT) is in use by process" in line for line in running.lines)


async def test_a_process_that_cannot_start_stops_all(up, outside):
    """A process that refuses its configuration ends `up` with that process's own sentence."""
    running = await up(outside, "refuses")
    assert await running.end() == 78
    assert any("cannot start: The moon is in the wrong phase." in line for line in running.lines)
    assert registry.read(running.data_dir) == {}


async def test_a_missing_secret_stops_before_anything_starts(up, outside):
    """With outside servers a missing secret is named, and no process has been started."""
    running = await up(msgspec.structs.replace(outside, jwt_secret=None))
    assert await running.end() == 78
    assert any("JWT_SECRET must be set" in line for line in running.lines)
    assert not any("ready" in line for line in running.lines)


async def test_kill_9_leaves_nothing_and_data_survives(up, servers):
    """When `up` itself is killed, processes and servers go with it; the next one finds the data.

    With servers of its own: they come back on their ports when one of them is killed, too.
    """
    embedded = msgspec.structs.replace(
        servers,
        **dict.fromkeys(("database_url", "kafka_bootstrap_servers", "s3_endpoint_url")),
        **dict.fromkeys(("s3_access_key_id", "s3_secret_access_key")),
        **dict.fromkeys(("jwt_secret", "master_key", "telegram_bot_token")),
        port=free_port(),
        embedded=False,
    )
    first = await (await up(embedded)).ready()
    entries = first.entries()
    own = CHILDREN - {"telegram-poll"}  # the token is made up: nobody's bot
    assert set(entries) == own | SERVERS
    os.kill(entries["kafka"].pid, signal.SIGKILL)
    assert (await first.restarted("kafka")).port == entries["kafka"].port
    secrets_before = (first.data_dir / "secrets.json").read_bytes()
    pids = {entry.pid for entry in first.entries().values()}
    first.process.kill()
    await first.end()
    await until(lambda: not alive(pids), TIMEOUT_SECONDS, what="everything to end")
    second = await (await up(embedded)).ready()
    assert {name: second.entries()[name].port for name in SERVERS} == {
        name: entries[name].port for name in SERVERS
    }
    assert (second.data_dir / "secrets.json").read_bytes() == secrets_before
