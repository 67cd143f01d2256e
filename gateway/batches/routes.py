"""Batches: ask for several generations at once, look at them, cancel them."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from commands.batches import BATCH_MAX, BatchRequest
from commands.requests import PROMPT_CHARS_MAX
from gateway.access.permissions import GENERATIONS_READ, GENERATIONS_WRITE
from gateway.api.contract import contract
from gateway.batches.cancelling import cancel_batch
from gateway.batches.documents import BatchDocument, BatchPage, BatchQuery
from gateway.batches.reads import find_batch, page_of
from gateway.batches.submitting import submit
from gateway.generations import cancelling
from gateway.web.cursors import token_header
from gateway.web.http import header_in, id_in_path
from gateway.web.paging import next_link
from gateway.web.replies import body_of, deps_of, query_of, reply, signed_in

GROUP: Final = "Generations"
WHAT: Final = "batch"
_GIVES: Final = {"batch_id": "/id", "generation_id": "/items/0/id"}
_ESCAPED_BYTES_MAX: Final = 12
"""Of one character: a client may write it as two halves, `\\ud83d\\ude00`."""
BODY_BYTES_MAX: Final = 2 * BATCH_MAX * PROMPT_CHARS_MAX * _ESCAPED_BYTES_MAX + 16_384
"""All prompts and negative prompts of a full batch at their longest, and what is around them."""
_batch = msgspec.json.Decoder(BatchRequest)


@post(
    "/batches",
    status_code=202,
    opt=contract(
        GROUP,
        "create_batch",
        "Ask for several generations at once.",
        {202: BatchDocument},
        body=BatchRequest,
        headers=("Idempotency-Key",),
        problems=(
            "idempotency-key-missing",
            "idempotency-key-invalid",
            "idempotency-key-reused",
            "rate-limited",
            "batch-in-flight",
            "timed-out",
            "append-unknown",
            "log-overloaded",
            "not-caught-up",
        ),
        scopes=(GENERATIONS_WRITE,),
        gives=_GIVES,
        details=(
            f"Up to {BATCH_MAX} requests of the kind `image`, which count as one generation "
            "against the limit of starts; one batch of an account at a time. Each is decided, "
            "made and paid by itself, in order: what the credits cover is admitted, the others "
            "are `rejected` with their reason, and nothing is charged for them. Where all of it "
            "is refused for one reason that has to do with none of them, the answer says that "
            "instead. Repeated with the same `Idempotency-Key` it answers with what became of it, "
            "and `Idempotent-Replay: true`."
        ),
    ),
)
async def create(request: Request[Any, Any, Any]) -> ASGIApp:
    """Append it, and say what was decided."""
    deps = deps_of(request)
    account = await signed_in(request)
    batch = await body_of(request, _batch, bytes_max=BODY_BYTES_MAX)
    answered = await submit(deps, request.scope["headers"], batch, account)
    headers = [(b"location", b"/batches/" + answered.document.id.encode())]
    if answered.place is not None:
        headers.append(token_header(*answered.place))
    if answered.is_replay:
        headers.append((b"idempotent-replay", b"true"))
    return reply(answered.document, 202, headers=headers)


@get(
    "/batches",
    opt=contract(
        GROUP,
        "list_batches",
        "Your batches, newest first.",
        {200: BatchPage},
        query=BatchQuery,
        headers=("Consistency-Token",),
        problems=("cursor-invalid",),
        scopes=(GENERATIONS_READ,),
        gives={"batch_id": "/items/0/id"},
        details="Follow `next_cursor` (or the `Link` header) for older ones.",
    ),
)
async def list_all(request: Request[Any, Any, Any]) -> ASGIApp:
    """One page of the account's batches."""
    deps = deps_of(request)
    account = await signed_in(request)
    query = query_of(request, BatchQuery)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    page = await page_of(deps, account, query)
    return reply(page, headers=next_link(request, page.next_cursor))


@get(
    "/batches/{batch_id:str}",
    opt=contract(
        GROUP,
        "read_batch",
        "One batch: how it stands as a whole, and each of its generations.",
        {200: BatchDocument},
        headers=("Consistency-Token",),
        problems=("not-caught-up",),
        scopes=(GENERATIONS_READ,),
        gives=_GIVES,
        details="What belongs to somebody else is not found.",
    ),
)
async def read(request: Request[Any, Any, Any], batch_id: FromPath[str]) -> ASGIApp:
    """What is known of it now."""
    deps = deps_of(request)
    account = await signed_in(request)
    asked = id_in_path(batch_id, WHAT)
    await deps.consistency.honour(header_in(request.scope["headers"], b"consistency-token"))
    return reply(await find_batch(deps, account, asked))


@post(
    "/batches/{batch_id:str}/cancel",
    status_code=200,
    opt=contract(
        GROUP,
        "cancel_batch",
        "Cancel everything of a batch that nobody has begun to make.",
        {200: BatchDocument},
        problems=cancelling.PROBLEMS,
        scopes=(GENERATIONS_WRITE,),
        details=(
            "The credits of what is cancelled return. What is being made is made: the work is "
            "being paid for. Cancelled twice, it says the same."
        ),
    ),
)
async def cancel(request: Request[Any, Any, Any], batch_id: FromPath[str]) -> ASGIApp:
    """Take the claims that no worker has taken yet."""
    deps = deps_of(request)
    account = await signed_in(request)
    document, place = await cancel_batch(deps, account, id_in_path(batch_id, WHAT))
    return cancelling.answer(document, place)
