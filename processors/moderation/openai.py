"""OpenAI's moderation endpoint, for texts and pictures. It costs nothing: it may be asked again."""

from __future__ import annotations

import base64
import time
from typing import Any, Final

import openai
from openai import AsyncOpenAI

from processors.moderation.base import Checked, CheckUnavailable
from processors.providers.retry_after import retry_after_seconds
from runtime.settings import Settings

REASONS: Final = {
    "sexual/minors": "minors",
    "sexual": "sexual",
    "self-harm/instructions": "self-harm",
    "self-harm/intent": "self-harm",
    "self-harm": "self-harm",
    "hate/threatening": "hate",
    "hate": "hate",
    "harassment/threatening": "harassment",
    "harassment": "harassment",
    "illicit/violent": "weapons",
    "illicit": "illicit",
    "violence/graphic": "violence",
    "violence": "violence",
}
"""Its categories, the gravest first, and what they are called here."""
_PASSING: Final = {408, 409, 429}
_SERVER_ERROR: Final = 500


class OpenAIChecker:
    """Asks `OPENAI_MODERATION_MODEL`."""

    name = "openai"

    def __init__(self, settings: Settings) -> None:
        self.version = settings.openai_moderation_model
        self._tolerated = frozenset(settings.moderation_tolerated.replace(" ", "").split(","))
        self._client = AsyncOpenAI(
            api_key=settings.openai_api_key,
            base_url=settings.openai_base_url,
            max_retries=0,
            timeout=settings.moderation_timeout_seconds,
        )

    async def text(self, text: str) -> Checked:
        """See `Checker`."""
        return await self._ask([{"type": "text", "text": text}])

    async def picture(self, jpeg: bytes) -> Checked:
        """See `Checker`."""
        url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
        return await self._ask([{"type": "image_url", "image_url": {"url": url}}])

    async def close(self) -> None:
        """See `Checker`."""
        await self._client.close()

    async def _ask(self, what: Any) -> Checked:
        try:
            answer = await self._client.moderations.create(model=self.version, input=what)
            (said,) = answer.results
            flagged = {
                name for name, value in said.categories.model_dump(by_alias=True).items() if value
            }
            is_flagged = said.flagged
        except openai.APIStatusError as error:
            status = error.status_code
            raise CheckUnavailable(
                f"The moderation endpoint answered {status}.",
                retryable=status in _PASSING or status >= _SERVER_ERROR,
                retry_after_seconds=retry_after_seconds(error.response.headers, time.time()),
            ) from error
        except openai.APIConnectionError as error:
            said_so = f"The moderation endpoint did not answer: {error.__cause__!r}."
            raise CheckUnavailable(said_so) from error
        except (openai.APIError, ValueError, TypeError, AttributeError) as error:
            # The package hands on whatever came with a 200.
            raise CheckUnavailable("The moderation endpoint's answer cannot be read.") from error
        if not isinstance(is_flagged, bool):
            raise CheckUnavailable("The moderation endpoint's answer cannot be read.")
        return self._judged(flagged)

    def _judged(self, flagged: set[str]) -> Checked:
        against = flagged - self._tolerated
        if not against:
            return Checked()
        known = [name for name in REASONS if name in against]
        rule_id = known[0] if known else min(against)
        return Checked(rule_id, REASONS.get(rule_id, "other"))
