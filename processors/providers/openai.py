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
import random
import time
from typing import Literal

import httpx2
import openai
import structlog
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from commands.catalogue import STYLES_BY_ID
from processors.providers.base import (
    AnswersInPlace,
    Call,
    ImageRequest,
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    TooLate,
)
from processors.providers.retry_after import retry_after_seconds
from processors.worker import metrics
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

CONNECT_TIMEOUT_SECONDS = 10.0
BACKOFF_SECONDS_FIRST = 1.0
CONNECTIONS_MAX = 1000
QUALITIES: dict[str, Literal["medium", "high"]] = {"standard": "medium", "high": "high"}
CALL_HEADER = "X-Client-Request-Id"
"""OpenAI logs this header with the request; here it names generation, attempt and try."""

_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_ANSWERED_BY_A_GATEWAY = {502, 504, 520, 524}
"""Somebody between us and the API gave up waiting; the API itself may have gone on."""
_TRY_AGAIN = {408, 409, 425, 429}
_REFUSALS = {"moderation_blocked", "content_policy_violation"}
_SERVER_ERROR = 500
_BAD_REQUEST = {400, 422}


class OpenAIProvider(AnswersInPlace):
    """Draws with `OPENAI_IMAGE_MODEL` at `OPENAI_BASE_URL`."""

    name = "openai"
    free = False

    def __init__(self, settings: Settings) -> None:
        self.timeout_seconds = settings.provider_timeout_seconds
        self._model = settings.openai_image_model
        self._attempts = settings.provider_attempts
        self._backoff_seconds_max = settings.provider_backoff_seconds_max
        self._client = AsyncOpenAI(
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            max_retries=0,
            timeout=httpx2.Timeout(self.timeout_seconds, connect=CONNECT_TIMEOUT_SECONDS),
            http_client=DefaultAsyncHttpxClient(
                # A kept connection may be closed by the server just as a request is sent on it,
                # and nobody could tell whether that request was paid.
                limits=httpx2.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=0),
            ),
        )

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`."""
        pause_seconds = 0.0
        for attempt in range(1, self._attempts + 1):
            if not call.may_start(pause_seconds):
                if attempt > 1:
                    raise ProviderUnavailable("The API asks to wait beyond the deadline.")
                raise TooLate("The call would end after the deadline.")
            await asyncio.sleep(pause_seconds)
            began = time.monotonic()
            try:
                pictures = await self._ask(request, call, attempt)
            except ProviderError as error:
                self._observe(began, error.code)
                pause_seconds = self._pause_seconds(attempt, error)
                if not isinstance(error, _Again) or attempt == self._attempts:
                    raise
                _log.warning(
                    "image API said no, trying again", reason=str(error), seconds=pause_seconds
                )
            else:
                self._observe(began, "answered")
                return pictures
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """See `Provider`."""
        await self._client.close()

    async def _ask(self, request: ImageRequest, call: Call, attempt: int) -> list[bytes]:
        try:
            async with asyncio.timeout(self.timeout_seconds + CONNECT_TIMEOUT_SECONDS):
                answer = await self._client.images.generate(
                    model=self._model,
                    prompt=prompt_of(request),
                    n=request.count,
                    size=f"{request.width}x{request.height}",
                    quality=QUALITIES[request.quality],
                    output_format="png",
                    extra_headers={
                        CALL_HEADER: f"{request.generation_id}/{call.attempt}/{attempt}"
                    },
                )
        except openai.APIStatusError as error:
            raise _said_no(error) from error
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, _NEVER_SENT):
                raise _Again(f"The image API was not reached: {error.__cause__!r}.") from error
            raise ProviderUncertain(f"No whole answer came: {error.__cause__!r}.") from error
        except (openai.APIError, ValueError, httpx2.HTTPError, TimeoutError) as error:
            # It answered 200, so it was paid, but what it said cannot be read; or it took so long
            # that nobody can know.
            raise ProviderUncertain(f"The answer could not be used: {error!r}.") from error
        return [picture for one in answer.data or () if (picture := _decoded(one.b64_json))]

    def _pause_seconds(self, attempt: int, error: ProviderError) -> float:
        """As the API says, else exponential; with jitter, so that callers do not come as one."""
        backoff = min(BACKOFF_SECONDS_FIRST * 2.0 ** (attempt - 1), self._backoff_seconds_max)
        asked = error.retry_after_seconds if isinstance(error, _Again) else None
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  no secret
        return backoff * jitter if asked is None else asked + backoff * (1 - jitter)

    def _observe(self, began: float, outcome: str) -> None:
        seconds = time.monotonic() - began
        metrics.CALL_SECONDS.labels(self.name, outcome).observe(seconds)


class _Again(ProviderUnavailable):
    """Nothing was paid, and the same call may work."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


def prompt_of(request: ImageRequest) -> str:
    """The prompt as the model gets it: the person's words, the style's, and what to avoid."""
    style = STYLES_BY_ID.get(request.style_id)
    parts = [request.prompt]
    if style is not None and style.prompt_suffix:
        parts.append(f"Style: {style.prompt_suffix}.")
    if request.negative_prompt:
        parts.append(f"Do not show: {request.negative_prompt}.")
    return "\n\n".join(parts)


def _said_no(error: openai.APIStatusError) -> ProviderError:
    status = error.status_code
    said = f"The image API answered {status} ({error.code or error.type or 'no code'})."
    if status in _ANSWERED_BY_A_GATEWAY:
        return ProviderUncertain(said)
    if status in _TRY_AGAIN and error.code != "insufficient_quota":
        return _Again(said, retry_after_seconds(error.response.headers, time.time()))
    if status >= _SERVER_ERROR:
        return _Again(said, retry_after_seconds(error.response.headers, time.time()))
    if status in _BAD_REQUEST and error.code in _REFUSALS:
        return ProviderRefused(said)
    if status in _BAD_REQUEST:
        return ProviderError(said)
    return ProviderMisconfigured(said)


def _decoded(text: str | None) -> bytes | None:
    """A picture's bytes; None if there are none, which makes one picture fewer."""
    if not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
