"""Files of Telegram's: fetched within bounds; the token that their address holds is not told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.telegram import files
from gateway.web.errors import Problem
from runtime.errors import PixelpopError
from runtime.settings import Settings
from runtime.telegram.errors import TelegramRefused, TelegramUnreachable

TOKEN = "123456:AA-secret-of-the-bot"


class Bot:
    """Answers getFile."""

    def __init__(self, path: str = "photos/file_1.jpg", size: int | None = 5) -> None:
        self.file: Any = SimpleNamespace(file_path=path, file_size=size)

    async def call(self, _: Any) -> Any:
        if isinstance(self.file, Exception):
            raise self.file
        return self.file


@pytest_asyncio.fixture(loop_scope="session")
async def settings() -> AsyncIterator[Settings]:
    """Of a server that has one small file, a large one, and a way somewhere else."""

    async def answer(request: web.Request) -> web.Response:
        match request.match_info["name"]:
            case "file_1.jpg":
                return web.Response(body=b"photo")
            case "large.jpg":
                return web.Response(body=bytes(3000))
            case "away.jpg":
                raise web.HTTPFound("http://169.254.169.254/latest/meta-data")
            case "broken.jpg":
                return web.Response(status=502)
            case _:
                return web.Response(status=404)

    app = web.Application()
    app.router.add_get("/file/bot{token}/photos/{name}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield Settings(telegram_bot_token=TOKEN, telegram_api_base=base, upload_bytes_max=2000)
    await runner.cleanup()


async def test_a_file(settings: Settings) -> None:
    """Its bytes."""
    assert await files.fetch(Bot(), settings, "id") == b"photo"  # type: ignore[arg-type]  # as much of one as is needed


@pytest.mark.parametrize(
    ("bot", "error", "says"),
    [
        (Bot("photos/large.jpg"), Problem, "too large"),
        (Bot(size=3000), Problem, "too large"),
        (Bot("photos/none.jpg"), Problem, "any more"),
        (Bot("photos/away.jpg"), Problem, "any more"),
        (Bot("photos/broken.jpg"), TelegramUnreachable, "does not serve"),
        (Bot("../../etc/passwd"), TelegramUnreachable, "no file"),
        (Bot("photos//x"), TelegramUnreachable, "no file"),
        (Bot("http://evil.example/x"), TelegramUnreachable, "no file"),
        (Bot(""), TelegramUnreachable, "no file"),
    ],
)
async def test_what_cannot_be_had(
    settings: Settings,
    bot: Any,
    error: type[PixelpopError],
    says: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """What is too large, gone, elsewhere or no file is told so, and the token never is."""
    with pytest.raises(error, match=says) as raised:
        await files.fetch(bot, settings, "id")
    assert raised.value.__cause__ is None
    assert TOKEN not in str(raised.value) + "".join(capfd.readouterr())


@pytest.mark.parametrize("said", ["Bad Request: file is too big", "Bad Request: invalid file_id"])
async def test_what_telegram_refuses(settings: Settings, said: str) -> None:
    """A photo that Telegram does not hand out is one that cannot be used."""
    bot: Any = Bot()
    bot.file = TelegramRefused(said, 400)
    with pytest.raises(Problem) as raised:
        await files.fetch(bot, settings, "id")
    assert raised.value.code == "upload-refused"


async def test_a_private_place(settings: Settings) -> None:
    """A name that leads inside is not asked, nor is a place without encryption that has a name."""
    for base in ("http://localhost:1", "http://telegram.example"):
        changed = msgspec.structs.replace(settings, telegram_api_base=base)
        with pytest.raises(Problem):
            await files.fetch(Bot(), changed, "id")  # type: ignore[arg-type]  # as above
