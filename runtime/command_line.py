"""What every command of `pixelpop` has in common: exit statuses, settings, printing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import msgspec
from cyclopts import App, CycloptsError, Parameter

from runtime.errors import PixelpopError, StartError
from runtime.process import EXIT_CONFIG
from runtime.settings import Settings, load

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

Result = TypeVar("Result")

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON, for scripts.")]


def execute(app: App, arguments: list[str]) -> int:
    """Run one command; returns the exit status."""
    try:
        status = app(arguments, exit_on_error=False, print_error=True)
    except CycloptsError:
        return EXIT_USAGE
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    except PixelpopError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else 0


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a command's asynchronous work."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def print_json(value: object) -> None:
    """Print a value for scripts."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def report_problems(problems: list[str], otherwise: str) -> int:
    """Print what is wrong, a line each, and fail; or print `otherwise`."""
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if problems:
        return EXIT_FAILED
    sys.stdout.write(f"{otherwise}\n")
    return 0


def attached() -> Settings:
    """Settings with every server: the configured ones, or those of the `up` that runs here.

    Raises:
        StartError: there are none.
    """
    from runtime import secrets
    from runtime.embedded.servers import attach
    from runtime.telemetry import logs

    settings = load()
    logs.configure(settings, "command")
    return secrets.resolve(attach(settings))


def with_secrets() -> Settings:
    """Settings with every secret; no server is needed."""
    from runtime import secrets
    from runtime.embedded.servers import is_embedded

    settings = load()
    return secrets.resolve(msgspec.structs.replace(settings, embedded=is_embedded(settings)))
