"""From a sealed request to what a provider is asked for, or to why it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from commands.catalogue import KINDS, MODELS_BY_ID, QUALITIES, SIZES
from events.base import Sealed
from events.generations import GenerationRequested
from events.ids import fact_id
from events.jobs import GenerateJob
from processors.providers import ImageRequest, Provider
from processors.worker.work import Work
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.crypto.sealing import Unsealable, unseal
from runtime.errors import PixelpopError

COUNT_MAX = 4
UNKNOWN_PROVIDER = "none"
"""What a claim names where the model has no provider here."""


class CannotPerform(PixelpopError):
    """The job cannot be performed; `code` becomes the reason of `GenerationFailed`."""

    code = "cannot_perform"
    detail = "This picture could not be made. Your credits were returned."
    unexpected = False
    """Whether somebody has to look at it, so that it also goes to the DLQ."""


class KeyGone(CannotPerform):
    """The account was erased while its job waited; the job ends quietly."""

    code = "key_destroyed"
    detail = "The account was erased."


class Unreadable(CannotPerform):
    """The prompt does not open."""

    code = "unreadable_request"
    unexpected = True


class Unsupported(CannotPerform):
    """No gateway of ours asks for this."""

    code = "unsupported_request"
    unexpected = True


class NoProvider(CannotPerform):
    """Nobody here draws for the model."""

    code = "provider_unavailable"
    detail = (
        "This image model is switched off at the moment. Please choose another; your credits were "
        "returned."
    )
    unexpected = True


def makers_of(
    request: GenerationRequested, providers: Mapping[str, Provider]
) -> tuple[Provider, ...]:
    """Who draws for this model, in order; none: nobody whom this worker knows."""
    model = MODELS_BY_ID.get(request.model)
    if model is None:
        return ()
    asked = request.kind, request.size, request.quality
    supplies = model.makers(*asked) or model.providers
    known = tuple(providers[one.provider] for one in supplies if one.provider in providers)
    # Where nobody makes the kind, the first one is named in the refusal.
    able = tuple(one for one in known if request.kind in one.kinds) or known[:1]
    return tuple(one for one in able if one.name not in request.closed_providers) or able


def provider_of(providers: Mapping[str, Provider], work: Work) -> str:
    """Who is asked first for what this work wants; empty: nobody."""
    job = work.content
    makers = makers_of(job.request, providers) if isinstance(job, GenerateJob) else ()
    return makers[0].name if makers else ""


async def opened(request: GenerationRequested, keys: AccountKeys) -> ImageRequest:
    """Unseal what is personal.

    Raises:
        KeyGone, Unreadable, Unsupported: it cannot be opened or performed, now or ever.
        What the loader of the keys raises.
    """
    try:
        key = await keys.get(UUID(request.account_id))
    except KeyDestroyed as error:
        raise KeyGone(str(error)) from error
    if request.kind not in KINDS:
        raise Unsupported(f"Nobody here makes a {request.kind}.")
    if (
        request.size not in SIZES
        or request.quality not in QUALITIES
        or not 1 <= request.count <= COUNT_MAX
    ):
        raise Unsupported("Its size, quality or count is none that was ever for sale.")
    width, height = (int(side) for side in request.size.split("x"))
    try:
        return ImageRequest(
            generation_id=request.generation_id,
            kind=request.kind,
            prompt=_open(key, request, "prompt", request.prompt),
            negative_prompt=None
            if request.negative_prompt is None
            else _open(key, request, "negative_prompt", request.negative_prompt),
            style_id=request.style_id,
            width=width,
            height=height,
            indices=tuple(range(request.count)),
            seed=request.seed,
            quality=request.quality,
        )
    except Unsealable as error:
        raise Unreadable(f"The request cannot be opened: {error}") from error


def _open(key: bytes, request: GenerationRequested, field: str, sealed: Sealed) -> str:
    return unseal(
        key,
        sealed,
        account_id=UUID(request.account_id),
        event_id=UUID(fact_id(request.generation_id, "requested")),
        field=field,
    )
