"""The Bot API: where it is, and how long its calls may take."""

from __future__ import annotations

from typing import Annotated

from runtime.settings.about import about
from runtime.settings.messages import Messages


class TelegramApi(Messages, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Bot API: where it is, and how long its calls may take."""

    telegram_api_base: Annotated[
        str,
        about(
            "The Bot API's address, without the bot's token.",
            env="TELEGRAM_API_BASE",
            pattern=r"^https?://[^\s{}]+\Z",
        ),
    ] = "https://api.telegram.org"
    telegram_timeout_seconds: Annotated[
        float, about("How long one call of the Bot API may take.", unit="s", gt=0, le=120)
    ] = 10.0
    telegram_connect_timeout_seconds: Annotated[
        float, about("Of these, to connect.", unit="s", gt=0, le=60)
    ] = 4.0
    telegram_connections: Annotated[
        int, about("Connections of one process to the Bot API.", ge=1, le=1000)
    ] = 50
