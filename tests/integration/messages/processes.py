"""The process `pixelpop messages`, as tests run it."""

from __future__ import annotations

import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

from runtime.settings import Settings
from tests.fakes.telegram.server import Telegram
from tests.integration.forking import Forked
from tests.integration.processes import running


def messages(
    settings: Settings, database_url: str, telegram: Telegram, **changes: Any
) -> AbstractAsyncContextManager[Forked]:
    """Run the process inside."""
    values = {
        "slot": f"m{uuid.uuid4().hex[:8]}",
        "telegram_api_base": telegram.base_url,
        "telegram_bot_token": telegram.token,
        "messages_poll_seconds": 0.1,
        "worker_commit_seconds": 0.2,
        "kafka_session_timeout_seconds": 6.0,
        "database_url": database_url,
    }
    return running("messages", "processors.messages.main", settings, **(values | changes))
