"""Where Telegram tells what happens in the bot's chats: `POST /telegram/webhook`."""

from __future__ import annotations

from typing import Any

from litestar import Request, post
from litestar.types import ASGIApp

from gateway.api.contract import contract
from gateway.telegram.guard import PATH
from gateway.telegram.updates import Update
from gateway.web.http import read_body
from gateway.web.replies import deps_of, nothing


@post(
    PATH,
    status_code=200,
    opt=contract(
        "Telegram",
        "tell_telegram",
        "Something happened in a chat of the bot.",
        {200: None},
        body=Update,
        headers=("X-Telegram-Bot-Api-Secret-Token",),
        problems=(
            "webhook-secret-invalid",
            "telegram-not-configured",
            "append-unknown",
            "log-overloaded",
            "database-unavailable",
        ),
        public=True,
        details=(
            "Called by Telegram, with the secret that `setWebhook` gave it; without that nothing "
            "of the body is read. 200 says that what follows from the update is kept, or that "
            "nothing does: kinds, chats and fields that are not described here are taken too, and "
            "people without an account. After any other answer Telegram sends the update again, "
            "which does nothing twice."
        ),
    ),
)
async def tell(request: Request[Any, Any, Any]) -> ASGIApp:
    """Take one update."""
    deps = deps_of(request)
    headers = request.scope["headers"]
    deps.telegram.guard.check(headers)
    body = await read_body(
        headers,
        request.receive,
        max_bytes=deps.settings.telegram_update_max_bytes,
        timeout_seconds=deps.settings.body_timeout_seconds,
    )
    await deps.telegram.take(headers, body)
    return nothing(200)
