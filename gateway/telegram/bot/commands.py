"""Every command of the bot, in the order in which Telegram lists them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.telegram.bot import appealing, asking, buying, editing, showing, starting
from gateway.telegram.bot.talk import Talk
from gateway.telegram.messages import Message


class Command(NamedTuple):
    """What a person can write after a slash."""

    name: str
    run: Callable[[Talk, Message, str], Awaitable[None]]
    """Called with what stands after the command."""
    described: str
    """Its description's key in the catalogues."""
    needs_account: bool = True


def _simple(
    act: Callable[[Talk, str], Awaitable[None]],
) -> Callable[[Talk, Message, str], Awaitable[None]]:
    """A command that does not look at its message."""

    async def run(talk: Talk, _message: Message, words: str) -> None:
        await act(talk, words)

    return run


COMMANDS: Final = (
    Command("generate", _simple(asking.generate), "bot-command-generate"),
    Command("edit", editing.edit, "bot-command-edit"),
    Command("balance", _simple(showing.balance), "bot-command-balance"),
    Command("buy", _simple(buying.buy), "bot-command-buy"),
    Command("history", _simple(showing.history), "bot-command-history"),
    Command("styles", _simple(showing.styles), "bot-command-styles"),
    Command("appeal", _simple(appealing.appeal), "bot-command-appeal"),
    Command("language", _simple(starting.language), "bot-command-language"),
    Command("help", _simple(showing.say_help), "bot-command-help", needs_account=False),
    Command("terms", _simple(showing.terms), "bot-command-terms", needs_account=False),
    Command("privacy", _simple(showing.privacy), "bot-command-privacy", needs_account=False),
    Command("support", _simple(showing.support), "bot-command-support", needs_account=False),
    Command(
        "paysupport", _simple(showing.paysupport), "bot-command-paysupport", needs_account=False
    ),
    Command("start", _simple(starting.start), "bot-command-start"),
)
BY_NAME: Final = MappingProxyType({command.name: command for command in COMMANDS})


class Written(NamedTuple):
    """A command as somebody wrote it."""

    name: str
    words: str
    """What stands after it, without blanks at both ends."""


def read(text: str, bot_name: str | None) -> Written | None:
    """The command that a text is; None: it is none, or meant for another bot.

    Args:
        text: of a message, or its caption.
        bot_name: this bot's, without `@`; None: not known, and every command is taken as ours.
    """
    if not text.startswith("/"):
        return None
    head, _, words = text[1:].partition(" ")
    first, newline, rest = head.partition("\n")
    if newline:
        head, words = first, f"{rest} {words}"
    name, mention, whom = head.partition("@")
    if mention and bot_name is not None and whom.lower() != bot_name.lower():
        return None
    return Written(name.lower(), words.strip()) if name else None
