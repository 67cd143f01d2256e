"""`pixelpop up` in which whatever has an effect outside of our own database is a trap.

`python -m tests.e2e.trapped up` runs every process with the log from its beginning: deciders
without snapshots, cursors of readers forgotten. A process that appends, stores, deletes, calls a
provider, Telegram, Stripe or a customer's server writes that into the file that `TRAP_FILE` names,
and is refused. Reading is none of that.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from rich.console import Console

import pixelpop
from runtime import process
from runtime.errors import PixelpopError
from runtime.settings import Settings
from runtime.up import Up

TRAP_FILE = "TRAP_FILE"
OWN_STATE = "snapshots/"
"""Objects in which a decider keeps what it has folded: nobody else's."""
READS = ("get",)
"""How the names of calls begin that change nothing."""


class Sprung(msgspec.Struct, frozen=True):
    """One call that should not have been made."""

    process: str
    call: str
    about: str


class Trapped(PixelpopError):
    """It was not done."""

    code = "trapped"


def read(file: Path) -> list[Sprung]:
    """What was called."""
    lines = file.read_text().splitlines() if file.exists() else []
    return [msgspec.json.decode(line, type=Sprung) for line in lines]


def _spring(call: str, about: str) -> NoReturn:
    sprung = Sprung(sys.argv[1], call, about)
    with Path(os.environ[TRAP_FILE]).open("ab") as out:
        out.write(msgspec.json.encode(sprung) + b"\n")
    raise Trapped(f"{call} of {about}")


def set_traps() -> None:
    """Put a trap in the place of every client that has effects."""
    _appends()
    _objects()
    _providers()
    _calls()


def _appends() -> None:
    from events.topics import LIVE
    from runtime.kafka.clock import TICK
    from runtime.kafka.producer import LogProducer

    append = LogProducer.append

    async def trapped(self: Any, topic: str, outgoing: Any, **rest: Any) -> Any:
        if topic == LIVE and outgoing == TICK:  # asks for the time
            return await append(self, topic, outgoing, **rest)
        _spring(f"append to {topic}", (outgoing.key or b"").decode())

    async def trapped_batch(_self: Any, topic: str, _partition: int, records: Any) -> Any:
        if records:
            _spring(f"append to {topic}", b" ".join(one.key or b"" for one in records).decode())

    LogProducer.append = trapped  # type: ignore[method-assign]  # that is the point
    LogProducer.append_batch = trapped_batch  # type: ignore[method-assign]  # as above


def _objects() -> None:
    from runtime.objects.s3 import S3Objects

    def guard(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def trapped(self: Any, key: str, *rest: Any) -> Any:
            if key.startswith(OWN_STATE):
                return await method(self, key, *rest)
            _spring(f"object {name}", key)

        return trapped

    for name in ("put_if_absent", "delete", "delete_prefix"):
        setattr(S3Objects, name, guard(name, getattr(S3Objects, name)))


def _providers() -> None:
    from processors.providers import bedrock, comfyui, diffusers, fal, local, openai, replicate

    for module in (bedrock, comfyui, diffusers, fal, local, openai, replicate):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and hasattr(kind, "generate"):
                for name in ("generate", "resume"):
                    setattr(kind, name, _never(f"{module.__name__}.{name}"))


def _calls() -> None:
    from runtime.outbound.client import GuardedClient
    from runtime.stripe.api import Stripe
    from runtime.telegram.api import TelegramBot

    call = TelegramBot.call

    async def trapped(self: Any, method: Any, **rest: Any) -> Any:
        if method.__api_method__.startswith(READS):
            return await call(self, method, **rest)
        _spring("Telegram", method.__api_method__)

    TelegramBot.call = trapped  # type: ignore[method-assign]  # that is the point
    for kind in (GuardedClient, Stripe):
        for name, method in inspect.getmembers(kind, inspect.iscoroutinefunction):
            if not name.startswith(("_", "stop", "close")):
                assert method.__qualname__.startswith(kind.__name__)
                setattr(kind, name, _never(f"{kind.__name__}.{name}"))


def _never(call: str) -> Callable[..., Any]:
    async def trapped(*_: Any, **__: Any) -> Any:
        _spring(call, "")

    return trapped


async def _up(settings: Settings, stop: Any) -> None:
    from runtime import up

    prepare = up.prepare

    async def forgetting(ready: Settings, *arguments: Any, **rest: Any) -> Any:
        urls = await prepare(ready, *arguments, **rest)
        await _forget(ready)
        return urls

    up.prepare = forgetting
    command = [sys.executable, "-m", "tests.e2e.trapped"]
    plan = pixelpop._plan()
    running = Up(settings, plan, {}, console=Console(), command=lambda name: [*command, name])
    await running.run(stop)


async def _forget(settings: Settings) -> None:
    """Let every reader that keeps its own place begin anew."""
    import asyncpg

    from runtime.objects import open_objects

    async with open_objects(settings) as objects:
        await objects.delete_prefix(OWN_STATE)
    connection = await asyncpg.connect(settings.database_url)
    try:
        tables = await connection.fetch(
            "SELECT tablename AS name FROM pg_tables"
            r" WHERE schemaname = 'public' AND tablename LIKE '%\_cursors'"
        )
        assert tables, "nobody keeps cursors any more?"
        for table in tables:
            await connection.execute(f"DELETE FROM {table['name']}")
    finally:
        await connection.close()


if __name__ == "__main__":
    if sys.argv[1] == "up":
        sys.exit(process.run("up", _up, resolve=False))
    set_traps()
    sys.exit(pixelpop.execute(sys.argv[1:]))
