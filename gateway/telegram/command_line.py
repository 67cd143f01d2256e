"""`pixelpop telegram`. Each command imports what it runs, so that starts are short."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from cyclopts import App

from runtime.command_line import EXIT_FAILED, AsJson, print_json, run, with_secrets
from runtime.errors import StartError

if TYPE_CHECKING:
    from gateway.telegram.setup import Checked
    from runtime.settings import Settings

telegram = App(name="telegram", help="The bot in Telegram.")


@telegram.command
def setup(*, check_only: bool = False, json: AsJson = False) -> int:
    """Tell Telegram the webhook, commands, descriptions and menu button; check that it kept them.

    Needs TELEGRAM_BOT_TOKEN, TELEGRAM_WEBHOOK_SECRET and PIXELPOP_PUBLIC_URL. Harmless to repeat.

    Parameters
    ----------
    check_only
        Change nothing; only compare.
    json
        Print JSON, for scripts.
    """
    checks = run(_set_up(with_secrets(), check_only=check_only))
    if json:
        print_json(checks)
    else:
        for one in checks:
            sys.stdout.write(f"{'ok  ' if one.ok else 'FAIL'} {one.what}: {one.detail}\n")
    return 0 if all(one.ok for one in checks) else EXIT_FAILED


@telegram.command
def poll() -> int:
    """Fetch updates and hand them to the gateway here, where Telegram cannot reach it.

    For development: with a webhook set, Telegram hands out no updates. `up` does it by itself where
    a bot token of yours is set and no public https address is.
    """
    from gateway.telegram.polling import main as run_polling
    from runtime import process

    return process.run("telegram-poll", run_polling)


async def _set_up(settings: Settings, *, check_only: bool) -> list[Checked]:
    from gateway.telegram.setup import check, set_up
    from runtime.telegram.api import open_bot
    from runtime.telegram.configured import has_bot

    if not has_bot(settings):
        raise StartError("TELEGRAM_BOT_TOKEN is not set: get one from @BotFather.")
    bot = open_bot(settings)
    try:
        return await (check(settings, bot) if check_only else set_up(settings, bot))
    finally:
        await bot.stop()
