"""From a claim to pictures that are stored: what is there already, and what must still be made.

A worker that was killed may have stored some pictures of a call. They are kept, and only the
others are asked for, once; when that cannot be done, what is stored is delivered without them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial

import structlog

from events.generations import Image
from events.jobs import GenerateJob
from processors.images import Prepared
from processors.pictures.finishing import Finishing
from processors.pictures.notes import Notes
from processors.providers import ImageRequest, ProviderError
from processors.worker.calling import Caller
from processors.worker.claims import Claim, LeaseLost
from processors.worker.inspecting import Inspection, with_other_seed
from processors.worker.live import STORING_PERCENT
from processors.worker.storing import Gallery
from processors.worker.tools import Tools

_log = structlog.get_logger(__name__)


class Unusable(ProviderError):
    """The provider answered, and not one picture of it can be delivered."""

    code = "provider_unusable"
    detail = "The image model's answer could not be used. Your credits were returned."


class Maker:
    """Makes the pictures of one job.

    Args:
        tools: the worker's.
        job: what to make.
        caller: its calls.
        gallery: its objects.
        inspection: looks at what it is made of, and at what is made.
    """

    def __init__(
        self,
        tools: Tools,
        job: GenerateJob,
        caller: Caller,
        gallery: Gallery,
        inspection: Inspection,
    ) -> None:
        self._tools = tools
        self._job = job
        self._caller = caller
        self._gallery = gallery
        self._inspection = inspection
        self.trouble: Exception | None = None
        """Why somebody should look at a job of which not all could be made."""

    async def images(
        self, found: Claim | None, request: ImageRequest, kept: contextlib.ExitStack
    ) -> tuple[Image, ...]:
        """Make all pictures that can be made; returns at least one, by their indices.

        Args:
            found: where an earlier holder left the claim; None: nobody called yet.
            request: what to draw.
            kept: keeps the leases of further attempts.

        Raises:
            ProviderError: there is no picture.
            LeaseLost: another worker goes on.
        """
        if found is None:
            return _ordered(await self._make(None, request, request.indices, {}, kept))
        stored = await self._stored(request)
        self._caller.books.found(found, len(stored))
        missing = found.missing(request.indices, stored)
        whole = {index: image for index, image in stored.items() if image is not None}
        if not whole:
            return _ordered(await self._make(found, request, missing, {}, kept))
        if missing:
            _log.info("pictures of a lost call are missing", missing=missing, stored=len(whole))
            whole |= await self._try_to_make(found, request, missing, whole, kept)
        return _ordered(whole)

    async def _try_to_make(
        self,
        found: Claim,
        request: ImageRequest,
        missing: tuple[int, ...],
        whole: dict[int, Image],
        kept: contextlib.ExitStack,
    ) -> dict[int, Image]:
        """Make what is missing; whatever goes wrong then, what is stored will be delivered."""
        try:
            return await self._make(found, request, missing, whole, kept)
        except LeaseLost:
            raise
        except Exception as error:  # noqa: BLE001  told; a bug must not cost what is stored
            _log.warning("missing pictures were not made", missing=missing, error=repr(error))
            if not (isinstance(error, ProviderError) and error.expected):
                self.trouble = error
        # Some may be there all the same: by us, or by the worker that was thought dead.
        stored = await self._stored(request)
        return {index: image for index, image in stored.items() if image is not None}

    async def _make(
        self,
        found: Claim | None,
        request: ImageRequest,
        missing: tuple[int, ...],
        whole: dict[int, Image],
        kept: contextlib.ExitStack,
    ) -> dict[int, Image]:
        job, caller = self._job, self._caller
        if not missing:
            raise Unusable("What is stored is no picture.")
        if not whole and (found is None or found.state == "submitting"):
            await self._inspection.before(await caller.with_photos(request))
        pictures = await caller.pictures(found, request, missing, kept, some_stored=bool(whole))
        self._tools.live.tell(job.account_id, job.generation_id, "storing", STORING_PERCENT)
        prepared = await self._gallery.prepare(pictures, await self._finishing(request))
        if not prepared:
            raise Unusable(f"{len(pictures)} pictures came, none of them usable.")
        shown, withheld = await self._inspection.sort(prepared, round_=1)
        stored = await self._store(shown, missing, whole)
        if withheld and self._inspection.may_try_again and caller.may_call_again():
            stored |= await self._instead(request, withheld, whole | stored, kept)
        if stored:
            return stored
        if withheld:
            raise self._inspection.refusal()
        raise Unusable("Other objects, which are no pictures, stand in their place.")

    async def _store(
        self, pictures: dict[int, Prepared], missing: Sequence[int], whole: dict[int, Image]
    ) -> dict[int, Image]:
        if not pictures:
            return {}
        caller = self._caller
        if len(pictures) < len(missing):
            # Otherwise whoever finds only these would take the others for lost.
            expected = sorted(pictures.keys() | whole.keys())
            await caller.patiently(partial(self._tools.claims.answered, caller.held, expected))
        await caller.still_held()
        return await caller.patiently(partial(self._gallery.store, pictures))

    async def _instead(
        self,
        request: ImageRequest,
        withheld: tuple[int, ...],
        whole: dict[int, Image],
        kept: contextlib.ExitStack,
    ) -> dict[int, Image]:
        """Make others, once, for those that may not be shown; what fails then is just missing."""
        caller, other = self._caller, with_other_seed(request)
        await caller.call_again(withheld, kept)
        try:
            pictures = await caller.pictures(None, other, withheld, kept, some_stored=bool(whole))
        except ProviderError as error:
            _log.warning("no other pictures were made", missing=withheld, error=error)
            if not error.expected:
                self.trouble = error
            return {}
        prepared = await self._gallery.prepare(pictures, await self._finishing(other))
        shown, _ = await self._inspection.sort(prepared, round_=2)
        return await self._store(shown, withheld, whole)

    async def _finishing(self, request: ImageRequest) -> Finishing:
        """What is done to each picture before it is stored."""
        asked, choices = self._job.request, self._tools.choices
        tells = choices is not None and await choices.prompt_in_files(asked.account_id)
        notes = Notes(
            kind=asked.kind,
            model=asked.model,
            provider=self._caller.provider_name,
            style_id=asked.style_id,
            size=asked.size,
            quality=asked.quality,
            seed=request.seed,
            index=0,
            prompt=request.prompt if tells else None,
        )
        return Finishing(notes, self._tools.signer)

    async def _stored(self, request: ImageRequest) -> dict[int, Image | None]:
        return await self._caller.patiently(partial(self._gallery.find, request.indices))


def _ordered(images: dict[int, Image]) -> tuple[Image, ...]:
    return tuple(images[index] for index in sorted(images))
