"""Requests to a provider's JSON API: one that costs money, and those that cost nothing.

What costs money is sent once, by a connection of its own; whatever may have arrived and got no
whole answer is uncertain. What costs nothing may simply be asked again.
"""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2

from processors.providers.asking import (
    CONNECT_TIMEOUT_SECONDS,
    NEVER_SENT,
    PAYING_CONNECTIONS,
    Again,
)
from processors.providers.base import ProviderUncertain
from processors.providers.polling import NotTold
from processors.providers.retry_after import retry_after_seconds

REQUEST_SECONDS_MAX = 30.0
ANSWER_BYTES_MAX = 4_000_000


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_seconds(self) -> float | None:
        """How long it asks to be left alone."""
        return retry_after_seconds(self.headers, time.time())


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Read once: it takes a fifth of a second."""
    return httpx2.create_ssl_context()


class JsonApi:
    """The requests; every one ends within `REQUEST_SECONDS_MAX`, and no redirect is followed.

    Args:
        base_url: where the API is.
        headers: of every request: who asks.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        base = base_url.rstrip("/") + "/"
        timeout = httpx2.Timeout(REQUEST_SECONDS_MAX, connect=CONNECT_TIMEOUT_SECONDS)
        self._paying = httpx2.AsyncClient(
            base_url=base,
            headers=dict(headers),
            timeout=timeout,
            limits=PAYING_CONNECTIONS,
            verify=_authorities(),
        )
        self._asking = httpx2.AsyncClient(
            base_url=base, headers=dict(headers), timeout=timeout, verify=_authorities()
        )

    async def pay(self, path: str, body: dict[str, Any], headers: Mapping[str, str]) -> Answer:
        """POST what costs money, once.

        Raises:
            Again: surely nothing arrived.
            ProviderUncertain: nobody knows whether it did.
        """
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                return await _whole(self._paying, "POST", path, json=body, headers=headers)
        except NEVER_SENT as error:
            raise Again(f"The API was not reached: {error!r}.") from error
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise ProviderUncertain(f"No whole answer came: {error!r}.") from error

    async def ask(
        self, method: str, path: str, *, bytes_max: int = ANSWER_BYTES_MAX, **content: Any
    ) -> Answer:
        """What costs nothing, and may be repeated.

        Args:
            method: of HTTP.
            path: below the base.
            bytes_max: of the answer.
            content: as httpx takes it: `json`, `params`, `files`, `data`.

        Raises:
            NotTold: no whole answer.
        """
        try:
            async with asyncio.timeout(REQUEST_SECONDS_MAX):
                return await _whole(self._asking, method, path, bytes_max, **content)
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            raise NotTold(f"The API did not answer: {error!r}.") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._paying.aclose()
        await self._asking.aclose()


async def _whole(
    client: httpx2.AsyncClient,
    method: str,
    path: str,
    bytes_max: int = ANSWER_BYTES_MAX,
    **content: Any,
) -> Answer:
    """Raises ValueError if it is too large."""
    body = bytearray()
    async with client.stream(method, path, **content) as response:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > bytes_max:
                raise ValueError("the answer is too large")
    return Answer(response.status_code, response.headers, bytes(body))
