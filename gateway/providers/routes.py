"""Where image providers tell of their work: `/providers/…/webhook`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from litestar import Request, post
from litestar.types import ASGIApp

from events.ids import is_uuid
from gateway.api.contract import contract
from gateway.api.documents import says
from gateway.providers.genuine import PredictionNews, RequestNews
from gateway.web.errors import Problem
from gateway.web.http import read_body
from gateway.web.replies import deps_of, nothing, query_of
from runtime.crypto.claim_tokens import Call

ATTEMPTS_MAX: Final = 100
TOKEN_CHARS_MAX: Final = 64


class Whose(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which call an address is of."""

    generation_id: Annotated[str, says("The generation.")] = ""
    attempt: Annotated[int, says("Which call of it."), msgspec.Meta(ge=1, le=ATTEMPTS_MAX)] = 1
    token: Annotated[
        str, says("Proves that we gave the address out."), msgspec.Meta(max_length=TOKEN_CHARS_MAX)
    ] = ""


@post(
    "/providers/replicate/webhook",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Providers",
        "tell_replicate",
        "A prediction of Replicate has ended.",
        {204: None},
        body=PredictionNews,
        query=Whose,
        problems=("webhook-not-genuine", "not-found", "database-unavailable"),
        public=True,
        details=(
            "Called by Replicate, at the address that a prediction was created with. The message "
            "must be signed as [Standard Webhooks](https://www.standardwebhooks.com) says, with a "
            "live secret and within five minutes; the signature is of the body's bytes as they "
            "came. It only makes a worker ask Replicate at once: nothing in it is believed. Sent "
            "again, it changes nothing."
        ),
    ),
)
async def replicate(request: Request[Any, Any, Any]) -> ASGIApp:
    """Keep that there is news of a prediction."""
    return await _take("replicate", request)


@post(
    "/providers/fal/webhook",
    status_code=200,  # the reply sends 204 itself
    opt=contract(
        "Providers",
        "tell_fal",
        "A request of fal has ended.",
        {204: None},
        body=RequestNews,
        query=Whose,
        problems=(
            *("webhook-not-genuine", "webhook-keys-unavailable", "not-found"),
            "database-unavailable",
        ),
        public=True,
        details=(
            "Called by fal, at the address that a request was submitted with. The message must be "
            "signed by a key that fal publishes, over the body's bytes as they came, within five "
            "minutes. It only makes a worker ask fal at once: nothing in it is believed. Sent "
            "again, it changes nothing."
        ),
    ),
)
async def fal(request: Request[Any, Any, Any]) -> ASGIApp:
    """Keep that there is news of a request."""
    return await _take("fal", request)


async def _take(provider: str, request: Request[Any, Any, Any]) -> ASGIApp:
    deps = deps_of(request)
    headers = request.scope["headers"]
    body = await read_body(
        headers,
        request.receive,
        max_bytes=deps.settings.body_max_bytes,
        timeout_seconds=deps.settings.body_timeout_seconds,
    )
    whose = query_of(request, Whose)
    if not is_uuid(whose.generation_id):
        raise Problem("not-found", "Nothing is awaited at this address.")
    call = Call(provider, whose.generation_id, whose.attempt)
    await deps.telling.take(call, whose.token, headers, body)
    return nothing()
