"""Replicate's predictions API, request by request.

Not through the package `replicate`: its client repeats requests by itself after 429, 503 and lost
connections, and creating a prediction is what costs money. Three plain requests are all that is
needed. A prediction is created on a connection of its own and at most once; asking for it and
cancelling it cost nothing.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from http import HTTPStatus
from typing import Any

import httpx2
import msgspec

from processors.providers.asking import (
    CONNECT_TIMEOUT_SECONDS,
    NEVER_SENT,
    PAYING_CONNECTIONS,
    Again,
    not_now,
)
from processors.providers.base import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUncertain,
)
from processors.providers.retry_after import retry_after_seconds
from runtime.errors import PixelpopError
from runtime.settings import Settings

REQUEST_SECONDS_MAX = 30.0
ANSWER_BYTES_MAX = 4_000_000
CANCEL_AFTER_SECONDS_MIN = 5
"""Replicate takes no shorter deadline."""
ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})
_REFERENCE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_REFUSALS = re.compile(r"nsfw|safety|sensitive|flagged|content policy|moderation", re.IGNORECASE)
_BAD_REQUEST = {400, 422}
_NOT_KNOWN = {404, 410}


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """A prediction as the API tells of it; what else it tells is not needed."""

    id: str
    status: str
    """`starting`, `processing`, or one of `ENDED`."""
    output: Any = None
    """The addresses of the pictures, or one of them; this comes from outside."""
    error: Any = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.status in ENDED

    @property
    def was_refused(self) -> bool:
        """Whether it failed because of what it would show."""
        return is_refusal(self.error)

    @property
    def addresses(self) -> list[str]:
        """Where its pictures are, in their order."""
        output = [self.output] if isinstance(self.output, str) else self.output
        return [one for one in output or () if isinstance(one, str)]


class NotTold(PixelpopError):
    """How a prediction stands is not known now."""

    code = "prediction-not-told"
    retryable = True

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class ReplicateApi:
    """The requests; every one ends within `REQUEST_SECONDS_MAX`."""

    def __init__(self, settings: Settings) -> None:
        base = settings.replicate_base_url.rstrip("/") + "/"
        headers = {"Authorization": f"Bearer {settings.replicate_api_token}"}
        timeout = httpx2.Timeout(REQUEST_SECONDS_MAX, connect=CONNECT_TIMEOUT_SECONDS)
        self._paying = httpx2.AsyncClient(
            base_url=base, headers=headers, timeout=timeout, limits=PAYING_CONNECTIONS
        )
        self._asking = httpx2.AsyncClient(base_url=base, headers=headers, timeout=timeout)
        model, _, self._version = settings.replicate_model.partition(":")
        self._path = "predictions" if self._version else f"models/{model}/predictions"
        seconds = max(math.ceil(settings.replicate_timeout_seconds), CANCEL_AFTER_SECONDS_MIN)
        self._cancel_after = f"{seconds}s"

    async def submit(self, inputs: dict[str, Any], webhook: str | None) -> Prediction:
        """Create a prediction; this is what costs money.

        Args:
            inputs: the model's.
            webhook: where to tell that it has ended.

        Raises:
            Again: surely nothing was created.
            ProviderUncertain: nobody knows whether one was.
            ProviderError: it was refused; nothing was created.
        """
        body: dict[str, Any] = {"input": inputs}
        if self._version:
            body["version"] = self._version
        if webhook is not None:
            body |= {"webhook": webhook, "webhook_events_filter": ["completed"]}
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                # Ends by itself there, also when nobody is left here to cancel it.
                status, headers, told = await self._request(
                    self._paying, "POST", self._path, body, {"Cancel-After": self._cancel_after}
                )
        except NEVER_SENT as error:
            raise Again(f"The API was not reached: {error!r}.") from error
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise ProviderUncertain(f"No whole answer came: {error!r}.") from error
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise _said_no(status, headers, told)
        try:
            return _decoded(told)
        except ValueError as error:
            raise ProviderUncertain("A prediction was made, and nobody knows which.") from error

    async def find(self, reference: str) -> Prediction | None:
        """How a prediction stands; None: there is none of this id.

        Raises:
            NotTold: it may be asked again.
        """
        status, headers, told = await self._free("GET", f"predictions/{reference}")
        if status in _NOT_KNOWN:
            return None
        if status != HTTPStatus.OK:
            later = retry_after_seconds(headers, time.time())
            raise NotTold(f"The API answered {status}.", later)
        try:
            found = _decoded(told)
        except ValueError as error:
            raise NotTold("The API's answer cannot be read.") from error
        if found.id != reference:
            raise NotTold("The API told of another prediction.")
        return found

    async def cancel(self, reference: str) -> None:
        """Ask for its end; how it ended is told by `find`.

        Raises:
            NotTold: whether that was heard is not known.
        """
        await self._free("POST", f"predictions/{reference}/cancel")

    async def close(self) -> None:
        """Close all connections."""
        await self._paying.aclose()
        await self._asking.aclose()

    async def _free(self, method: str, path: str) -> tuple[int, httpx2.Headers, bytes]:
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                return await self._request(self._asking, method, path, None, {})
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise NotTold(f"The API did not answer: {error!r}.") from error

    async def _request(
        self,
        client: httpx2.AsyncClient,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> tuple[int, httpx2.Headers, bytes]:
        told = bytearray()
        async with client.stream(method, path, json=body, headers=headers) as response:
            async for chunk in response.aiter_bytes():
                told += chunk
                if len(told) > ANSWER_BYTES_MAX:
                    raise ValueError("the answer is too large")
        return response.status_code, response.headers, bytes(told)


def is_refusal(error: object) -> bool:
    """Whether a model's error says that it will not show such a thing."""
    return isinstance(error, str) and _REFUSALS.search(error) is not None


def is_reference(text: str) -> bool:
    """Whether this may be the id of a prediction; it becomes part of an address."""
    return _REFERENCE.fullmatch(text) is not None


def _decoded(told: bytes) -> Prediction:
    """Raises ValueError if it is no prediction."""
    try:
        prediction = msgspec.json.decode(told, type=Prediction)
    except msgspec.DecodeError as error:
        raise ValueError(str(error)) from error
    if not is_reference(prediction.id):
        raise ValueError("the prediction's id cannot be used")
    return prediction


def _said_no(status: int, headers: httpx2.Headers, told: bytes) -> ProviderError:
    said = f"The API answered {status}."
    later = not_now(status, headers, said)
    if later is not None:
        return later
    if status in _BAD_REQUEST:
        # What it says may repeat the prompt, so it is looked at and not shown.
        refused = is_refusal(told.decode("utf-8", "replace"))
        return ProviderRefused(said) if refused else ProviderError(said)
    return ProviderMisconfigured(said)
