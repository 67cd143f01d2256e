"""The image model of a run: the strict stub, slow and moody by chance, with a diary of calls."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import time
from contextvars import ContextVar
from io import BytesIO
from typing import Any

import msgspec
from aiohttp import web
from PIL import Image

from tests.chaos.evidence import Call
from tests.fakes import openai_images

LOOK_SECONDS = 0.02
"""How soon a caller who hangs up (or is killed) is noticed."""
TROUBLE_SHARE = 0.1
TROUBLES = ("[429:1]", "[500]", "[503]", "[504]", "[drop]", "[fewer:1]", "[moderation]")
UNCERTAIN = {"504", "drop"}
"""Charged, and the caller cannot know."""
REFUSED = {"429", "500", "503", "moderation"}
SIDE_PIXELS = 128
"""Small and cheap, since the processor belongs to the system under test."""
CLIENT_CLOSED_REQUEST = 499


class Diary(msgspec.Struct):
    """One call as it goes on."""

    prompt: str
    count: int
    began: float
    ended: float = 0.0
    outcome: str = ""
    sha256: list[str] = []


_page: ContextVar[Diary] = ContextVar("page")


class MoodyModel(openai_images.OpenAIImages):
    """Takes its time, fails now and then, never draws the same picture twice, and keeps a diary."""

    def __init__(self, chance: random.Random, latency_seconds: tuple[float, float]) -> None:
        super().__init__()
        self._between_seconds = latency_seconds
        self._chance = chance
        self._drawn = 0
        self._diary: list[Diary] = []

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self.base_url.rpartition(":")[2].partition("/")[0])

    def history(self) -> list[Call]:
        """Every call that has ended."""
        return [
            Call(one.prompt, one.count, one.began, one.ended, one.outcome, tuple(one.sha256))
            for one in self._diary
            if one.outcome
        ]

    def _note(self, request: web.Request, body: dict[str, Any]) -> tuple[openai_images.Call, float]:
        if self._chance.random() < TROUBLE_SHARE:
            self.next.append(self._chance.choice(TROUBLES))
        return super()._note(request, body)

    async def _behave(
        self, request: web.Request, body: dict[str, Any], call: openai_images.Call, value: float
    ) -> web.StreamResponse:
        page = Diary(body["prompt"], body["n"], time.time())
        self._diary.append(page)
        _page.set(page)
        try:
            if not await self._thought_about(request):
                page.outcome = "aborted"
                return web.Response(status=CLIENT_CLOSED_REQUEST)
            response = await super()._behave(request, body, call, value)
            page.outcome = "uncertain" if call.directive in UNCERTAIN else "answered"
        except openai_images.Refused:
            page.outcome = "refused"
            raise
        else:
            return response
        finally:
            page.ended = time.time()

    async def _thought_about(self, request: web.Request) -> bool:
        """Take some time; False when the caller has hung up meanwhile."""
        until = time.monotonic() + self._chance.uniform(*self._between_seconds)
        while time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
            if request.transport is None or request.transport.is_closing():
                return False
        return True

    def _picture(self, size: str, index: int) -> str:  # noqa: ARG002  as the stub calls it
        self._drawn += 1
        colour = (self._drawn >> 16 & 255, self._drawn >> 8 & 255, self._drawn & 255)
        out = BytesIO()
        Image.new("RGB", (SIDE_PIXELS, SIDE_PIXELS), colour).save(out, "PNG")
        _page.get().sha256.append(hashlib.sha256(out.getvalue()).hexdigest())
        return base64.b64encode(out.getvalue()).decode()
