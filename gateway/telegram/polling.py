"""`pixelpop telegram poll`: fetches updates and hands them to the gateway as Telegram would.

For development, where Telegram cannot reach the gateway. It is the same door with the same secret,
so nothing behind it differs. An update counts as fetched only when the gateway has taken it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, Final

import httpx
import structlog

from gateway.telegram.guard import HEADER, PATH
from gateway.telegram.setup import allowed_updates
from runtime import process
from runtime.errors import PixelpopError, StartError
from runtime.ps import processes
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

PAUSE_SECONDS: Final = 1.0
"""After something that did not work."""
PAUSE_SECONDS_MAX: Final = 15.0
ANSWER_SECONDS: Final = 30.0
"""How long the gateway may take for one update."""
PAGE_MAX: Final = 100


class NotFetched(PixelpopError):
    """Telegram did not hand out updates."""

    code = "telegram-not-fetched"
    retryable = True


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Fetch and hand on until `stop` is set.

    Raises:
        StartError: there is no token, or no secret that the gateway would believe.
    """
    if not settings.telegram_bot_token:
        raise StartError("TELEGRAM_BOT_TOKEN is not set: there is no bot to fetch updates for.")
    if not settings.telegram_webhook_secret:
        raise StartError(
            "TELEGRAM_WEBHOOK_SECRET is not set: set it for the gateway and here, any text."
        )
    async with httpx.AsyncClient() as client:
        poller = Poller(settings, client)
        process.ready(settings, 0)
        await _until(stop, poller.run())


class Poller:
    """Fetches updates, in order, each until the gateway has taken it.

    Args:
        settings: the bot's token, and the secret that the gateway believes.
        client: makes the calls.
    """

    def __init__(self, settings: Settings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._offset = 0

    async def run(self) -> None:
        """Go on for ever."""
        pause = PAUSE_SECONDS
        while True:
            try:
                for update in await self._fetch():
                    await self._hand_on(update)
                    self._offset = update["update_id"] + 1
            except (NotFetched, httpx.HTTPError) as error:
                _log.warning("no updates were fetched", reason=self._hiding(str(error)))
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_SECONDS_MAX)
            else:
                pause = PAUSE_SECONDS

    async def _fetch(self) -> list[dict[str, Any]]:
        seconds = self._settings.telegram_poll_seconds
        place = "/test" if self._settings.telegram_environment == "test" else ""
        base = self._settings.telegram_api_base.rstrip("/")
        answer = await self._client.post(
            f"{base}/bot{self._settings.telegram_bot_token}{place}/getUpdates",
            json={
                "offset": self._offset,
                "limit": PAGE_MAX,
                "timeout": seconds,
                "allowed_updates": allowed_updates(),
            },
            timeout=seconds + self._settings.telegram_timeout_seconds,
        )
        try:
            body = answer.json()
        except ValueError:
            raise NotFetched(f"Telegram answered {answer.status_code} without JSON.") from None
        if not body.get("ok"):
            # 409: a webhook is set, or somebody else fetches too.
            raise NotFetched(f"Telegram said: {body.get('description')}")
        updates: list[dict[str, Any]] = body["result"]
        return updates

    async def _hand_on(self, update: dict[str, Any]) -> None:
        """Give it to the gateway until that has taken it, or says that it never will."""
        secret = (self._settings.telegram_webhook_secret or "").split(",")[0]
        pause = PAUSE_SECONDS
        while True:
            try:
                answer = await self._client.post(
                    self._gateway() + PATH,
                    json=update,
                    headers={HEADER.decode(): secret},
                    timeout=ANSWER_SECONDS,
                )
            except httpx.HTTPError as error:
                _log.warning("the gateway does not answer", reason=str(error))
            else:
                if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    if answer.status_code >= HTTPStatus.BAD_REQUEST:
                        _log.error(
                            "the gateway refused an update",
                            update_id=update["update_id"],
                            status=answer.status_code,
                        )
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    def _gateway(self) -> str:
        """Where the gateway answers: as the `up` of this data directory says, or as it is set."""
        rows = processes(self._settings.data_dir)
        ports = [row.port for row in rows if row.name == "gateway" and row.port]
        return f"http://127.0.0.1:{ports[0] if ports else self._settings.port}"

    def _hiding(self, text: str) -> str:
        return text.replace(self._settings.telegram_bot_token or "\x00", "(hidden)")


async def _until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    """Do something until `stop` is set."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        working.result()
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working
