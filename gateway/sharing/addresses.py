"""Where a link leads: its page, its picture, and the bot that makes another like it."""

from __future__ import annotations

from gateway.sharing.codes import START_PREFIX
from runtime.settings import Settings


def base_of(settings: Settings) -> str:
    """The address under which people reach this service, without a slash at its end."""
    return (settings.public_url or f"http://localhost:{settings.port}").rstrip("/")


def page_of(settings: Settings, code: str) -> str:
    """The page that a link shows."""
    return f"{base_of(settings)}/s/{code}"


def photo_of(settings: Settings, code: str) -> str:
    """The picture on that page, as a JPEG."""
    return f"{base_of(settings)}/s/{code}/photo.jpg"


def make_yours(settings: Settings, code: str, bot_name: str | None) -> str:
    """Where somebody makes one like it: in the bot, or in the app where no bot is set up."""
    if bot_name is None:
        return f"{base_of(settings)}/?share={code}"
    return f"https://t.me/{bot_name}?start={START_PREFIX}{code}"


def passed_photo(settings: Settings, text: str) -> str:
    """One of a person's own pictures, for Telegram, by a pass."""
    return f"{base_of(settings)}/p/{text}/photo.jpg"


def passed_thumbnail(settings: Settings, text: str) -> str:
    """The same, small."""
    return f"{base_of(settings)}/p/{text}/thumbnail.jpg"
