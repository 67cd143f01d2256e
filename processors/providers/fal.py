"""The provider `fal`: FLUX models through fal's queue.

A request is submitted once, and from then on it has an id: what is lost after that is asked for
again and costs nothing, also by another worker (`resume`). How it stands is what the API says; a
webhook only makes us ask at once. What fal does not charge for, a model's error or a request that
never began, is `ProviderUnavailable`; what was cancelled, forgotten or cannot be fetched may have
been paid: `ProviderUncertain`.
"""

from __future__ import annotations

import asyncio
import time

from processors.providers.asking import Asking
from processors.providers.base import (
    EDIT,
    IMAGE,
    VARIATION,
    Call,
    ImageRequest,
    News,
    ProviderError,
    ProviderRefused,
    ProviderUncertain,
)
from processors.providers.fal_api import FalApi, Made, is_reference
from processors.providers.fal_inputs import Asks
from processors.providers.fetching import SECONDS_MAX as FETCHING_SECONDS_MAX
from processors.providers.fetching import Fetcher
from processors.providers.polling import GRACE_SECONDS, Waiting, until_ended
from processors.worker import metrics
from runtime.settings import Settings


class FalProvider:
    """Draws with `FAL_MODEL`, and changes photos with the other models of its settings.

    Args:
        settings: its key, models and limits.
        news: what webhooks told of calls under way.

    Raises:
        SettingsError: a setting cannot be used.
    """

    name = "fal"
    free = False
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, settings: Settings, news: News) -> None:
        longest = max(settings.fal_timeout_seconds, settings.fal_edit_timeout_seconds)
        self.timeout_seconds = longest + 2 * GRACE_SECONDS + FETCHING_SECONDS_MAX
        self._asks = Asks(settings)
        self._asking = Asking(self.name, settings, answered="submitted")
        self._api = FalApi(settings)
        self._fetcher = Fetcher(settings)
        self._news = news

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`."""
        ask = await asyncio.to_thread(self._asks.ask, request)
        webhook = self._news.address(self.name, request.generation_id, call.attempt)
        reference = await self._asking.ask(
            call, lambda _: self._api.submit(ask.model, ask.inputs, webhook, ask.seconds)
        )
        await call.submitted(reference)
        return await self._pictures(request, call, reference)

    async def resume(self, request: ImageRequest, call: Call, provider_ref: str) -> list[bytes]:
        """See `Provider`."""
        if not is_reference(provider_ref):
            raise ProviderUncertain("The reference is none of fal's.")
        return await self._pictures(request, call, provider_ref, resumed=True)

    async def close(self) -> None:
        """See `Provider`."""
        await self._api.close()
        await self._fetcher.close()

    async def _pictures(
        self, request: ImageRequest, call: Call, reference: str, *, resumed: bool = False
    ) -> list[bytes]:
        model = self._asks.model_of(request)
        began = time.monotonic()
        outcome = "answered"
        try:
            with self._news.of(request.generation_id, call.attempt) as told:
                seconds = self._asks.seconds_of(request) + GRACE_SECONDS
                made = await until_ended(
                    Waiting(call, told, seconds, resumed),
                    lambda: self._api.find(model, reference),
                    lambda: self._api.cancel(model, reference),
                )
            return await self._shown(made, call, reference)
        except ProviderError as error:
            outcome = error.code
            raise
        finally:
            metrics.CALL_SECONDS.labels(self.name, outcome).observe(time.monotonic() - began)

    async def _shown(self, made: Made, call: Call, reference: str) -> list[bytes]:
        """Its pictures; those that the safety checker has blackened are paid all the same."""
        addresses = made.addresses
        if made.images and not addresses:
            call.wasted(len(made.images))
            raise ProviderRefused(f"The safety checker has blackened all of {reference}.")
        pictures = await self._fetcher.pictures(addresses)
        call.wasted(len(made.images) - len(pictures))
        return pictures
