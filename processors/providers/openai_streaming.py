"""OpenAI's pictures as they are made: partial ones on the way, then the one that was paid for.

One request whose answer is a stream. A server that speaks the same API without streams answers
with a whole body instead, which is taken as well: the request was paid either way.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

import msgspec
import openai
from openai import AsyncOpenAI

PARTIAL_MAX: Final = 3
"""As many as the API makes of one picture."""
_COMPLETED: Final = "image_generation.completed"
_PARTIAL: Final = "image_generation.partial_image"


class _One(msgspec.Struct):
    b64_json: str | None = None


class _Whole(msgspec.Struct):
    data: list[_One] = []


async def streamed(
    client: AsyncOpenAI, wanted: dict[str, Any], partial_images: int, show: Callable[[bytes], None]
) -> list[str | None]:
    """Ask for one picture; returns it in base64, or nothing if the stream ended without one.

    Args:
        client: asks, once.
        wanted: what `images.generate` is asked for, with `n` 1.
        partial_images: how many are to come before it, at most.
        show: takes each of them.

    Raises:
        openai.OpenAIError, ValueError: as `images.generate`.
    """
    answer = await client.images.with_raw_response.generate(
        **wanted, stream=True, partial_images=partial_images
    )
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        body = await answer.http_response.aread()
        return [one.b64_json for one in msgspec.json.decode(body, type=_Whole).data]
    stream: Any = answer.parse()
    made: str | None = None
    try:
        async for event in stream:
            if event.type == _PARTIAL:
                _show(event.b64_json, show)
            elif event.type == _COMPLETED:
                made = event.b64_json
    finally:
        await stream.close()
    if made is None:
        raise openai.APIError("The stream ended without a picture.", answer.http_request, body=None)
    return [made]


def _show(text: str, show: Callable[[bytes], None]) -> None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return  # one fewer on the way
    show(data)
