"""The provider `replicate`: FLUX models through Replicate's predictions API.

A prediction is created once, and from then on it has an id: what is lost after that is asked for
again and costs nothing, also by another worker (`resume`). How it stands is what the API says;
a webhook only makes us ask at once. Each call ends in one of these:

- refused, failed, never started: nothing was paid (`ProviderRefused`, `ProviderError`,
  `ProviderUnavailable`);
- cancelled while it ran, forgotten, or made and not to be fetched: it may have been paid, and there
  is no picture (`ProviderUncertain`);
- made, and of no use (`ProviderUnusable`).
"""

from __future__ import annotations

import asyncio
import time
from math import gcd
from typing import Any

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
    ProviderUnavailable,
    ProviderUncertain,
)
from processors.providers.fetching import SECONDS_MAX as FETCHING_SECONDS_MAX
from processors.providers.fetching import Fetcher
from processors.providers.further import Further
from processors.providers.photos import in_base64, small_enough
from processors.providers.polling import GRACE_SECONDS, Waiting, until_ended
from processors.providers.prompts import prompt_of, prompt_of_photos
from processors.providers.replicate_api import Prediction, ReplicateApi, is_reference
from processors.worker import metrics
from runtime.settings import Settings

SEEDS = 2**31
PHOTO_SIDE_PIXELS = 1024
"""Of a photo that is to be changed: these models draw about a megapixel."""
PHOTO_BYTES_MAX = 190_000
"""As a `data:` address these are the 256 kB up to which Replicate asks for one."""
OURS = frozenset({"prompt", "seed"})
"""Inputs that come with each request and from nowhere else."""


class ReplicateProvider:
    """Draws with `REPLICATE_MODEL`, and changes photos with `REPLICATE_EDIT_MODEL`.

    Args:
        settings: its token, addresses and limits.
        news: what webhooks told of calls under way.

    Raises:
        SettingsError: a setting cannot be used.
    """

    name = "replicate"
    free = False
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, settings: Settings, news: News) -> None:
        self._wait_seconds = settings.replicate_timeout_seconds + GRACE_SECONDS
        self.timeout_seconds = self._wait_seconds + GRACE_SECONDS + FETCHING_SECONDS_MAX
        self._model = settings.replicate_model
        self._edit_model = settings.replicate_edit_model
        self._further = Further(settings.replicate_inputs, "REPLICATE_INPUTS", OURS)
        self._asking = Asking(self.name, settings, answered="submitted")
        self._api = ReplicateApi(settings)
        self._fetcher = Fetcher(settings)
        self._news = news

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`."""
        webhook = self._news.address(self.name, request.generation_id, call.attempt)
        if request.kind == IMAGE:
            model, inputs = self._model, inputs_of(request, self._further)
        else:
            model, inputs = self._edit_model, await asyncio.to_thread(inputs_of_edit, request)
        prediction = await self._asking.ask(
            call, lambda _: self._api.submit(model, inputs, webhook)
        )
        await call.submitted(prediction.id)
        return await self._pictures(request, call, prediction)

    async def resume(self, request: ImageRequest, call: Call, provider_ref: str) -> list[bytes]:
        """See `Provider`."""
        if not is_reference(provider_ref):
            raise ProviderUncertain("The reference is none of Replicate's.")
        waiting = Prediction(id=provider_ref, status="starting")
        return await self._pictures(request, call, waiting, resumed=True)

    async def close(self) -> None:
        """See `Provider`."""
        await self._api.close()
        await self._fetcher.close()

    async def _pictures(
        self,
        request: ImageRequest,
        call: Call,
        prediction: Prediction,
        *,
        resumed: bool = False,
    ) -> list[bytes]:
        began = time.monotonic()
        outcome = "answered"
        try:
            with self._news.of(request.generation_id, call.attempt) as told:
                waiting = Waiting(call, told, self._wait_seconds, resumed)
                ended = await self._ended(waiting, prediction)
            return await self._fetcher.pictures(_addresses(ended))
        except ProviderError as error:
            outcome = error.code
            raise
        finally:
            seconds = time.monotonic() - began
            metrics.CALL_SECONDS.labels(self.name, outcome).observe(seconds)

    async def _ended(self, waiting: Waiting, prediction: Prediction) -> Prediction:
        if prediction.has_ended:
            return prediction

        async def find() -> Prediction | None:
            found = await self._api.find(prediction.id)
            if found is None:
                raise ProviderUncertain(f"Replicate knows no prediction {prediction.id} any more.")
            return found if found.has_ended else None

        return await until_ended(waiting, find, lambda: self._api.cancel(prediction.id))


def inputs_of(request: ImageRequest, further: Further) -> dict[str, Any]:
    """What a FLUX model is asked for.

    Args:
        request: what to draw.
        further: inputs of this model alone.
    """
    divisor = gcd(request.width, request.height)
    inputs = {
        "prompt": prompt_of(request),
        "aspect_ratio": f"{request.width // divisor}:{request.height // divisor}",
        "num_outputs": request.count,
        # Pictures that are made again after a lost call must not be those that are there.
        "seed": (request.seed + request.indices[0]) % SEEDS,
        "output_format": "png",
        "go_fast": request.quality == "standard",
    }
    return further.added_to(inputs)


def inputs_of_edit(request: ImageRequest) -> dict[str, Any]:
    """What a FLUX Kontext model is asked for; it draws one picture, in its photo's shape.

    The photo goes along as a `data:` address, so that it lies nowhere else, and is made small
    enough for one.

    Raises:
        ProviderError: there is no photo, or it cannot be read.
    """
    if not request.photos:
        raise ProviderError("There is no photo to change.")
    photo = small_enough(request.photos[0], PHOTO_SIDE_PIXELS, PHOTO_BYTES_MAX)
    return {
        "prompt": prompt_of_photos(request),
        "input_image": f"data:{photo.content_type};base64,{in_base64(photo)}",
        "aspect_ratio": "match_input_image",
        "seed": (request.seed + request.indices[0]) % SEEDS,
        "output_format": "png",
    }


def _addresses(ended: Prediction) -> list[str]:
    """Where the pictures are.

    Raises:
        ProviderError: there are none; which one says what was paid.
    """
    # Its error may repeat the prompt, so it is not shown: who runs this finds it by the id.
    said = f"Prediction {ended.id} is {ended.status}."
    match ended.status:
        case "succeeded":
            return ended.addresses
        case "failed":
            raise ProviderRefused(said) if ended.was_refused else ProviderError(said)
        case "aborted":
            raise ProviderUnavailable(said)
        case _:
            raise ProviderUncertain(said)
