"""Whether there is a bot at all: in embedded mode a token is made up that no bot has."""

from __future__ import annotations

from runtime.secrets import SecretsFile, secrets_path
from runtime.settings import Settings

_PRODUCTION = "https://api.telegram.org"


def has_bot(settings: Settings) -> bool:
    """Whether calls of the Bot API make sense.

    Args:
        settings: with secrets resolved.

    Returns:
        False where the token is the one that was made up for this data directory and calls would
        go to Telegram itself; a double of the Bot API takes any token.
    """
    token = settings.telegram_bot_token
    if not token:
        return False
    if settings.telegram_api_base.rstrip("/") != _PRODUCTION:
        return True
    path = secrets_path(settings)
    if path is None or not settings.embedded:
        return True
    return SecretsFile(path.parent, path=path).read().get("telegram_bot_token") != token
