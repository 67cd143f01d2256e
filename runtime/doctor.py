"""`pixelpop doctor`: looks at everything that a start needs, changes nothing, says what to do."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence

from rich.console import Console
from rich.text import Text

from runtime import diagnosis
from runtime.diagnosis import Check, Scene
from runtime.errors import PixelpopError, SettingsError
from runtime.preparing import Plan
from runtime.settings import load

CHECK_TIMEOUT_SECONDS = 15.0
PYTHON_MIN = (3, 11)

Look = Callable[[Scene], Awaitable[list[Check]] | list[Check]]


async def diagnose(plan: Plan, more: Sequence[tuple[str, Look]] = ()) -> list[Check]:
    """Every check, in the order in which a person would mend things; then those above this kit."""
    checks = [_python()]
    try:
        settings = load()
    except SettingsError as error:
        return [
            *checks,
            Check("settings", "fail", str(error), "Correct it in .env or in the shell"),
        ]
    checks.append(Check("settings", "ok", "all known and within bounds"))
    scene = diagnosis.look_around(settings, plan)
    looks: list[tuple[str, Look]] = [
        ("secrets", diagnosis.secrets_kept),
        ("programs", diagnosis.programs),
        ("disk", diagnosis.disk),
        ("processes", diagnosis.processes),
        ("port", diagnosis.front_door),
        ("kafka", diagnosis.kafka),
        ("postgres", diagnosis.postgres),
        ("storage", diagnosis.storage),
        *more,
    ]
    for name, look in looks:
        checks.extend(await _ask(name, look, scene))
    return checks


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_MIN:
        return Check("python", "fail", f"{version} is too old", "Install Python 3.11 or newer")
    return Check("python", "ok", version)


async def _ask(name: str, look: Look, scene: Scene) -> list[Check]:
    """One check; what goes wrong inside is its answer."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            answer = look(scene)
            return answer if isinstance(answer, list) else await answer
    except PixelpopError as error:
        return [Check(name, "fail", str(error))]
    except TimeoutError:
        said = f"no answer in {CHECK_TIMEOUT_SECONDS:g} s"
        return [Check(name, "fail", said, "Look whether it runs and can be reached")]
    except Exception as error:  # noqa: BLE001  a doctor reports what it cannot explain
        return [Check(name, "fail", f"{type(error).__name__}: {error}")]


STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def show(checks: list[Check]) -> None:
    """Print a line for each check, and what to do about it."""
    console = Console(soft_wrap=True, highlight=False)
    for check in checks:
        line = Text.assemble((f"{check.state:<5}", STYLES[check.state]), f"{check.name:<10} ")
        console.print(line.append(check.said))
        if check.todo:
            console.print(Text(f"{'':<16}→ {check.todo}", style="dim"))
    failed = sum(check.state == "fail" for check in checks)
    console.print(
        f"{failed} of {len(checks)} checks failed" if failed else "Nothing stands in the way"
    )
