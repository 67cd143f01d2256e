"""Where links lead: the page for people, its picture, and the same for programs."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, get
from litestar.params import FromPath
from litestar.types import ASGIApp

from gateway.api.contract import contract
from gateway.api.documents import at
from gateway.sharing.addresses import photo_of
from gateway.sharing.documents import SharedDocument
from gateway.sharing.making import ms
from gateway.sharing.opening import find_shared
from gateway.sharing.page import gone_page, preferred_language, shared_page
from gateway.web.errors import Answer, Problem
from gateway.web.http import header_in
from gateway.web.replies import Reply, deps_of, reply

GONE: Final = "No link with this code is open."


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
    headers = [
        (b"content-type", b"image/jpeg"),
        (b"cache-control", b"public, max-age=%d" % seconds if seconds else b"no-store"),
        (b"x-robots-tag", b"noindex, noarchive"),
    ]
    return Reply(Answer(200, headers, jpeg))
