"""Who may tell us what happened in Telegram: only who shows the secret that Telegram was given.

`setWebhook` takes a `secret_token`, which Telegram then sends with every update
(https://core.telegram.org/bots/api#setwebhook). All is judged by the headers alone, before a byte
of the body is read.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import Final

from gateway.operations import metrics
from gateway.web.errors import Problem
from gateway.web.http import Headers
from runtime.settings import Settings

PATH: Final = "/telegram/webhook"
HEADER: Final = b"x-telegram-bot-api-secret-token"


class Guard:
    """Knows Telegram by the secret.

    Args:
        settings: one secret, or several while one replaces another; none: nobody is let in.
    """

    def __init__(self, settings: Settings) -> None:
        secrets = (settings.telegram_webhook_secret or "").split(",")
        self._digests = [_digest(one.encode()) for one in secrets if one]

    def knows(self, headers: Headers) -> bool:
        """Whether the headers show a secret that is good, and nothing beside it.

        Takes as long for any secret of one length: digests are compared, to their end, all of them.
        """
        shown = [value for name, value in headers if name == HEADER]
        digest = _digest(shown[0] if len(shown) == 1 else b"")
        right = [compare_digest(digest, one) for one in self._digests]
        return any(right) and len(shown) == 1

    def check(self, headers: Headers) -> None:
        """Let a request in, or count and refuse it.

        Raises:
            Problem: no secret was set up, or the headers do not show it.
        """
        if not self._digests:
            raise Problem(
                "telegram-not-configured",
                "No bot is set up here: TELEGRAM_WEBHOOK_SECRET is not set.",
            )
        if not self.knows(headers):
            metrics.TELEGRAM_REFUSED.inc()
            raise Problem(
                "webhook-secret-invalid",
                "Send the header X-Telegram-Bot-Api-Secret-Token once, with the secret that the "
                "webhook was set up with.",
            )


def _digest(secret: bytes) -> bytes:
    return sha256(secret).digest()
