"""Generations: ask for one, look at them, cancel, delete, restore."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from litestar import Request, delete, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from commands.policy import BIN_DAYS
from commands.requests import Request as CreateRequest
from gateway.access.permissions import GENERATIONS_READ, GENERATIONS_WRITE
from gateway.api.contract import contract
from gateway.api.documents import GenerationDocument
from gateway.deps import Deps
from gateway.generations import cancelling
from gateway.generations.bin import Thing, take_back, throw_away
from gateway.generations.reads import find_deleted_at_ms, find_document, missing
from gateway.generations.submissions import submit
from gateway.identity.signed_in import Account
from gateway.web.http import header_in, id_in_path, read_body
from gateway.web.replies import Reply, deps_of, reply, signed_in

WHAT: Final = "generation"


@post(
    "/generations",
    status_code=202,
    opt=contract(
        "Generations",
        "create_generation",
        "Ask for pictures.",
        {202: GenerationDocument, 200: GenerationDocument},
        body=CreateRequest,
        headers=("Idempotency-Key", "Prefer"),
        problems=(
            "idempotency-key-missing",
            "idempotency-key-invalid",
            "idempotency-key-reused",
            "insufficient-credits",
            "rate-limited",
            "prohibited",
            "unavailable",
            "kind-not-available",
            "not-found",
            "upload-unusable",
            "timed-out",
            "append-unknown",
            "log-overloaded",
        ),
        scopes=(GENERATIONS_WRITE,),
        gives={"generation_id": "/id"},
        details=(
            "`kind` says what is asked for: `image`, pictures from words (also where it is left "
            "out); `edit`, a photo of yours changed as the words say; `variation`, pictures like "
            "one of yours. Photos are sent by POST /uploads. "
            "Credits are set aside at once, and spent only for pictures that are made. 202: it is "
            "admitted, or (in the rare case that the decision takes longer than a moment) will be "
            "decided. `Location` leads to it. `Prefer: wait=N` waits up to N seconds for the "
            "pictures and then answers 200; `Prefer: respond-async` does not wait for the "
            "decision. Repeated with the same `Idempotency-Key` it answers with what became of "
            "the request, and `Idempotent-Replay: true`."
        ),
    ),
)
async def create(request: Request[Any, Any, Any]) -> ASGIApp:
    """What `front` does for this route without the way through Litestar's routing."""
    deps = deps_of(request)
    account = await signed_in(request)
    headers = request.scope["headers"]
    body = await read_body(
        headers,
        request.receive,
        max_bytes=deps.settings.body_max_bytes,
        timeout_seconds=deps.settings.body_timeout_seconds,
    )
    return Reply(await submit(deps, headers, body, account))


@get(
    "/generations/{generation_id:str}",
    opt=contract(
        "Generations",
        "read_generation",
        "One generation: how it stands, and its pictures once they are made.",
        {200: GenerationDocument},
        headers=("Consistency-Token",),
        problems=("not-caught-up",),
        scopes=(GENERATIONS_READ,),
        gives={"image_id": "/images/0/id"},
        details=(
            "`status` goes from `pending` (waits to be made) over `processing` to `done`, "
            "`failed`, `rejected` or `cancelled`. What belongs to somebody else is not found."
        ),
    ),
)
async def read(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """What is known of it now."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = UUID(id_in_path(generation_id, WHAT))
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    return reply(await _document(deps, account, asked))


@post(
    "/generations/{generation_id:str}/cancel",
    status_code=200,
    opt=contract(
        "Generations",
        "cancel_generation",
        "Cancel a generation that nobody has begun to make.",
        {200: GenerationDocument},
        problems=cancelling.PROBLEMS,
        scopes=(GENERATIONS_WRITE,),
        details=(
            "All its credits return. Once somebody makes it, it can no longer be cancelled: the "
            "work is being paid for. Cancelled twice, it says the same."
        ),
    ),
)
async def cancel(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Take the claim before a worker does."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = id_in_path(generation_id, WHAT)
    return cancelling.answer(*await cancelling.cancel_generation(deps, account, asked))


@delete(
    "/generations/{generation_id:str}",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Generations",
        "delete_generation",
        "Move a generation to the bin.",
        {204: None},
        problems=("not-caught-up", "append-unknown", "log-overloaded"),
        scopes=(GENERATIONS_WRITE,),
        details=(
            f"It can be restored for {BIN_DAYS} days; then its pictures go. Its credits stay "
            "spent. Twice is no mistake."
        ),
    ),
)
async def remove(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Append that it was deleted; twice does no harm."""
    deps = deps_of(request)
    account = await signed_in(request)
    return await delete_generation(deps, account, id_in_path(generation_id, WHAT))


async def delete_generation(deps: Deps, account: Account, asked: str) -> Reply:
    """Move it to the bin; twice does no harm.

    Raises:
        Problem: there is none.
        PixelpopError: it is not known to be there.
    """
    deleted_at_ms = await find_deleted_at_ms(deps, account, UUID(asked))
    return await throw_away(deps, account, Thing(asked, None, deleted_at_ms))


@post(
    "/generations/{generation_id:str}/restore",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Generations",
        "restore_generation",
        "Take a generation back out of the bin.",
        {204: None},
        problems=("gone-from-bin", "not-caught-up", "append-unknown", "log-overloaded"),
        scopes=(GENERATIONS_WRITE,),
        details=f"Within {BIN_DAYS} days of its deletion. Twice is no mistake.",
    ),
)
async def restore(request: Request[Any, Any, Any], generation_id: FromPath[str]) -> ASGIApp:
    """Append that it was restored, while its time in the bin is not over."""
    deps = deps_of(request)
    account = await signed_in(request)
    return await take_back(deps, account, await _thing(deps, account, generation_id))


async def _thing(deps: Deps, account: Account, generation_id: str) -> Thing:
    asked = id_in_path(generation_id, WHAT)
    return Thing(asked, None, await find_deleted_at_ms(deps, account, UUID(asked)))


async def _document(deps: Deps, account: Account, generation_id: UUID) -> GenerationDocument:
    document = await find_document(deps, account, generation_id)
    if document is None:
        raise missing(deps)
    return document
