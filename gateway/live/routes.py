"""Live changes by server-sent events: of one generation, and of the whole account.

Every change of the log has its position as id; `Last-Event-ID` (or `?last_event_id=`) resumes
right after it. What is longer ago than the gateway's window begins with `reset`: a snapshot, and
everything after it. Browsers cannot send headers with an EventSource, so `?ticket=` opens a stream
too: a token for streams alone that is soon worth nothing, unlike an access token, which must not
stand in an address (addresses end in logs and histories).
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath
from litestar.types import ASGIApp
from msgspec import Meta

from gateway.access.permissions import EVENTS_READ
from gateway.api.contract import contract
from gateway.deps import Deps
from gateway.generations.reads import missing
from gateway.identity.signed_in import Account
from gateway.identity.tokens import STREAM
from gateway.live.documents import TicketDocument
from gateway.live.streams import AccountStream, GenerationStream
from gateway.web.cursors import LogPosition, decode_event_id
from gateway.web.http import header_in, id_in_path
from gateway.web.replies import allowed, deps_of, query_of, reply, signed_in

EVENT_STREAM = "text/event-stream"


class StreamQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to open a stream where no headers can be sent."""

    ticket: Annotated[str, Meta(max_length=2048, description="Of POST /events/tickets.")] | None = (
        None
    )
    last_event_id: (
        Annotated[str, Meta(max_length=64, description="As the header Last-Event-ID.")] | None
    ) = None


@post(
    "/events/tickets",
    status_code=201,
    opt=contract(
        "Live",
        "make_stream_ticket",
        "A ticket that opens event streams for a while.",
        {201: TicketDocument},
        scopes=(EVENTS_READ,),
        details=(
            "A browser's `EventSource` cannot send an `Authorization` header. Give it "
            "`/events?ticket=…` instead: a ticket opens streams and nothing else, and soon expires."
        ),
    ),
)
async def make_ticket(request: Request[Any, Any, Any]) -> ASGIApp:
    """For `new EventSource("/events?ticket=…")`."""
    deps = deps_of(request)
    account = await signed_in(request)
    ttl_seconds = deps.settings.stream_ticket_ttl_seconds
    key_id = account.credential_id if account.via == "api_key" else ""
    ticket = deps.tokens.issue(account.account_id, ttl_seconds, STREAM, key_id=key_id)
    return reply(TicketDocument(ticket=ticket, expires_in=ttl_seconds), 201)


@get(
    "/events",
    opt=contract(
        "Live",
        "watch_account",
        "Everything that happens to the account, live.",
        {200: EVENT_STREAM},
        query=StreamQuery,
        headers=("Last-Event-ID",),
        problems=("cursor-invalid", "too-many-streams"),
        scopes=(EVENTS_READ,),
        details=(
            "Events: `reset` (a snapshot to begin with), `generation` (a change, with the status "
            "it led to), `progress` and `preview` (a picture that is being made; both "
            "without an id), `credits`. Comments every few seconds show "
            "that the stream is alive. Send `Last-Event-ID` to go on right after an event."
        ),
    ),
)
async def account_events(request: Request[Any, Any, Any]) -> ASGIApp:
    """The stream of the account that asks."""
    deps = deps_of(request)
    query = query_of(request, StreamQuery)
    account = await _who(request, deps, query)
    after = _after(request, query)  # refused before a place is taken: nobody would give it back
    return AccountStream(deps, account, deps.hub.subscribe(account.account_id), after)


@get(
    "/generations/{generation_id:str}/events",
    opt=contract(
        "Live",
        "watch_generation",
        "What happens to one generation, live.",
        {200: EVENT_STREAM},
        query=StreamQuery,
        headers=("Last-Event-ID",),
        problems=("cursor-invalid", "too-many-streams", "not-caught-up"),
        scopes=(EVENTS_READ,),
        details=(
            "Begins with all that happened so far and ends with the event `end`, which has the "
            "last status. Send `Last-Event-ID` to go on right after an event."
        ),
    ),
)
async def generation_events(
    request: Request[Any, Any, Any], generation_id: FromPath[str]
) -> ASGIApp:
    """The stream of one generation of the account that asks."""
    deps = deps_of(request)
    query = query_of(request, StreamQuery)
    account = await _who(request, deps, query)
    asked = id_in_path(generation_id, "generation")
    known = deps.tail.get(asked)
    if known is None or known.account_id != account.account_id:
        earlier = await deps.known.find(account.uuid, UUID(asked))
        if earlier is None:
            raise missing(deps)
    after = _after(request, query)
    return GenerationStream(deps, account, deps.hub.subscribe(account.account_id, asked), after)


async def _who(request: Request[Any, Any, Any], deps: Deps, query: StreamQuery) -> Account:
    if query.ticket is not None:
        return allowed(request, await deps.authenticator.verify_ticket(query.ticket))
    return await signed_in(request)


def _after(request: Request[Any, Any, Any], query: StreamQuery) -> LogPosition | None:
    header = header_in(request.scope["headers"], b"last-event-id")
    text = query.last_event_id if header is None else header.decode("ascii", errors="replace")
    return decode_event_id(text) if text else None
