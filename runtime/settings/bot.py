"""What the bot tells people about who runs it, and how it fetches updates without a webhook."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from runtime.settings.about import about
from runtime.settings.images import Images

_Address = Annotated[str, Meta(pattern=r"^https://\S+\Z", max_length=500)]


class Bot(Images, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the bot tells people about who runs it, and how it fetches updates."""

    support_contact: Annotated[
        Annotated[str, Meta(max_length=200)] | None,
        about("Whom people write to, as the bot names it: @name, an e-mail address or a page."),
    ] = None
    terms_url: Annotated[
        _Address | None, about("The page with the terms, which the bot's /terms leads to.")
    ] = None
    privacy_url: Annotated[
        _Address | None, about("The page on privacy, which the bot's /privacy leads to.")
    ] = None
    limit_bot_per_minute: Annotated[
        int,
        about(
            "Messages and pressed buttons of one person that the bot answers in a minute; Telegram "
            "lets it write to one chat once a second.",
            ge=1,
            le=10_000,
        ),
    ] = 40
    telegram_poll: Annotated[
        bool,
        about(
            "Whether `up` fetches updates from Telegram itself where no public https address is "
            "set; only with a bot token of your own."
        ),
    ] = True
    telegram_poll_seconds: Annotated[
        int, about("How long one fetch waits for updates.", unit="s", ge=1, le=50)
    ] = 25
