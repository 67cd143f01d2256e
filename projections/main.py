"""The projector: keeps every read schema that this code can fill up to date."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial

import structlog

from events.topics import EVENTS
from projections import schema
from projections.following import follow
from projections.schema import Version
from runtime.postgres.errors import DatabaseUnavailable
from runtime.postgres.pool import Pool, assert_least_privilege, open_pool
from runtime.process import ready
from runtime.settings import Settings
from runtime.telemetry import metrics

_log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
"""How often to look which schemas exist: a rebuild adds one, `--drop-old` takes one away."""


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Run until `stop` is set.

    Raises:
        StartError: as `run`, or the metrics' address cannot be used.
    """
    door = metrics.serve(settings.host, settings.metrics_port)
    try:
        await run(settings, stop, started=partial(ready, settings, door.port))
    finally:
        door.stop()


async def run(
    settings: Settings,
    stop: asyncio.Event,
    *,
    topic: str = EVENTS,
    started: Callable[[], None] = lambda: None,
) -> None:
    """Keep the schemas up to date until `stop` is set; `started` is called once that begins.

    Raises:
        StartError: wrong database role, or no schema that this version of the code can fill.
        CursorMismatch, CursorLost: the tables do not belong to this log.
    """
    pool = await open_pool(settings, application_name=f"pixelpop projector {settings.slot}")
    followers: dict[str, asyncio.Task[None]] = {}
    try:
        await assert_least_privilege(pool, may_own_tables=True)
        versions = await schema.ensure(pool)
        started()
        while not stop.is_set():
            await _adjust(settings, pool, followers, versions, topic)
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait(
                {waiting, *followers.values()},
                timeout=LOOK_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            waiting.cancel()
            versions = await _look(pool, versions)
            await _raise_failed(followers, versions)
    finally:
        await _end(list(followers.values()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.database_connect_timeout_seconds):
                await pool.close()


async def _look(pool: Pool, known: list[Version]) -> list[Version]:
    try:
        return await schema.existing(pool)
    except DatabaseUnavailable as error:
        _log.warning("cannot look which schemas exist", error=str(error))
        return known


async def _adjust(
    settings: Settings,
    pool: Pool,
    followers: dict[str, asyncio.Task[None]],
    versions: list[Version],
    topic: str,
) -> None:
    wanted = {v.uid: v for v in versions if v.is_ours and v.state != "filling"}
    gone = [followers.pop(uid) for uid in followers.keys() - wanted.keys()]
    await _end(gone)
    for uid in wanted.keys() - followers.keys():
        _log.info("following", schema=wanted[uid].schema, state=wanted[uid].state)
        followers[uid] = asyncio.create_task(follow(settings, pool, wanted[uid], topic=topic))


async def _raise_failed(followers: dict[str, asyncio.Task[None]], versions: list[Version]) -> None:
    """End with the error of a follower, unless its schema is gone by now."""
    exist = {version.uid for version in versions}
    for uid, task in list(followers.items()):
        if task.done():
            del followers[uid]
            if uid in exist:
                await task
            else:  # its tables were dropped under it: said, not raised
                await _end([task])


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            _log.warning("follower ended with an error", error=repr(result))
