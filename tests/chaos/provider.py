"""The image model of a run: the strict stub, slow and moody by chance, with a diary of calls."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import time
from collections.abc import Mapping
from contextvars import ContextVar
from io import BytesIO
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from aiohttp import web
from PIL import Image

from tests.chaos.evidence import Call
from tests.fakes import openai_images

LOOK_SECONDS = 0.02
"""How soon a caller who hangs up (or is killed) is noticed."""
UNCERTAIN = {"504", "drop", "hang"}
"""Charged, and the caller cannot know."""
SIDE_PIXELS = 128
"""Small and cheap, since the processor belongs to the system under test."""
CLIENT_CLOSED_REQUEST = 499


FAILS, LOSES = 0.20, 0.05
USUAL = dict.fromkeys(
    ("[429:1]", "[500]", "[503]", "[504]", "[drop]", "[fewer:1]", "[moderation]"), 0.1 / 7
)
ROUGH = {
    # One in five fails: mostly for nothing, at times after it was charged.
    **dict.fromkeys(("[429:1]", "[500]", "[503]"), FAILS * 0.25),
    **dict.fromkeys(("[moderation]", "[broken]"), FAILS * 0.1),
    "[fewer:1]": FAILS * 0.05,
    # One in twenty is lost: it was charged, and nobody can know.
    **dict.fromkeys(("[504]", "[drop]"), LOSES * 0.5),
}


class Moods(NamedTuple):
    """How a model behaves, by chance."""

    latency_seconds: tuple[float, float]
    """How long it thinks."""
    troubles: Mapping[str, float] = MappingProxyType(USUAL)
    """What goes wrong instead (directives of the stub), and for which share of the calls."""
    late_share: float = 0.0
    """Of all calls."""
    late_seconds: tuple[float, float] = (0.0, 0.0)
    """How long these take."""


class Diary(msgspec.Struct):
    """One call as it goes on."""

    generation_id: str
    attempt: int
    count: int
    began: float
    ended: float = 0.0
    outcome: str = ""
    sha256: list[str] = []
    billed: int = 0


_page: ContextVar[Diary] = ContextVar("page")


class MoodyModel(openai_images.OpenAIImages):
    """Takes its time, fails now and then, never draws the same picture twice, and keeps a diary."""

    def __init__(self, chance: random.Random, moods: Moods) -> None:
        super().__init__()
        self._moods = moods
        self._chance = chance
        self.late = 0
        """How many calls were kept waiting."""
        self._drawn = 0
        self._diary: list[Diary] = []

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self.base_url.rpartition(":")[2].partition("/")[0])

    def history(self) -> list[Call]:
        """Every call that has ended."""
        return [
            Call(
                *(one.generation_id, one.count, one.began, one.ended or time.time(), one.outcome),
                sha256=tuple(one.sha256),
                attempt=one.attempt,
                billed=one.billed,
            )
            for one in self._diary
            if one.outcome
        ]

    def _note(self, request: web.Request, body: dict[str, Any]) -> tuple[openai_images.Call, float]:
        dice = self._chance.random()
        for trouble, share in self._moods.troubles.items():
            dice -= share
            if dice < 0:
                self.next.append(trouble)
                break
        return super()._note(request, body)

    async def _behave(
        self, request: web.Request, body: dict[str, Any], call: openai_images.Call, value: float
    ) -> web.StreamResponse:
        attempt = int(call.client_id.split("/")[1])
        page = Diary(call.generation, attempt, body["n"], time.time())
        self._diary.append(page)
        _page.set(page)
        try:
            if not await self._thought_about(request):
                page.outcome, page.billed = "aborted", body["n"] if call.charged else 0
                return web.Response(status=CLIENT_CLOSED_REQUEST)
            if call.directive in UNCERTAIN:  # it works on, whether or not it is listened to
                page.outcome, page.billed = "uncertain", body["n"]
            response = await super()._behave(request, body, call, value)
        except openai_images.Refused:
            page.outcome = "refused"
            raise
        else:
            if not page.outcome:
                page.outcome, page.billed = "answered", len(page.sha256) or body["n"]
            return response
        finally:
            page.ended = time.time()

    async def _thought_about(self, request: web.Request) -> bool:
        """Take some time; False when the caller has hung up meanwhile."""
        is_late = self._chance.random() < self._moods.late_share
        self.late += is_late
        between = self._moods.late_seconds if is_late else self._moods.latency_seconds
        until = time.monotonic() + self._chance.uniform(*between)
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
