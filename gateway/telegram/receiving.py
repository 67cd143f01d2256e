"""What Telegram tells, from its door to its effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.operations import metrics
from gateway.telegram.guard import Guard
from gateway.telegram.handlers import HANDLERS
from gateway.telegram.hands import Hands
from gateway.telegram.updates import read_update
from gateway.web.http import Headers
from runtime.postgres.pool import Pool
from runtime.settings import Settings

if TYPE_CHECKING:
    from gateway.deps import Log

DONE: Final = "done"
WITHOUT_EFFECT: Final = "without_effect"
NOT_HANDLED: Final = "not_handled"


class Telegram:
    """Takes updates.

    Args:
        settings: the secret that Telegram shows.
        pool: holds whose accounts people sign in to.
        log: takes what follows from updates.
    """

    def __init__(self, settings: Settings, pool: Pool, log: Log) -> None:
        self.guard = Guard(settings)
        self.hands = Hands(pool, log)

    async def take(self, headers: Headers, body: bytes) -> None:
        """Do what an update asks for; once that is kept, or nothing is to be done, return.

        Args:
            headers: of a request that the guard let in.
            body: all of it.

        Raises:
            Problem: it is no update that can be read.
            PixelpopError: nobody knows whether it is kept; Telegram will send it again.
        """
        update, kind = read_update(headers, body)
        handler = HANDLERS.get(kind)
        if handler is None:
            outcome = NOT_HANDLED
        else:
            outcome = DONE if await handler(self.hands, update) else WITHOUT_EFFECT
        metrics.TELEGRAM_UPDATES.labels(kind, outcome).inc()
