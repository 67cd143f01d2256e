"""A client and a webhook without any manners, for tests of the double itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import aiohttp
from aiohttp import web
from PIL import Image

from tests.fakes.telegram.server import Telegram


class Api:
    """A client without any manners: it shows what the double says."""

    def __init__(self, telegram: Telegram, session: aiohttp.ClientSession) -> None:
        self.telegram = telegram
        self.session = session

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        url = f"{self.telegram.base_url}/bot{self.telegram.token}/{method}"
        async with self.session.post(url, json=arguments) as answer:
            body: dict[str, Any] = await answer.json()
            assert answer.status == (200 if body["ok"] else body["error_code"])
            return body

    async def ok(self, method: str, **arguments: Any) -> Any:
        body = await self.call(method, **arguments)
        assert body["ok"], body
        return body["result"]

    async def refused(self, method: str, **arguments: Any) -> str:
        body = await self.call(method, **arguments)
        assert not body["ok"], body
        description: str = body["description"]
        return description


def picture(width: int = 8, height: int = 8) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


class Bot:
    """A webhook that answers pre-checkouts and takes the rest; `statuses` is what it says first."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.updates: list[dict[str, Any]] = []
        self.secrets: list[str] = []
        self.statuses: list[int] = []
        self.replies: list[dict[str, Any]] = []
        app = web.Application()
        app.router.add_post("/hook", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        self.url = ""

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        await self.api.ok("setWebhook", url=self.url, secret_token="s3cret")

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        update = await request.json()
        self.updates.append(update)
        if self.statuses:
            return web.Response(status=self.statuses.pop(0))
        if "pre_checkout_query" in update:
            query = update["pre_checkout_query"]["id"]
            await self.api.call("answerPreCheckoutQuery", pre_checkout_query_id=query, ok=True)
        return web.json_response(self.replies.pop(0)) if self.replies else web.Response()

    def of(self, kind: str) -> list[Any]:
        return [one["message"][kind] for one in self.updates if kind in one.get("message", {})]
