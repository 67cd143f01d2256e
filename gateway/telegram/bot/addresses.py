"""Where the MiniApp is, for buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

if TYPE_CHECKING:
    from gateway.deps import Deps

SECURE = "https://"


async def app_address(deps: Deps, *, is_private: bool, **query: str) -> str | None:
    """The address that a button opens; None: the app has none that Telegram would open.

    Args:
        deps: parts.
        is_private: in the person's own chat a MiniApp opens by its https address; in a group only
            a link to the bot does, which opens its main MiniApp.
        query: what the app is told.
    """
    base = deps.settings.public_url
    if base is None or not base.startswith(SECURE):
        return None
    if is_private:
        return f"{base.rstrip('/')}/{'?' + urlencode(query) if query else ''}"
    name = await deps.bot_name.ask()
    return None if name is None else f"https://t.me/{name}?startapp"
