"""`pixelpop telegram setup`: tells Telegram what the bot is, and checks that it kept it.

Webhook, commands and descriptions in every language, and the button beside the text field. All of
it may be said again at any time; what Telegram holds already is said no other way.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from commands.wording import LANGUAGES, say
from gateway.telegram.bot.commands import COMMANDS
from gateway.telegram.guard import PATH
from gateway.telegram.handlers import HANDLERS
from runtime.errors import SettingsError
from runtime.settings import Settings
from runtime.telegram import bot_api
from runtime.telegram.api import TelegramBot

CONNECTIONS: Final = 40
"""How many updates Telegram brings at once; its own default."""
DEFAULT: Final = ""
"""The language code of what everybody sees who has no other."""


class Checked(msgspec.Struct, frozen=True):
    """One thing that Telegram was told, and whether it says the same."""

    what: str
    ok: bool
    detail: str


def allowed_updates() -> list[str]:
    """The kinds of updates that the bot wants: those that somebody handles."""
    return sorted(HANDLERS)


async def set_up(settings: Settings, bot: TelegramBot) -> list[Checked]:
    """Tell Telegram everything; what it says then.

    Raises:
        SettingsError: there is no public https address, or no secret for the webhook.
        PixelpopError: Telegram refused, or does not answer.
    """
    base = public_address(settings)
    secrets = [one for one in (settings.telegram_webhook_secret or "").split(",") if one]
    if not secrets:
        raise SettingsError("TELEGRAM_WEBHOOK_SECRET is not set: updates would not be believed.")
    await bot.call(
        bot_api.methods.SetWebhook(
            url=base + PATH,
            secret_token=secrets[0],
            allowed_updates=allowed_updates(),
            max_connections=CONNECTIONS,
        )
    )
    for language in (DEFAULT, *LANGUAGES[1:]):
        code = language or None
        await bot.call(
            bot_api.methods.SetMyCommands(commands=_commands(language), language_code=code)
        )
        await bot.call(
            bot_api.methods.SetMyDescription(
                description=say(language, "bot-description"), language_code=code
            )
        )
        await bot.call(
            bot_api.methods.SetMyShortDescription(
                short_description=say(language, "bot-short-description"), language_code=code
            )
        )
    await bot.call(bot_api.methods.SetChatMenuButton(menu_button=_menu_button(base)))
    return await check(settings, bot)


async def check(settings: Settings, bot: TelegramBot) -> list[Checked]:
    """Compare what Telegram holds with what it is to hold.

    Raises:
        SettingsError: there is no public https address.
        PixelpopError: Telegram does not answer.
    """
    base = public_address(settings)
    me = await bot.call(bot_api.methods.GetMe())
    found = [
        Checked("bot", ok=True, detail=f"@{me.username}"),
        Checked(
            "inline mode",
            bool(me.supports_inline_queries),
            "on" if me.supports_inline_queries else "off: /setinline at @BotFather",
        ),
        await _webhook(base, bot),
    ]
    for language in (DEFAULT, *LANGUAGES[1:]):
        found += await _told(language, bot)
    button = await bot.call(bot_api.methods.GetChatMenuButton())
    right = isinstance(button, bot_api.types.MenuButtonWebApp) and _same_address(
        button.web_app.url, base
    )
    found.append(Checked("menu button", right, f"{base}/" if right else f"is {button.type}"))
    return found


def public_address(settings: Settings) -> str:
    """The address under which Telegram and people reach this service, without a slash at its end.

    Raises:
        SettingsError: there is none, or not by https.
    """
    base = (settings.public_url or "").rstrip("/")
    if not base.startswith("https://"):
        raise SettingsError(
            "PIXELPOP_PUBLIC_URL must be the https address of this service: Telegram brings "
            "updates and opens MiniApps over https only. Without one, `pixelpop telegram poll` "
            "fetches updates."
        )
    return base


async def _webhook(base: str, bot: TelegramBot) -> Checked:
    info = await bot.call(bot_api.methods.GetWebhookInfo())
    wanted = set(allowed_updates())
    if info.url != base + PATH:
        return Checked("webhook", ok=False, detail=f"is {info.url or 'not set'}")
    if set(info.allowed_updates or ()) != wanted:
        return Checked("webhook", ok=False, detail="other kinds of updates are asked for")
    waiting = f"{info.pending_update_count} updates wait"
    if info.last_error_message:
        at = info.last_error_date
        return Checked("webhook", ok=True, detail=f"{waiting}; {at}: {info.last_error_message}")
    return Checked("webhook", ok=True, detail=f"{info.url}, {waiting}")


async def _told(language: str, bot: TelegramBot) -> list[Checked]:
    """Commands and descriptions in one language."""
    code = language or None
    commands = await bot.call(bot_api.methods.GetMyCommands(language_code=code))
    description = await bot.call(bot_api.methods.GetMyDescription(language_code=code))
    short = await bot.call(bot_api.methods.GetMyShortDescription(language_code=code))
    named = language or "everybody"
    pairs: list[tuple[str, Any, Any]] = [
        (
            "commands",
            [(one.command, one.description) for one in commands],
            [(one.command, one.description) for one in _commands(language)],
        ),
        ("description", description.description, say(language, "bot-description")),
        ("short description", short.short_description, say(language, "bot-short-description")),
    ]
    return [
        Checked(f"{what} ({named})", is_now == wanted, "as told" if is_now == wanted else "differs")
        for what, is_now, wanted in pairs
    ]


def _commands(language: str) -> list[bot_api.types.BotCommand]:
    return [
        bot_api.types.BotCommand(command=one.name, description=say(language, one.described))
        for one in COMMANDS
    ]


def _menu_button(base: str) -> bot_api.types.MenuButtonWebApp:
    text = say(LANGUAGES[0], "bot-menu-button")
    return bot_api.types.MenuButtonWebApp(
        text=text, web_app=bot_api.types.WebAppInfo(url=f"{base}/")
    )


def _same_address(one: str, base: str) -> bool:
    return one.rstrip("/") == base
