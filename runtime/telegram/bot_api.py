"""aiogram's `methods` and `types`, loaded when the first of them is used.

Loading them takes seconds, since aiogram describes the whole Bot API to its validator; most
processes, and all of them where there is no bot, never use one.

    from runtime.telegram import bot_api

    await bot.call(bot_api.methods.SendMessage(chat_id=…, text=…))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["methods", "types"]

if TYPE_CHECKING:
    from aiogram import methods, types
else:
    from importlib import import_module

    def __getattr__(name: str) -> object:
        if name not in {"methods", "types"}:
            raise AttributeError(name)
        found = globals()[name] = import_module(f"aiogram.{name}")
        return found
