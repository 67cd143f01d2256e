"""The process `pixelpop messages`, as tests run it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from runtime.settings import Settings, to_environment
from runtime.waiting import until
from tests.fakes.telegram.server import Telegram

START = (
    "import sys; from runtime import process; from processors.messages.main import run; "
    "sys.exit(process.run_blocking('messages', run))"
)


@contextlib.asynccontextmanager
async def messages(
    settings: Settings, database_url: str, telegram: Telegram, **changes: Any
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the process inside; it is killed at the end if it still runs."""
    changes = {
        "slot": f"m{uuid.uuid4().hex[:8]}",
        "telegram_api_base": telegram.base_url,
        "telegram_bot_token": telegram.token,
        **changes,
    }
    settings = msgspec.structs.replace(
        settings,
        database_url=database_url,
        ready_file=settings.data_dir / "run" / f"{changes['slot']}.ready",
        messages_poll_seconds=0.1,
        worker_commit_seconds=0.2,
        kafka_session_timeout_seconds=6.0,
        **changes,
    )
    assert settings.ready_file is not None
    settings.ready_file.unlink(missing_ok=True)
    environment = {**os.environ, **to_environment(settings)}
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", START, env=environment)
    try:

        def is_ready() -> bool:
            assert process.returncode is None, f"the process ended: {process.returncode}"
            assert settings.ready_file is not None
            return settings.ready_file.exists()

        await until(is_ready, 60, what="the senders of messages to be ready")
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
