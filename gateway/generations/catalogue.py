"""What can be asked for: `/styles`, `/models`, `/packs`. The same for everybody, and cached."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec
from litestar import Request, get
from litestar.types import ASGIApp

from commands.catalogue import PACKS, STYLES
from gateway.api.contract import contract
from gateway.api.documents import (
    PackDocument,
    Packs,
    StyleDocument,
    Styles,
)
from gateway.api.model_documents import ModelDocument, Models
from gateway.generations.models import Offer
from gateway.money.spending import Medians
from gateway.web.errors import Answer
from gateway.web.http import header_in
from gateway.web.replies import JSON, Reply, deps_of

CACHED: Final = (
    "Cached for five minutes; send `If-None-Match` with the `ETag` to be told 304 while nothing "
    "has changed."
)
CACHE: Final = (b"cache-control", b"public, max-age=300")


@get(
    "/styles",
    opt=contract(
        "Catalogue",
        "list_styles",
        "The styles that a picture can have.",
        {200: Styles, 304: None},
        public=True,
        details="Their ids go into `style_id` of POST /generations. " + CACHED,
    ),
)
async def get_styles(request: Request[Any, Any, Any]) -> ASGIApp:
    """All styles."""
    return _cached(request, _styles())


@get(
    "/models",
    opt=contract(
        "Catalogue",
        "list_models",
        "The image models, with their prices and sizes.",
        {200: Models, 304: None},
        public=True,
        details=(
            "Only models that this installation can use. A picture costs `credits_per_image` of "
            "the quality that is asked for; the model with `default` makes what names none. "
            + CACHED
        ),
    ),
)
async def get_models(request: Request[Any, Any, Any]) -> ASGIApp:
    """The models whose provider is configured."""
    deps = deps_of(request)
    return _cached(request, _models(deps.offer, await deps.spending.medians()))


@get(
    "/packs",
    opt=contract(
        "Catalogue",
        "list_packs",
        "The packs of credits on sale.",
        {200: Packs, 304: None},
        public=True,
        details="Their prices are in Telegram Stars; buy one with POST /purchases. " + CACHED,
    ),
)
async def get_packs(request: Request[Any, Any, Any]) -> ASGIApp:
    """All packs."""
    return _cached(request, _packs())


@lru_cache(maxsize=1)
def _styles() -> bytes:
    return _encode(
        Styles,
        [
            StyleDocument(id=one.id, name=one.name, description=one.description, model=one.model)
            for one in STYLES
        ],
    )


@lru_cache(maxsize=4)
def _models(offer: Offer, medians: Medians) -> bytes:
    seconds = dict(medians)
    return _encode(
        Models,
        [
            ModelDocument(
                id=one.id,
                name=one.name,
                provider=one.supplies(offer.providers)[0].provider,
                credits_per_image=one.credits_per_image,
                qualities=one.qualities,
                capabilities=one.capabilities,
                credits_by_kind={kind: one.credits_for(kind) for kind in one.capabilities},
                photos_max=one.photos_max,
                masks=one.masks,
                from_photos_max=one.from_photos_max,
                sizes=one.sizes,
                median_seconds=seconds.get(one.id),
                default=one.id == offer.default,
            )
            for one in offer.models
        ],
    )


@lru_cache(maxsize=1)
def _packs() -> bytes:
    return _encode(
        Packs,
        [
            PackDocument(
                id=one.id,
                name=one.name,
                credits=one.credits,
                stars=one.stars,
                period_days=one.period_days,
            )
            for one in PACKS
        ],
    )


def _encode(kind: Callable[..., Any], items: list[Any]) -> bytes:
    return msgspec.json.encode(kind(items=tuple(items)))


def _cached(request: Request[Any, Any, Any], body: bytes) -> Reply:
    """The body, or 304 if the client has it already."""
    etag = b'"' + sha256(body).hexdigest()[:32].encode() + b'"'
    wanted = header_in(request.scope["headers"], b"if-none-match") or b""
    headers = [CACHE, (b"etag", etag)]
    known = {one.strip().removeprefix(b"W/") for one in wanted.split(b",")}
    if etag in known or b"*" in known:
        return Reply(Answer(304, headers, b""))
    return Reply(Answer(200, [JSON, *headers], body))
