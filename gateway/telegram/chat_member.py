"""`my_chat_member`: a person blocked or unblocked the bot."""

from __future__ import annotations

from typing import Final

from msgspec import UnsetType

from events.telegram import TelegramChatChanged
from gateway.telegram.hands import Hands
from gateway.telegram.updates import Update

PRIVATE: Final = "private"
REACHABLE: Final = {"member": True, "kicked": False, "left": False}
"""What a status of the bot in a private chat means; any other tells nothing."""


async def handle(hands: Hands, update: Update) -> bool:
    """Keep whether the bot may write to a person that has an account.

    Raises:
        PixelpopError: it is not known to be kept.
    """
    told = update.my_chat_member
    if isinstance(told, UnsetType) or told.chat.type != PRIVATE:
        return False
    reachable = REACHABLE.get(told.new_chat_member.status)
    if reachable is None:
        return False
    account_id = await hands.account_of(told.chat.id)
    if account_id is None:
        return False
    event = TelegramChatChanged(
        account_id=account_id,
        occurred_at_ms=told.date * 1000,
        reachable=reachable,
        update_id=update.update_id,
    )
    await hands.append(event, update.update_id)
    return True
