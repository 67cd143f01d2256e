"""The provider `openai`: gpt-image models through the `openai` package.

The API takes no idempotency key, so the question after every failure is what was paid. An answer
that says no (429, 500, 503 and the like) and a connection that never was cost nothing: the same
call is made again, a few times, with backoff and jitter or as `Retry-After` says. A request that
was sent and got no whole answer, and a gateway's word that somebody behind it did not answer, may
have been paid: `ProviderUncertain`. The SDK's own retries are off: it does not ask that question.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from functools import partial
from typing import Any, Literal

import httpx2
import openai
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from processors.providers.asking import (
    CONNECT_TIMEOUT_SECONDS,
    NEVER_SENT,
    PAYING_CONNECTIONS,
    Again,
    Asking,
    not_now,
)
from processors.providers.base import (
    EDIT,
    IMAGE,
    VARIATION,
    AnswersInPlace,
    Call,
    ImageRequest,
    Photo,
    PhotoRefused,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUncertain,
    ProviderUnusable,
)
from processors.providers.fetching import is_picture
from processors.providers.openai_streaming import streamed
from processors.providers.photos import within
from processors.providers.prompts import prompt_of, prompt_of_photos
from runtime.settings import Settings

QUALITIES: dict[str, Literal["medium", "high"]] = {"standard": "medium", "high": "high"}
CALL_HEADER = "X-Client-Request-Id"
"""OpenAI logs this header with the request; here it names generation, attempt and try."""

PARTIAL_IMAGES = 2
"""At OpenAI's own address, where nothing else is set; each costs a hundred tokens."""

_REFUSALS = {"moderation_blocked", "content_policy_violation"}
_BAD_REQUEST = {400, 422}
_TOO_LARGE = 413
SIDE_PIXELS_MAX = 8192
"""More than any photo of ours has."""


class OpenAIProvider(AnswersInPlace):
    """Draws with `OPENAI_IMAGE_MODEL` at `OPENAI_BASE_URL`."""

    name = "openai"
    free = False
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, settings: Settings) -> None:
        self.timeout_seconds = settings.provider_timeout_seconds
        self._model = settings.openai_image_model
        self._partial_images = _partial_images(settings)
        self._asking = Asking(self.name, settings)
        self._client = AsyncOpenAI(
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            max_retries=0,
            timeout=httpx2.Timeout(self.timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            http_client=DefaultAsyncHttpxClient(limits=PAYING_CONNECTIONS),
        )

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`."""
        return await self._asking.ask(call, lambda attempt: self._ask(request, call, attempt))

    async def close(self) -> None:
        """See `Provider`."""
        await self._client.close()

    async def _ask(self, request: ImageRequest, call: Call, attempt: int) -> list[bytes]:
        try:
            async with asyncio.timeout(self.timeout_seconds + CONNECT_TIMEOUT_SECONDS):
                wanted: dict[str, Any] = {
                    "model": self._model,
                    "prompt": prompt_of_photos(request) if request.photos else prompt_of(request),
                    "n": request.count,
                    "size": f"{request.width}x{request.height}",
                    "quality": QUALITIES[request.quality],
                    "output_format": "png",
                    "extra_headers": {
                        CALL_HEADER: f"{request.generation_id}/{call.attempt}/{attempt}"
                    },
                }
                texts = await self._made(wanted, request, call)
        except openai.APIStatusError as error:
            raise _said_no(error) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, NEVER_SENT):
                raise Again(f"The image API was not reached: {error.__cause__!r}.") from error
            raise ProviderUncertain(f"No whole answer came: {error.__cause__!r}.") from error
        except (openai.APIError, ValueError, httpx2.HTTPError, TimeoutError) as error:
            if isinstance(error, openai.APIError) and error.code in _REFUSALS:
                raise ProviderRefused(f"The stream ended with {error.code}.") from error
            # It answered 200, so it was paid, but what it said cannot be read; or it took so long
            # that nobody can know.
            raise ProviderUncertain(f"The answer could not be used: {error!r}.") from error
        pictures = [picture for text in texts if (picture := _decoded(text))]
        if pictures and not any(map(is_picture, pictures)):
            raise ProviderUnusable("What the model made is no picture.")
        return pictures  # all of them were paid; whoever stores them leaves out what is none

    async def _made(
        self, wanted: dict[str, Any], request: ImageRequest, call: Call
    ) -> list[str | None]:
        """The pictures in base64; one alone as a stream, where partial ones are wanted."""
        if request.photos:
            files = await asyncio.to_thread(_files, request)
            answer = await self._client.images.edit(**wanted, **files)
            return _texts(answer)
        if self._partial_images and request.count == 1:  # the API streams no more than one
            show = partial(call.show, request.indices[0])
            return await streamed(self._client, wanted, self._partial_images, show)
        answer = await self._client.images.generate(**wanted)
        return _texts(answer)


def _texts(answer: Any) -> list[str | None]:
    """The pictures of an answer in base64; the SDK hands on whatever a server says.

    Raises:
        ValueError: it is no such answer.
    """
    try:
        return [one.b64_json for one in answer.data or ()]
    except (AttributeError, TypeError) as error:
        raise ValueError(f"It names no pictures: {type(answer).__name__}.") from error


def _partial_images(settings: Settings) -> int:
    """How many to show on the way: not every server that speaks the API knows how to."""
    if settings.openai_partial_images is not None:
        return settings.openai_partial_images
    return PARTIAL_IMAGES if settings.openai_base_url is None else 0


def _said_no(error: openai.APIStatusError) -> ProviderError:
    status = error.status_code
    said = f"The image API answered {status} ({error.code or error.type or 'no code'})."
    later = not_now(status, error.response.headers, said)
    if later is not None and error.code != "insufficient_quota":
        return later
    if status in _BAD_REQUEST and error.code in _REFUSALS:
        return ProviderRefused(said)
    if status == _TOO_LARGE or (status in _BAD_REQUEST and _is_about_a_photo(error)):
        return PhotoRefused(said)
    if status in _BAD_REQUEST:
        return ProviderError(said)
    return ProviderMisconfigured(said)


def _is_about_a_photo(error: openai.APIStatusError) -> bool:
    return (error.param or "").startswith(("image", "mask"))


def _files(request: ImageRequest) -> dict[str, Any]:
    """Photos and mask as files of a form; the first photo is of the mask's format, as it must be.

    Raises:
        ProviderError: a photo cannot be read.
    """
    photos = list(request.photos)
    mask = request.mask
    if mask is not None and photos[0].content_type != mask.content_type:
        photos[0] = within(photos[0], SIDE_PIXELS_MAX)
    files = {"image": [_file(f"photo-{number}", one) for number, one in enumerate(photos)]}
    return files if mask is None else {**files, "mask": _file("mask", mask)}


def _file(name: str, photo: Photo) -> tuple[str, bytes, str]:
    return f"{name}.{photo.content_type.partition('/')[2]}", photo.data, photo.content_type


def _decoded(text: str | None) -> bytes | None:
    """A picture's bytes; None if there are none, which makes one picture fewer."""
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return None
