"""How handlers get at their parts, and answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from litestar import Request
from litestar.types import Receive, Scope, Send

from gateway.access.permissions import require
from gateway.api.contract import KEY
from gateway.identity.signed_in import Account
from gateway.web.errors import Answer, Problem
from gateway.web.http import decode_json, header_in, read_body, refuse_null_characters
from gateway.web.reasons import refused
from gateway.web.visit import KEY as VISIT
from gateway.web.visit import Visit

if TYPE_CHECKING:
    from gateway.deps import Deps

Kind = TypeVar("Kind")
JSON = (b"content-type", b"application/json")
PRIVATE = (b"cache-control", b"no-store")


class Reply:
    """An ASGI app that sends one answer."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        await send_answer(self._answer, send)


async def send_answer(answer: Answer, send: Any) -> None:
    """Send a whole answer."""
    status, headers, body = answer
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def deps_of(request: Request[Any, Any, Any]) -> Deps:
    """The parts of this gateway."""
    return cast("Deps", request.app.state.deps)


async def signed_in(request: Request[Any, Any, Any]) -> Account:
    """Who asks, if that one may do what the route is for.

    Raises:
        PixelpopError: nobody that we know, or who may not do this.
    """
    authorization = header_in(request.scope["headers"], b"authorization")
    deps = deps_of(request)
    account = allowed(request, await deps.authenticator.verify(authorization))
    if deps.limits.shared is not None or account.via == "api_key":
        await _visit(request).enter_shared(deps, account, changes=_changes(request))
    return account


def allowed(request: Request[Any, Any, Any], account: Account) -> Account:
    """The account, if it has what the route's contract asks for, and asks not too often.

    Raises:
        Problem: it does not.
    """
    require(account, request.route_handler.opt[KEY])
    _visit(request).enter(deps_of(request), account, changes=_changes(request))
    return account


def _changes(request: Request[Any, Any, Any]) -> bool:
    return request.method != "GET"  # HEAD was made GET by the front, which answers OPTIONS


def _visit(request: Request[Any, Any, Any]) -> Visit:
    """The request as `front` sees it."""
    scope = cast("dict[str, Any]", request.scope)
    return cast("Visit", scope[VISIT])


async def body_of(
    request: Request[Any, Any, Any], decoder: msgspec.json.Decoder[Kind], *, bytes_max: int = 0
) -> Kind:
    """The request's JSON body, decoded strictly.

    Args:
        request: whose body is read.
        decoder: of what it must be.
        bytes_max: how large it may be where that is more than `body_max_bytes`.

    Raises:
        Problem, PixelpopError: it cannot be used.
    """
    settings = deps_of(request).settings
    headers = request.scope["headers"]
    body = await read_body(
        headers,
        request.receive,
        max_bytes=max(settings.body_max_bytes, bytes_max),
        timeout_seconds=settings.body_timeout_seconds,
    )
    decoded = decode_json(headers, body, decoder)
    refuse_null_characters(body)
    return decoded


def query_of(request: Request[Any, Any, Any], kind: type[Kind]) -> Kind:
    """The query parameters; a parameter that `kind` does not have is refused.

    Raises:
        Problem: they cannot be used; the message names the first one that cannot.
    """
    given = list(request.query_params.multi_items())
    found = dict(given)
    try:
        query = msgspec.convert(found, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _parameter_problem(*refused(str(error))) from error
    for name, value in given:
        if [one for one, _ in given].count(name) > 1:
            raise _parameter_problem(name, "is given more than once")
        if "\x00" in value:  # no text of ours holds one, and the database takes none
            raise _parameter_problem(name, "holds a character that no text here has")
    return query


def _parameter_problem(name: str, reason: str) -> Problem:
    return Problem(
        "invalid-parameter",
        f"The parameter {name} {reason}.",
        errors=[{"field": name, "reason": reason}],
    )


def reply(
    document: object, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Reply:
    """JSON that belongs to one account: never cached."""
    body = msgspec.json.encode(document)
    return Reply(Answer(status, [JSON, PRIVATE, *headers], body))


def nothing(status: int = 204, headers: Sequence[tuple[bytes, bytes]] = ()) -> Reply:
    """No body."""
    return Reply(Answer(status, [PRIVATE, *headers], b""))
