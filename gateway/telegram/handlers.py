"""What each kind of update does: one module for each, listed here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from gateway.telegram import chat_member, inline, payments, pre_checkout
from gateway.telegram.bot import updates as bot
from gateway.telegram.hands import Hands
from gateway.telegram.updates import Update

Handler = Callable[[Hands, Update], Awaitable[bool]]
"""Does what an update of its kind asks for; answers whether that was anything. When it returns,
what it did is kept; when it raises, Telegram sends the update again."""


async def _message(hands: Hands, update: Update) -> bool:
    """Payments are told as messages."""
    taken = await payments.told(hands, update)
    return await bot.message(hands, update) if taken is None else taken


HANDLERS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "message": _message,
        "callback_query": bot.callback_query,
        "inline_query": inline.inline_query,
        "chosen_inline_result": inline.chosen_inline_result,
        "my_chat_member": chat_member.handle,
        "pre_checkout_query": pre_checkout.handle,
    }
)
"""By kind."""
