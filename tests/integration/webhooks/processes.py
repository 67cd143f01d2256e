"""The process `pixelpop webhooks`, as tests run it."""

from __future__ import annotations

import uuid
from contextlib import AbstractAsyncContextManager
from typing import Any

from runtime.settings import Settings
from tests.integration.forking import Forked
from tests.integration.processes import new_group, running


def webhooks(
    settings: Settings, database_url: str, **changes: Any
) -> AbstractAsyncContextManager[Forked]:
    """Run the process inside."""
    values = {
        "slot": f"w{uuid.uuid4().hex[:8]}",
        "webhook_group": new_group(),
        "webhook_allowed_networks": "127.0.0.0/8",
        "webhook_poll_seconds": 0.1,
        "worker_commit_seconds": 0.2,
        "kafka_session_timeout_seconds": 6.0,
        "database_url": database_url,
    }
    return running("webhooks", "processors.webhooks.main", settings, **(values | changes))
