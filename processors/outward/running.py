"""Runs a process that follows the log by Faust and tells what it finds to the outside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog
import uvloop

from events.topics import EVENTS
from processors.outward.planning import Told
from processors.worker import slot
from processors.worker.agent import attach
from processors.worker.app import make_app
from processors.worker.gaps import open_gaps
from processors.worker.intake import Intake
from processors.worker.running import until_stopped
from processors.worker.watchdog import Watchdog
from processors.worker.work import Delivery
from runtime import process
from runtime.settings import Settings
from runtime.telemetry import metrics

_log = structlog.get_logger(__name__)


def in_slot(
    settings: Settings,
    role: str,
    libraries: Sequence[str],
    main: Callable[[Settings], Coroutine[Any, Any, int]],
) -> int:
    """Run `main` as this machine's process of that role and slot; returns the exit status.

    Args:
        settings: name the slot.
        role: the process.
        libraries: are kept to warnings at every level.
        main: what runs.

    Raises:
        StartError: it cannot start as configured, or the slot is taken.
    """
    for name in libraries:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    with (
        slot.hold(settings, role),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(main(settings))


async def follow(
    settings: Settings,
    role: str,
    group: str,
    perform: Callable[[Told, Delivery], Coroutine[Any, Any, None]],
    working: Sequence[Callable[[], Coroutine[Any, Any, None]]],
    stop_sending: Callable[[], Awaitable[None]],
) -> int:
    """Follow the log until asked to stop; returns the exit status.

    Args:
        settings: the bounds.
        role: the process.
        group: the consumer group that spreads the log over the processes of a role.
        perform: is called with each record.
        working: runs beside it, for ever; where one ends by itself, the process does.
        stop_sending: called at the end, when no record is read any more; the others are cancelled.
    """
    stop = asyncio.Event()
    process.handle_signals(stop)
    async with open_gaps(settings, group) as gaps:
        intake = Intake(
            Told,
            perform,
            gaps.check,
            jobs_max=settings.worker_jobs,
            window_max=settings.worker_window_records,
        )
        app = make_app(settings, group, role=role)
        attach(app, intake, EVENTS, role)
        door = metrics.serve("127.0.0.1", settings.metrics_port)
        tasks = [asyncio.create_task(one()) for one in working]
        for task in tasks:
            task.add_done_callback(lambda _: stop.set())
        try:
            with Watchdog(app, intake, stuck_seconds=settings.worker_stuck_seconds):
                status = await until_stopped(settings, app, intake, stop, door.port)
            return process.EXIT_CRASH if any(_failed(task) for task in tasks) else status
        finally:
            await stop_sending()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            door.stop()


def _failed(task: asyncio.Task[None]) -> bool:
    """Whether this ended by itself, which it never should."""
    if not task.done():
        return False
    _log.error("a part ended by itself", exc_info=task.exception())
    return True
