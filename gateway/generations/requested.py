"""From the body of `POST /generations` to the event that is appended."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

import msgspec

from commands.choosing import chosen_model
from commands.moderation import moderate
from commands.requests import (
    LATER_KINDS,
    SEED_MAX,
    EditRequest,
    ImageRequest,
    Request,
    VariationRequest,
    checked,
    kind_of,
    nearest_size,
)
from events.base import Sealed
from events.generations import GenerationRequested
from events.ids import GenerationId, fact_id
from gateway.generations.sources import sources_of
from gateway.identity.signed_in import Account
from gateway.web.errors import Problem
from gateway.web.http import Headers, decode_json
from runtime.crypto.sealing import seal

if TYPE_CHECKING:
    from gateway.deps import Deps

_decoder = msgspec.json.Decoder(ImageRequest)
_decoder_of_kinds: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_KIND_NAME: Final = b'"kind"'
_encoder = msgspec.json.Encoder()


class _Kind(msgspec.Struct):
    kind: str = ""


_kind_decoder = msgspec.json.Decoder(_Kind)


class Submission(NamedTuple):
    """A request that may be appended."""

    account: Account
    generation_id: GenerationId
    request: Request
    body_mac: str


def decoded(headers: Headers, body: bytes) -> Request:
    """The request, trimmed and checked; one that names no kind is of the kind `image`.

    Raises:
        Problem, InvalidRequest: it cannot be used.
    """
    return checked(_decode(headers, body))


def _decode(headers: Headers, body: bytes) -> Request:
    try:
        if _KIND_NAME in body and _kind(body):
            return decode_json(headers, body, _decoder_of_kinds)
        return decode_json(headers, body, _decoder)
    except Problem as problem:
        if problem.code == "invalid-request" and _kind(body) in LATER_KINDS:
            raise Problem(
                "kind-not-available",
                f"Generations of the kind {_kind(body)} are not available yet.",
            ) from None
        raise


def _kind(body: bytes) -> str:
    try:
        return _kind_decoder.decode(body).kind
    except (msgspec.DecodeError, RecursionError):
        return ""


def mac_of(account: Account, request: Request) -> str:
    """What tells a repetition from another request; the field order of the struct is canonical."""
    return hmac.digest(account.mac_key, _encoder.encode(request), "sha256").hex()


async def event_of(deps: Deps, submission: Submission) -> GenerationRequested:
    """What is appended.

    Raises:
        Problem, InvalidRequest: it is not on offer, or what it begins with is not there.
        PixelpopError: a server is away.
    """
    account, generation_id, request, mac = submission
    model = chosen_model(request, deps.offer.default, deps.offer.providers)
    sources = await sources_of(deps, account, request)
    size = request.size
    if size is None:
        assert sources.width is not None
        assert sources.height is not None
        size = nearest_size(model.sizes, sources.width, sources.height)
    event_id = UUID(fact_id(generation_id, "requested"))
    makers = [
        one
        for one in model.makers(kind_of(request), size, request.quality)
        if one.provider in deps.offer.providers
    ]
    spent = await deps.spending.closed()
    closed = tuple(one.provider for one in makers if one.is_paid and one.provider in spent)
    over = bool(makers) and len(closed) == len(makers)

    def sealed(text: str, field: str) -> Sealed:
        return Sealed(
            seal(account.key, text, account_id=account.uuid, event_id=event_id, field=field)
        )

    negative = request.negative_prompt
    return GenerationRequested(
        account_id=account.account_id,
        occurred_at_ms=deps.clock.now_ms(),
        generation_id=generation_id,
        kind=kind_of(request),
        prompt=sealed(request.prompt or "", "prompt"),
        negative_prompt=None if negative is None else sealed(negative, "negative_prompt"),
        style_id=request.style_id,
        size=size,
        count=request.count,
        seed=_seed(generation_id) if request.seed is None else request.seed,
        model=model.id,
        quality=request.quality,
        body_mac=mac,
        via_api=account.via == "api_key",
        closed_providers=closed,
        over_budget=over,
        prohibited=moderate(request.prompt or "", negative=negative),
        upload_ids=request.upload_ids if isinstance(request, EditRequest) else (),
        mask_upload_id=request.mask_upload_id if isinstance(request, EditRequest) else None,
        parent_image_id=request.parent_image_id if isinstance(request, VariationRequest) else None,
        photo_keys=sources.photo_keys,
        mask_key=sources.mask_key,
    )


def _seed(generation_id: str) -> int:
    """Any number, but the same one for the same generation."""
    return int.from_bytes(sha256(generation_id.encode()).digest()[:8], "big") % (SEED_MAX + 1)
