"""`message` and `callback_query`: from an update to what the bot does."""

from __future__ import annotations

from gateway.telegram.hands import Hands
from gateway.telegram.updates import Update


async def message(_hands: Hands, _update: Update) -> bool:
    """Somebody wrote, or paid."""
    return False


async def callback_query(_hands: Hands, _update: Update) -> bool:
    """Somebody pressed a button."""
    return False
