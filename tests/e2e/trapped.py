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
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
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


class Traps(MetaPathFinder):
    """Puts a trap in the place of every client that has effects, in each module once it is loaded.

    So a process loads no more than it would without traps.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """That of a module in which something is trapped."""
        if fullname not in TRAPPED:
            return None
        spec = PathFinder.find_spec(fullname, path)
        assert spec is not None, f"there is no {fullname} any more"
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_and_trap(module: ModuleType) -> None:
            load(module)
            TRAPPED[fullname](module)

        spec.loader.exec_module = load_and_trap  # type: ignore[method-assign]  # of this one
        return spec


def _appends(module: ModuleType) -> None:
    from events.topics import LIVE
    from runtime.kafka.clock import TICK

    append = module.LogProducer.append

    async def trapped(self: Any, topic: str, outgoing: Any, **rest: Any) -> Any:
        if topic == LIVE and outgoing == TICK:  # asks for the time
            return await append(self, topic, outgoing, **rest)
        _spring(f"append to {topic}", (outgoing.key or b"").decode())

    async def trapped_batch(_self: Any, topic: str, _partition: int, records: Any) -> Any:
        if records:
            _spring(f"append to {topic}", b" ".join(one.key or b"" for one in records).decode())

    module.LogProducer.append = trapped
    module.LogProducer.append_batch = trapped_batch


def _objects(module: ModuleType) -> None:
    def guard(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def trapped(self: Any, key: str, *rest: Any) -> Any:
            if key.startswith(OWN_STATE):
                return await method(self, key, *rest)
            _spring(f"object {name}", key)

        return trapped

    for name in ("put_if_absent", "delete", "delete_prefix"):
        setattr(module.S3Objects, name, guard(name, getattr(module.S3Objects, name)))


def _provider(module: ModuleType) -> None:
    for _, kind in inspect.getmembers(module, inspect.isclass):
        if kind.__module__ == module.__name__ and hasattr(kind, "generate"):
            for name in ("generate", "resume"):
                setattr(kind, name, _never(f"{module.__name__}.{name}"))


def _telegram(module: ModuleType) -> None:
    call = module.TelegramBot.call

    async def trapped(self: Any, method: Any, **rest: Any) -> Any:
        if method.__api_method__.startswith(READS):
            return await call(self, method, **rest)
        _spring("Telegram", method.__api_method__)

    module.TelegramBot.call = trapped


def _whole(kind: str) -> Callable[[ModuleType], None]:
    """Every public call of a class."""

    def trap(module: ModuleType) -> None:
        client = getattr(module, kind)
        for name, method in inspect.getmembers(client, inspect.iscoroutinefunction):
            if not name.startswith(("_", "stop", "close")):
                assert method.__qualname__.startswith(kind)
                setattr(client, name, _never(f"{kind}.{name}"))

    return trap


def _never(call: str) -> Callable[..., Any]:
    async def trapped(*_: Any, **__: Any) -> Any:
        _spring(call, "")

    return trapped


PROVIDERS = ("bedrock", "comfyui", "diffusers", "fal", "local", "openai", "replicate")
TRAPPED: dict[str, Callable[[ModuleType], None]] = {
    "runtime.kafka.producer": _appends,
    "runtime.objects.s3": _objects,
    **{f"processors.providers.{name}": _provider for name in PROVIDERS},
    "runtime.outbound.client": _whole("GuardedClient"),
    "runtime.stripe.api": _whole("Stripe"),
    "runtime.telegram.api": _telegram,
}


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
    loaded = TRAPPED.keys() & sys.modules.keys()
    assert not loaded, f"too late to trap {loaded}"
    sys.meta_path.insert(0, Traps())
    sys.exit(pixelpop.execute(sys.argv[1:]))
