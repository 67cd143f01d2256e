"""The provider `local`: a deterministic picture from the prompt and seed, marked as a preview."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import Executor

from processors.providers import drawing, redrawing
from processors.providers.base import EDIT, IMAGE, VARIATION, AnswersInPlace, Call, ImageRequest
from runtime.settings import Settings

TIMEOUT_SECONDS = 10.0
"""More than drawing takes on a busy machine."""

FLAT_COLOURS = 16


class LocalProvider(AnswersInPlace):
    """Draws by itself, in threads: Pillow lets go of the interpreter while it works.

    Args:
        settings: latency and what to draw.
        executor: where to draw.
    """

    name = "local"
    free = True
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, settings: Settings, executor: Executor) -> None:
        self._latency_seconds = settings.local_latency_seconds
        self._flat = settings.local_render == "flat"
        self._executor = executor
        self._flat_pictures: dict[tuple[int, int, int], bytes] = {}
        self.timeout_seconds = self._latency_seconds + TIMEOUT_SECONDS

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:  # noqa: ARG002  the protocol's
        """See `Provider`; always as many as asked for."""
        waiting = asyncio.sleep(self._latency_seconds)
        drawings = [self._draw(request, index) for index in request.indices]
        pictures, _ = await asyncio.gather(asyncio.gather(*drawings), waiting)
        return pictures

    async def close(self) -> None:
        """Nothing to give back."""

    async def _draw(self, request: ImageRequest, index: int) -> bytes:
        seed = seed_of(request, index)
        loop = asyncio.get_running_loop()
        if request.kind != IMAGE:
            return await loop.run_in_executor(self._executor, redrawing.redraw, seed, request)
        if self._flat:
            return self._flat_picture(request.width, request.height, seed % FLAT_COLOURS)
        size = (request.width, request.height)
        return await loop.run_in_executor(
            self._executor, drawing.draw, seed, request.style_id, size, request.quality
        )

    def _flat_picture(self, width: int, height: int, colour: int) -> bytes:
        key = (width, height, colour)
        if key not in self._flat_pictures:
            shade = round(255 * colour / FLAT_COLOURS)
            self._flat_pictures[key] = drawing.flat((width, height), (shade, 96, 255 - shade))
        return self._flat_pictures[key]


def seed_of(request: ImageRequest, index: int) -> int:
    """What the picture depends on, in one number."""
    parts = (
        request.prompt,
        request.negative_prompt or "",
        request.style_id,
        request.quality,
        f"{request.width}x{request.height}",
        str(request.seed),
        str(index),
    )
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
