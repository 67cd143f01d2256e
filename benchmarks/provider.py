"""A stand-in for a slow image API: `python -m benchmarks.provider --port N --seconds 10`.

It speaks as much of OpenAI's API as one request for a picture needs, and takes exactly so long for
each call however many there are. What it delivers costs it nothing: one flat colour, or, where the
prompt has `[drawn]` in it, what the provider `local` draws, made before the first request. How an
API behaves when something goes wrong is `tests.fakes`'.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import itertools
from typing import Final

import msgspec
from aiohttp import web

from processors.providers import drawing

PICTURES: Final = 8
"""So many different ones are delivered in turn."""
SIZE: Final = (1024, 1024)
DRAWN: Final = "[drawn]"
"""In a prompt: what comes is to have something in it."""


class _Asked(msgspec.Struct):
    prompt: str


def flat() -> list[bytes]:
    """PNGs of one colour."""
    return [drawing.flat(SIZE, (30 * number, 96, 255 - 30 * number)) for number in range(PICTURES)]


def drawn() -> list[bytes]:
    """PNGs as the provider `local` draws them."""
    return [drawing.draw(seed, "photo", SIZE, "standard") for seed in range(PICTURES)]


def answers(pictures: list[bytes]) -> list[bytes]:
    """Whole bodies, one picture each."""
    texts = [base64.b64encode(one).decode() for one in pictures]
    return [msgspec.json.encode({"created": 1, "data": [{"b64_json": one}]}) for one in texts]


async def serve(port: int, seconds: float) -> None:
    """Answer until it is ended."""
    bodies = itertools.cycle(answers(flat()))
    drawn_bodies = itertools.cycle(answers(drawn()))

    async def generate(request: web.Request) -> web.Response:
        due = asyncio.get_running_loop().time() + seconds
        asked = msgspec.json.decode(await request.read(), type=_Asked)
        body = next(drawn_bodies if DRAWN in asked.prompt else bodies)
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/images/generations", generate)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.seconds))
