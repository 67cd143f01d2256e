"""Files that people send to the bot: asked for by id, fetched with a bound, named nowhere.

The address of a file holds the bot's token (https://core.telegram.org/bots/api#getfile), so it is
made here, used once, and stands in no error and no log.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.outbound.addresses import AddressPolicy, address_of, networks_in
from runtime.outbound.client import AnswerTooLarge, GuardedClient, NotReached
from runtime.outbound.download import NotServed, download
from runtime.settings import Settings
from runtime.telegram import bot_api
from runtime.telegram.errors import TelegramRefused, TelegramUnreachable

if TYPE_CHECKING:
    from runtime.telegram.api import TelegramBot

_log = structlog.get_logger(__name__)

SECONDS_MAX: Final = 30.0
BYTES_MAX: Final = 20_971_520
"""getFile: "bots can download files of up to 20MB in size"."""
_PATH: Final = re.compile(r"[A-Za-z0-9_\-]+(?:[/.][A-Za-z0-9_\-]+)*")
_ACCEPT: Final = "image/*"


async def fetch(bot: TelegramBot, settings: Settings, file_id: str) -> bytes:
    """The bytes of a file that somebody sent to the bot.

    Raises:
        Problem: there is no such file (any more), or it is too large.
        TelegramSlowDown, TelegramUnreachable: ask again later.
    """
    try:
        file = await bot.call(bot_api.methods.GetFile(file_id=file_id))
    except TelegramRefused as error:
        if "too big" in str(error):
            raise _too_large() from None
        _log.info("Telegram gives no file", reason=str(error))
        raise _gone() from None
    path = file.file_path or ""
    if _PATH.fullmatch(path) is None:
        raise TelegramUnreachable("Telegram named no file.", may_be_done=False)
    most = min(BYTES_MAX, settings.upload_bytes_max)
    if (file.file_size or 0) > most:
        raise _too_large()
    return await _downloaded(settings, path, most)


async def _downloaded(settings: Settings, path: str, bytes_max: int) -> bytes:
    base = settings.telegram_api_base.rstrip("/")
    place = "/test" if settings.telegram_environment == "test" else ""
    policy = _policy(settings)
    client = GuardedClient(policy)
    try:
        return await download(
            client,
            policy,
            f"{base}/file/bot{settings.telegram_bot_token}{place}/{path}",
            accept=_ACCEPT,
            bytes_max=bytes_max,
            timeout_seconds=SECONDS_MAX,
        )
    except AnswerTooLarge:
        raise _too_large() from None
    except NotServed as error:
        if not error.retryable:
            raise _gone() from None
        raise TelegramUnreachable("Telegram does not serve a file.", may_be_done=False) from None
    except NotReached as error:
        told = f"Telegram does not serve a file: {error.code}."
        raise TelegramUnreachable(told, may_be_done=False) from None
    except PixelpopError as error:
        # What it says may hold the address, and that the token.
        _log.error("a file of Telegram's cannot be asked for", code=error.code)
        raise _gone() from None
    finally:
        await client.close()


def _policy(settings: Settings) -> AddressPolicy:
    """Public addresses, and the one that `TELEGRAM_API_BASE` names by number."""
    host = urlsplit(settings.telegram_api_base).hostname or ""
    address = address_of(host)
    return AddressPolicy(() if address is None else networks_in(host, "TELEGRAM_API_BASE"))


def _too_large() -> Problem:
    return Problem("upload-refused", "The photo is too large.", reason="too-large")


def _gone() -> Problem:
    return Problem("upload-refused", "Telegram does not have this photo any more.", reason="gone")
