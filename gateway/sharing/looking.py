"""Where links lead: the page for people, its picture, the same for programs; and for Telegram."""

from __future__ import annotations

import time
from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.types import ASGIApp

from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.deps import Deps
from gateway.sharing.addresses import photo_of
from gateway.sharing.documents import SharedDocument
from gateway.sharing.making import ms
from gateway.sharing.opening import find_picture, find_shared
from gateway.sharing.page import gone_page, preferred_language, shared_page
from gateway.sharing.passes import read_pass
from gateway.sharing.photos import SIDE_PIXELS_MAX, THUMBNAIL_PIXELS
from gateway.web.errors import Answer, Problem
from gateway.web.http import header_in
from gateway.web.replies import Reply, deps_of, reply

GONE: Final = "No link with this code is open."
NO_PICTURE: Final = "There is no picture at this address any more."


@get(
    "/shared/{code:str}",
    opt=contract(
        "Sharing",
        "read_shared",
        "What a link leads to.",
        {200: SharedDocument},
        public=True,
        details=(
            "For an app that makes one like it, with style and prompt filled in. The code is the "
            "end of the link's address; in Telegram it is the start parameter without its `s_`. "
            "A link that ended is not found, like one that never was."
        ),
    ),
)
async def read(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIApp:
    """What there is to make another of."""
    deps = deps_of(request)
    shared = await find_shared(deps, code)
    if shared is None:
        raise Problem("not-found", GONE)
    document = SharedDocument(
        style_id=shared.style_id,
        prompt=shared.prompt,
        size=shared.size,
        photo_url=photo_of(deps.settings, code),
        width=shared.width,
        height=shared.height,
        expires_at=at(ms(shared.expires_at)),
    )
    return reply(document)


@get("/s/{code:str}")
async def page(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIApp:
    """The page that people see."""
    deps = deps_of(request)
    shared = await find_shared(deps, code)
    language = preferred_language(header_in(request.scope["headers"], b"accept-language"))
    name = await deps.bot_name.ask()
    if shared is None:
        return Reply(gone_page(deps.settings, language=language, bot_name=name))
    return Reply(shared_page(deps.settings, code, shared, language=language, bot_name=name))


@get("/s/{code:str}/photo.jpg")
async def photo(request: Request[Any, Any, Any], code: FromPath[str]) -> ASGIApp:
    """The picture of the page; also for Telegram and others that show a link's preview."""
    deps = deps_of(request)
    shared = await find_shared(deps, code)
    jpeg = None if shared is None else await deps.photos.jpeg(shared.object_key)
    if jpeg is None:
        raise Problem("not-found", GONE)
    seconds = deps.settings.share_cache_seconds
    return _jpeg(jpeg, b"public, max-age=%d" % seconds if seconds else b"no-store")


@get("/p/{permit:str}/photo.jpg")
async def passed_photo(request: Request[Any, Any, Any], permit: FromPath[str]) -> ASGIApp:
    """A person's own picture, for Telegram: they look through theirs in a chat."""
    return await _passed(deps_of(request), permit, SIDE_PIXELS_MAX)


@get("/p/{permit:str}/thumbnail.jpg")
async def passed_thumbnail(request: Request[Any, Any, Any], permit: FromPath[str]) -> ASGIApp:
    """The same, small."""
    return await _passed(deps_of(request), permit, THUMBNAIL_PIXELS)


async def _passed(deps: Deps, permit: str, side_pixels: int) -> ASGIApp:
    one = read_pass(deps.masters, permit, time.time())
    key = None if one is None else await find_picture(deps, one)
    jpeg = None if key is None else await deps.photos.jpeg(key, side_pixels)
    if jpeg is None:
        raise Problem("not-found", NO_PICTURE)
    return _jpeg(jpeg, b"private, no-store")


def _jpeg(body: bytes, cache_control: bytes) -> Reply:
    headers = [
        (b"content-type", b"image/jpeg"),
        (b"cache-control", cache_control),
        (b"x-robots-tag", b"noindex, noarchive"),
    ]
    return Reply(Answer(200, headers, body))
