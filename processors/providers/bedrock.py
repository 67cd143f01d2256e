"""The providers `bedrock-titan` and `bedrock-sdxl`: Amazon's image models through aioboto3.

The answer is the picture, and a call has no id, so nothing can be asked for later: a call whose
answer is lost is `ProviderUncertain`. The SDK's own retries are off (`total_max_attempts=1`), and
each call has a connection of its own. Throttling is tried again; a validation error is final, and
is a refusal where it says that the words were filtered.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
from functools import partial
from typing import Any

import aioboto3
import msgspec
import structlog
from aiobotocore.config import AioConfig
from aiohttp import ClientError as HttpError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
)
from botocore.parsers import ResponseParserError

from processors.providers.asking import (
    CONNECT_TIMEOUT_SECONDS,
    CONNECTIONS_MAX,
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
    ProviderError,
    ProviderMisconfigured,
    ProviderRefused,
    ProviderUnavailable,
    ProviderUncertain,
    ProviderUnusable,
)
from processors.providers.bedrock_bodies import Family, Sdxl, Titan
from processors.providers.fetching import is_picture
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

ANSWER_BYTES_MAX = 50_000_000
CHUNK_BYTES = 65_536
_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_SENT = (HTTPClientError, ResponseParserError, HttpError, TimeoutError, OSError, ValueError)
_REFUSALS = re.compile(r"content (filter|polic)|\bAUP\b|responsible ai|moderat", re.IGNORECASE)
_INVALID = "ValidationException"
_NOT_NOW = {"ServiceQuotaExceededException", "ModelErrorException"}
FAMILIES: dict[str, Family] = {"bedrock-titan": Titan(), "bedrock-sdxl": Sdxl()}


@functools.cache
def _session() -> Any:
    """Reads what it knows of Amazon's services once, which takes a while."""
    return aioboto3.Session()


class BedrockProvider(AnswersInPlace):
    """Draws with one model.

    Args:
        name: of `FAMILIES`.
        model: the model's id or ARN.
        settings: where it runs, by which key, for how long.
    """

    free = False
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, name: str, model: str, settings: Settings) -> None:
        self.name = name
        self.timeout_seconds = settings.bedrock_timeout_seconds
        self._model = model
        self._family = FAMILIES[name]
        self._settings = settings
        self._asking = Asking(name, settings)
        self._stack = contextlib.AsyncExitStack()
        self._opened: Any = None
        self._opening = asyncio.Lock()

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`; where a model makes one picture a call, several are asked at once."""
        bodies = await asyncio.to_thread(self._family.bodies, request)
        outcomes = await asyncio.gather(
            *[self._asking.ask(call, partial(self._try, body)) for body in bodies],
            return_exceptions=True,
        )
        pictures: list[bytes] = []
        errors: list[BaseException] = []
        for one in outcomes:
            if isinstance(one, BaseException):
                errors.append(one)
            else:
                pictures += one
        for error in errors:
            if not isinstance(error, ProviderError):
                raise error
        shown = [one for one in pictures if is_picture(one)]
        if shown:
            await self._tell(call, errors)
        elif pictures:
            raise ProviderUnusable("What the model made is no picture.")
        elif errors:
            # What may have been paid says more than what was not.
            errors.sort(key=lambda error: not isinstance(error, ProviderUncertain))
            raise errors[0]
        return shown

    async def close(self) -> None:
        """See `Provider`."""
        await self._stack.aclose()

    async def _tell(self, call: Call, errors: list[BaseException]) -> None:
        """Of requests that failed beside some that did not."""
        for error in errors:
            _log.warning("one of several pictures was not made", error=error)
        lost = [error for error in errors if isinstance(error, ProviderUncertain)]
        if lost:
            await call.lost(lost[0], len(lost))

    async def _try(self, body: dict[str, Any], _: int) -> list[bytes]:
        client = await self._client()
        try:
            async with asyncio.timeout(self.timeout_seconds + CONNECT_TIMEOUT_SECONDS):
                answer = await client.invoke_model(
                    modelId=self._model,
                    body=msgspec.json.encode(body),
                    contentType="application/json",
                    accept="application/json",
                )
                made = await _whole(answer["body"])
            return self._family.pictures(made)
        except ClientError as error:
            raise _said_no(error) from error
        except _NEVER_SENT as error:
            raise Again(f"Bedrock was not reached: {type(error).__name__}.") from error
        except _SENT as error:
            raise ProviderUncertain(f"No whole answer came: {type(error).__name__}.") from error
        except BotoCoreError as error:
            # Before anything was sent: no key, no such region, a parameter of a wrong shape.
            raise ProviderMisconfigured(f"Bedrock cannot be asked: {error}") from error

    async def _client(self) -> Any:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._new())
        return self._opened

    def _new(self) -> Any:
        settings = self._settings
        return _session().client(
            "bedrock-runtime",
            region_name=settings.bedrock_region,
            endpoint_url=settings.bedrock_endpoint_url,
            aws_access_key_id=settings.bedrock_access_key_id,
            aws_secret_access_key=settings.bedrock_secret_access_key,
            config=AioConfig(
                # A kept connection may be closed just as a request is sent on it.
                connector_args={"force_close": True, "keepalive_timeout": None},
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=self.timeout_seconds,
                max_pool_connections=CONNECTIONS_MAX,
                retries={"mode": "standard", "total_max_attempts": 1},
            ),
        )


async def _whole(body: Any) -> bytes:
    """Raises ValueError if it is too large."""
    made = bytearray()
    async with body:
        async for chunk in body.iter_chunks(CHUNK_BYTES):
            made += chunk
            if len(made) > ANSWER_BYTES_MAX:
                raise ValueError("the answer is too large")
    return bytes(made)


def _said_no(error: ClientError) -> ProviderError:
    code = error.response.get("Error", {}).get("Code", "")
    metadata = error.response.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    said = f"Bedrock answered {status} ({code})."
    if code == _INVALID:
        # What it says may repeat the prompt, so it is looked at and not shown.
        refused = _REFUSALS.search(error.response["Error"].get("Message", "")) is not None
        return ProviderRefused(said) if refused else ProviderError(said)
    if code in _NOT_NOW:
        return ProviderUnavailable(said)
    return not_now(status, metadata.get("HTTPHeaders", {}), said) or ProviderMisconfigured(said)
