"""The provider `comfyui`: workflows on a ComfyUI server of one's own.

Each call has an id that follows from what it is for, which newer servers take as their
own. So when the answer to a submission is lost, asking for the id tells whether it arrived; and
another worker asks for it too (`resume`). A server that was started anew has forgotten its queue:
`ProviderUncertain`, and one more call.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from processors.providers.asking import Asking
from processors.providers.base import (
    EDIT,
    IMAGE,
    VARIATION,
    Call,
    ImageRequest,
    ProviderError,
    ProviderRefused,
    ProviderUncertain,
)
from processors.providers.comfyui_api import ComfyUiApi, Ended, failed, is_reference
from processors.providers.photos import within
from processors.providers.polling import GRACE_SECONDS, Waiting, until_ended
from processors.providers.prompts import words_of
from processors.providers.workflow import Workflow
from processors.worker import metrics
from runtime.settings import Settings

SEEDS = 2**63
FETCHING_SECONDS_MAX = 60.0
SIDE_PIXELS_MAX = 2048
STRENGTH = {EDIT: 0.65, VARIATION: 0.5}
"""How far from the photo a picture may go, of 1."""
_PHOTO = frozenset({"photo"})
_MASK = frozenset({"photo", "mask"})


class ComfyUiProvider:
    """Draws with the workflows of its settings.

    Args:
        settings: the server, the workflows and the limits.

    Raises:
        SettingsError: a workflow cannot be used.
    """

    name = "comfyui"
    free = False
    kinds = frozenset({IMAGE, EDIT, VARIATION})

    def __init__(self, settings: Settings) -> None:
        self._wait_seconds = settings.comfyui_timeout_seconds
        self.timeout_seconds = self._wait_seconds + 2 * GRACE_SECONDS + FETCHING_SECONDS_MAX
        self._checkpoint = settings.comfyui_checkpoint
        sides = frozenset({"width", "height"})
        self._words = Workflow(settings.comfyui_workflow, "COMFYUI_WORKFLOW", sides)
        self._edit = Workflow(settings.comfyui_edit_workflow, "COMFYUI_EDIT_WORKFLOW", _PHOTO)
        self._mask = Workflow(settings.comfyui_mask_workflow, "COMFYUI_MASK_WORKFLOW", _MASK)
        self._asking = Asking(self.name, settings, answered="submitted")
        self._api = ComfyUiApi(settings)

    async def generate(self, request: ImageRequest, call: Call) -> list[bytes]:
        """See `Provider`."""
        workflow = self._workflow_of(request)
        chosen = _id_of(request, call)

        async def submit(_: int) -> str:
            values = await self._values(request, chosen)
            return await self._api.submit(workflow.filled(request.quality, values), chosen)

        async with self._watched(request, call) as over:
            reference = await self._asking.ask(call, submit)
            await call.submitted(reference)
            return await self._pictures(request, Waiting(call, over, self._wait_seconds), reference)

    async def resume(self, request: ImageRequest, call: Call, provider_ref: str) -> list[bytes]:
        """See `Provider`."""
        if not is_reference(provider_ref):
            raise ProviderUncertain("The reference is none of ComfyUI's.")
        async with self._watched(request, call) as over:
            waiting = Waiting(call, over, self._wait_seconds, resumed=True)
            return await self._pictures(request, waiting, provider_ref)

    async def close(self) -> None:
        """See `Provider`."""
        await self._api.close()

    def _watched(
        self, request: ImageRequest, call: Call
    ) -> AbstractAsyncContextManager[asyncio.Event]:
        """What the server tells: it previews the first picture of a workflow."""
        show = partial(call.show, request.indices[0])
        return self._api.watching.of(_id_of(request, call), show)

    async def _pictures(
        self, request: ImageRequest, waiting: Waiting, reference: str
    ) -> list[bytes]:
        began = time.monotonic()
        outcome = "answered"
        try:
            ended: Ended = await until_ended(
                waiting,
                lambda: self._api.ended(reference),
                lambda: self._api.cancel(reference),
            )
            if not ended.has_succeeded:
                raise failed(reference)
            files = ended.files(self._workflow_of(request).outputs)[: request.count]
            if not files:
                # Nodes that check what was made leave out what they would not show.
                raise ProviderRefused(f"Workflow {reference} shows nothing.")
            pictures = list(await asyncio.gather(*[self._api.picture(one) for one in files]))
            await self._api.forget(reference)
        except ProviderError as error:
            outcome = error.code
            raise
        else:
            return pictures
        finally:
            metrics.CALL_SECONDS.labels(self.name, outcome).observe(time.monotonic() - began)

    def _workflow_of(self, request: ImageRequest) -> Workflow:
        if request.kind not in {EDIT, VARIATION}:
            return self._words
        if not request.photos:
            raise ProviderError("There is no photo to change.")
        return self._edit if request.mask is None else self._mask

    async def _values(self, request: ImageRequest, name: str) -> dict[str, Any]:
        values: dict[str, Any] = {
            "prompt": words_of(request),
            "negative_prompt": request.negative_prompt or "",
            "width": request.width,
            "height": request.height,
            "count": request.count,
            "seed": (request.seed + request.indices[0]) % SEEDS,
            "checkpoint": self._checkpoint,
        }
        if request.kind in {EDIT, VARIATION}:
            values["strength"] = STRENGTH[request.kind]
            photo = await asyncio.to_thread(within, request.photos[0], SIDE_PIXELS_MAX)
            values["photo"] = await self._api.upload(photo, f"{name}.png")
            if request.mask is not None:
                mask = await asyncio.to_thread(within, request.mask, SIDE_PIXELS_MAX)
                values["mask"] = await self._api.upload(mask, f"{name}-mask.png")
        return values


def _id_of(request: ImageRequest, call: Call) -> str:
    """Another one where other pictures are wanted of the same call, as after an unsafe one."""
    about = (call.attempt, request.seed, *request.indices)
    return str(uuid5(UUID(request.generation_id), f"comfyui/{'/'.join(map(str, about))}"))
