"""What the checkers at Amazon share: connections, and what their errors mean."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

import aioboto3
from aiohttp import ClientError as HttpError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from processors.moderation.base import CheckUnavailable
from runtime.settings import Settings

_PASSING: Final = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "InternalServerError",
        "InternalServerException",
        "ServiceUnavailableException",
        "ModelTimeoutException",
        "ModelNotReadyException",
        "ModelErrorException",
    }
)
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


class AwsClient:
    """A client of one service, opened when it is first needed and closed at the end.

    Args:
        service: `bedrock-runtime` or `rekognition`.
        settings: where it is and by which key it is asked.
    """

    def __init__(self, service: str, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._stack = contextlib.AsyncExitStack()
        self._client: Any = None
        self._opening = asyncio.Lock()

    async def get(self) -> Any:
        """The client."""
        async with self._opening:
            if self._client is None:
                self._client = await self._stack.enter_async_context(self._new())
        return self._client

    async def close(self) -> None:
        """Close its connections."""
        await self._stack.aclose()

    def _new(self) -> Any:
        settings = self._settings
        timeout = settings.moderation_timeout_seconds
        return aioboto3.Session().client(
            self._service,
            region_name=settings.moderation_aws_region,
            endpoint_url=settings.moderation_aws_endpoint_url,
            aws_access_key_id=settings.moderation_aws_access_key_id,
            aws_secret_access_key=settings.moderation_aws_secret_access_key,
            config=Config(
                connect_timeout=timeout,
                read_timeout=timeout,
                retries={"mode": "standard", "total_max_attempts": 1},  # we count them ourselves
            ),
        )


@contextlib.asynccontextmanager
async def asking(service: str) -> AsyncIterator[None]:
    """Inside, errors of the SDK become `CheckUnavailable`."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise CheckUnavailable(
            f"{service} answered {status} ({code}).",
            retryable=code in _PASSING or status == _TOO_MANY or status >= _SERVER_ERROR,
        ) from error
    except (BotoCoreError, HttpError, TimeoutError, OSError) as error:
        raise CheckUnavailable(f"{service} did not answer: {type(error).__name__}.") from error
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        # The SDK's parsers stumble over answers of another shape.
        raise CheckUnavailable(f"{service}'s answer cannot be read.") from error
