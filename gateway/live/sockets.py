"""`/ws`: the WebSocket that carries what `GET /events` and `GET /generations/{id}/events` do.

Same events, same ids, same tickets, same bounds. A page of an origin that is not allowed gets no
connection; any other refusal is told by an event `problem` and a close code, because a page cannot
see why a handshake failed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
import structlog
from msgspec import Meta

from gateway.access.permissions import EVENTS_READ, require
from gateway.api.contract import Contract
from gateway.generations.reads import missing
from gateway.limits.quotas import Policy
from gateway.live.streams import AccountStream, GenerationStream, Stream
from gateway.live.wires import SocketWire
from gateway.web.cursors import decode_event_id
from gateway.web.errors import Problem
from gateway.web.http import header_in, id_in_path
from gateway.web.reasons import refused
from runtime.errors import PixelpopError

if TYPE_CHECKING:
    from gateway.deps import Deps
    from gateway.identity.signed_in import Account
    from gateway.web.cors import Cors

_log = structlog.get_logger(__name__)

PATH: Final = "/ws"
PARAMETERS_MAX: Final = 8
POLICY_VIOLATED: Final = 1008
"""Close code of a handshake that is refused; the client sees HTTP's 403."""
_MAY: Final = Contract("Live", "watch_by_socket", "", {}, scopes=(EVENTS_READ,))


class SocketQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to open one."""

    ticket: Annotated[str, Meta(max_length=2048)] | None = None
    """Of `POST /events/tickets`; else the header `Authorization` says who asks."""
    generation_id: Annotated[str, Meta(max_length=64)] | None = None
    """Watch this generation alone, until it is finished."""
    last_event_id: Annotated[str, Meta(max_length=64)] | None = None
    """Go on right after this event."""


class Sockets:
    """Answers WebSocket handshakes.

    Args:
        deps: parts.
        cors: which pages of other origins may call.
    """

    def __init__(self, deps: Deps, cors: Cors) -> None:
        self._deps = deps
        self._cors = cors
        public = urlsplit(deps.settings.public_url or "")
        self._own = f"{public.scheme}://{public.netloc}".lower().encode()

    def let_in(self, scope: Any) -> None:
        """Refuse other addresses, and pages of other origins; programs send no origin.

        Raises:
            Problem: there is nothing here for who asks.
        """
        origin = header_in(scope["headers"], b"origin")
        if scope["path"] != PATH or not (
            origin is None or self._is_known(origin.lower(), scope["headers"])
        ):
            raise Problem("not-found", "There is no WebSocket here for this page.")

    def _is_known(self, origin: bytes, headers: Any) -> bool:
        host = header_in(headers, b"host") or b""
        own = {self._own, b"https://" + host.lower(), b"http://" + host.lower()}
        return origin in own or self._cors.allows(origin)

    async def serve(self, scope: Any, receive: Any, send: Any) -> int:
        """Tell what happens until one side ends it; returns the status that HTTP would have."""
        await send({"type": "websocket.accept"})
        wire = SocketWire(receive, send)
        try:
            stream = await self._opened(scope)
        except PixelpopError as error:
            return await wire.refuse(error)
        await stream.over(wire)
        return HTTPStatus.OK

    async def _opened(self, scope: Any) -> Stream:
        deps, query = self._deps, _query(scope["query_string"])
        account = await self._who(scope, query)
        text = query.last_event_id
        after = decode_event_id(text) if text else None
        if query.generation_id is None:
            return AccountStream(deps, account, deps.hub.subscribe(account.account_id), after)
        asked = id_in_path(query.generation_id, "generation")
        known = deps.tail.get(asked)
        if known is None or known.account_id != account.account_id:
            earlier = await deps.known.find(account.uuid, UUID(asked))
            if earlier is None:
                raise missing(deps)
        return GenerationStream(deps, account, deps.hub.subscribe(account.account_id, asked), after)

    async def _who(self, scope: Any, query: SocketQuery) -> Account:
        authenticator, limits = self._deps.authenticator, self._deps.limits
        if query.ticket is not None:
            account = await authenticator.verify_ticket(query.ticket)
        else:
            account = await authenticator.verify(header_in(scope["headers"], b"authorization"))
        require(account, _MAY)
        counted: list[tuple[Policy, str]] = [(limits.policies.account, account.account_id)]
        if account.via == "api_key":
            counted.append((limits.policies.api_key, account.credential_id))
        for policy, key in counted:
            limits.take_here(policy, key)
            if limits.shared is not None:
                await limits.shared.take(policy, key)
        return account


def _query(text: bytes) -> SocketQuery:
    try:
        pairs = parse_qsl(
            text.decode("ascii"), keep_blank_values=True, max_num_fields=PARAMETERS_MAX
        )
    except ValueError as error:
        raise Problem("invalid-parameter", "The address has parameters that cannot be.") from error
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Problem("invalid-parameter", "A parameter is given more than once.")
    try:
        return msgspec.convert(found, SocketQuery)
    except msgspec.ValidationError as error:
        name, reason = refused(str(error))
        raise Problem("invalid-parameter", f"The parameter {name} {reason}.") from error
