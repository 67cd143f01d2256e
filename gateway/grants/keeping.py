"""What has to be done about grants without anybody asking: turn after turn, in every gateway.

Each turn may be taken by several at once and repeated after a crash anywhere: PostgreSQL decides
once, and what the log is told twice counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import asyncpg
import structlog

from gateway.operations.metrics import GRANTS_FAILED, GRANTS_TOLD
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

Turn = Callable[[], Awaitable[int]]
"""Does what is due and returns how much of it the log was told."""
_MISSING = (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError)
"""The read models are not there yet, or being replaced."""


async def keep(turns: Mapping[str, Turn], every_seconds: float) -> None:
    """Take turns for ever; one that fails is taken again, and keeps no other.

    Args:
        turns: by what they are about.
        every_seconds: how long to wait between them.
    """
    while True:
        await asyncio.sleep(every_seconds)
        for about, turn in turns.items():
            try:
                GRANTS_TOLD.labels(about).inc(await turn())
            except (PixelpopError, *_MISSING) as error:
                GRANTS_FAILED.labels(about).inc()
                _log.warning("grants are looked after later", about=about, error=str(error))
            except Exception:  # noqa: BLE001  what nobody thought of must not end it for good
                GRANTS_FAILED.labels(about).inc()
                _log.exception("grants are looked after later", about=about)
