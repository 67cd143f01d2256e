"""The outermost layer: bounds, identity and measurement of every request, and the hot path.

`POST /generations` is answered from here without Litestar's routing, which costs as much as all
the rest of it; the route declared in `generations` does the same, one call further in.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from http import HTTPStatus
from itertools import count
from typing import Any, Final

import structlog
from litestar import Litestar
from litestar.exceptions import MethodNotAllowedException

from gateway.access.permissions import require
from gateway.api.contract import KEY
from gateway.deps import Deps
from gateway.events_out import traceparent
from gateway.generations.routes import create
from gateway.generations.submissions import submit
from gateway.limits.addresses import Addresses
from gateway.limits.in_flight import InFlight
from gateway.live.sockets import PATH as SOCKETS
from gateway.live.sockets import POLICY_VIOLATED, Sockets
from gateway.operations import metrics
from gateway.telegram.guard import PATH as TELEGRAM
from gateway.web.cors import Cors
from gateway.web.errors import Answer, Overloaded, Problem, allow, render
from gateway.web.head import HeadOnly
from gateway.web.http import header_in, read_body, refuse_large, visible_ascii
from gateway.web.replies import send_answer
from gateway.web.security_headers import SecurityHeaders
from gateway.web.visit import KEY as VISIT
from gateway.web.visit import Visit
from runtime.telemetry.logs import correlated

_log = structlog.get_logger(__name__)

REQUEST_ID_CHARS_MAX: Final = 128
STREAMS: Final = "/events"
ALWAYS: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Answered however much is going on: whoever asks needs to know just then."""
HOT: Final = "/generations"
SIGN_IN: Final = "/auth/"
ONCE: Final = frozenset(
    {b"authorization", b"content-type", b"content-encoding", b"consistency-token", b"last-event-id"}
)
"""Headers of which only one can count; `Idempotency-Key` has a refusal of its own."""
FULL: Final = (
    "More requests are under way than this service takes on. Wait a moment, then try again."
)

_CREATE: Final = create.opt[KEY]
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SECONDS = {
    method: metrics.REQUEST_SECONDS.labels(method) for method in ("GET", "POST", "DELETE", "other")
}


class Front:
    """An ASGI app around the Litestar app.

    Args:
        app: routes.
        deps: parts; the settings among them bound what is taken on.
    """

    def __init__(self, app: Litestar, deps: Deps) -> None:
        settings = deps.settings
        self._app = app
        self._deps = deps
        self._in_flight_max = settings.requests_in_flight_max
        self._prefix = os.urandom(6).hex()
        self._counter = count(1)
        self._addresses = Addresses(settings.trusted_proxies)
        self._from_address = InFlight("address-at-once", settings.limit_address_in_flight)
        self._cors = Cors(settings.cors_origins)
        self._security = SecurityHeaders(settings)
        self._sockets = Sockets(deps, self._cors)
        self.in_flight = 0
        metrics.IN_FLIGHT.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._open_socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        path = scope["path"]
        if scope["method"] == "HEAD":
            scope["method"] = "GET"
            head = HeadOnly(send)
            send, receive = head.send, head.receive
        headers = scope["headers"] = list(scope["headers"])
        counted = not path.endswith(STREAMS)
        visit = scope[VISIT] = Visit(
            send,
            self._request_id(headers),
            self._cors.headers(headers),
            self._security.to,
            counted=counted,
        )
        token = traceparent.set(_trace(headers))
        self.in_flight += counted
        full = self.in_flight > self._in_flight_max and path not in ALWAYS
        try:
            with correlated(visit.request_id):
                if full:
                    await send_answer(render(Overloaded(FULL), path), visit)
                else:
                    await self._answer(scope, receive, visit, path)
        finally:
            traceparent.reset(token)
            self.in_flight -= counted
            if visit.account_id is not None:
                self._deps.accounts_in_flight.leave(visit.account_id)
            _measure(scope["method"], visit.status, time.perf_counter() - began, counted=counted)

    async def _open_socket(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a WebSocket in, or close it before it is open."""
        await receive()  # its wish to connect
        path, address = scope["path"], self._addresses.of(scope)
        headers = scope["headers"] = list(scope["headers"])
        try:
            self._sockets.let_in(scope)
            refuse_large(scope, self._deps.settings)
            _refuse_repeated(headers)
            if address is not None:
                await self._let_in(scope, path, address)
        except Problem:
            metrics.ANSWERED_REFUSED.inc()
            await send({"type": "websocket.close", "code": POLICY_VIOLATED, "reason": ""})
            return
        with correlated(self._request_id(headers)):
            status = await self._sockets.serve(scope, receive, send)
        (metrics.ANSWERED_WELL if status == HTTPStatus.OK else metrics.ANSWERED_REFUSED).inc()
        if address is not None and status == HTTPStatus.UNAUTHORIZED:
            await self._note_failure(address)

    async def _answer(self, scope: Any, receive: Any, visit: Visit, path: str) -> None:
        address = self._addresses.of(scope)
        if address is None or self._is_telegram(scope, path):
            await self._attempt(scope, receive, visit, path)
            return
        try:
            await self._let_in(scope, path, address)
            if visit.counted:
                self._from_address.enter(address)
        except Problem as problem:
            await send_answer(render(problem, path), visit)
            return
        try:
            await self._attempt(scope, receive, visit, path)
        finally:
            if visit.counted:
                self._from_address.leave(address)
        if visit.status == HTTPStatus.UNAUTHORIZED and _shows_credentials(scope, path):
            await self._note_failure(address)

    def _is_telegram(self, scope: Any, path: str) -> bool:
        """Whether it is Telegram, all of whose updates come from few addresses."""
        return path == TELEGRAM and self._deps.telegram.guard.knows(scope["headers"])

    async def _let_in(self, scope: Any, path: str, address: str) -> None:
        """Count the request, and a sign-in as one.

        Raises:
            Problem: this address has asked too often.
        """
        limits, policies = self._deps.limits, self._deps.limits.policies
        limits.take_here(policies.address, address)
        if limits.shared is not None:
            await limits.shared.take(policies.address, address)
        if path.startswith(SIGN_IN) and scope["method"] != "OPTIONS":  # a browser's preflight
            await limits.take(policies.sign_ins, address)
        if _shows_credentials(scope, path):
            authorization = header_in(scope["headers"], b"authorization")
            if path == TELEGRAM or self._deps.authenticator.at_hand(authorization) is None:
                limits.require(policies.failures, address)

    async def _note_failure(self, address: str) -> None:
        limits = self._deps.limits
        with suppress(Problem):  # the next one will be refused
            await limits.take(limits.policies.failures, address)

    async def _attempt(self, scope: Any, receive: Any, visit: Visit, path: str) -> None:
        try:
            refuse_large(scope, self._deps.settings)
            _refuse_repeated(scope["headers"])
            if path == HOT and scope["method"] == "POST":
                await self._submit(scope["headers"], receive, visit)
            elif scope["method"] == "OPTIONS":
                await self._tell_methods(scope, receive, visit)
            else:
                await self._app(scope, receive, visit)
        except Exception as error:
            if visit.status:
                _log.exception("answer broken off", path=path)
                raise
            await send_answer(render(error, path), visit)

    async def _submit(self, headers: list[tuple[bytes, bytes]], receive: Any, visit: Visit) -> None:
        deps = self._deps
        settings = deps.settings
        authorization = header_in(headers, b"authorization")
        account = deps.authenticator.at_hand(authorization)
        if account is None:
            account = await deps.authenticator.verify(authorization)
        if account.scopes is not None:  # people may do everything with what is theirs
            require(account, _CREATE)
        visit.enter(deps, account)
        if deps.limits.shared is not None or account.via == "api_key":
            await visit.enter_shared(deps, account)
        body = await read_body(
            headers,
            receive,
            max_bytes=settings.body_max_bytes,
            timeout_seconds=settings.body_timeout_seconds,
        )
        await send_answer(await submit(deps, headers, body, account), visit)

    async def _tell_methods(self, scope: Any, receive: Any, visit: Visit) -> None:
        """Answer OPTIONS with what the address knows, and a page with what it may send.

        Litestar's own answer forgets the first of two handlers that share an address; its refusal
        of a method that nobody has does not.
        """
        scope["method"] = "ANY"
        try:
            await self._app(scope, receive, visit)
        except MethodNotAllowedException as error:
            name, methods = allow(error)
            leave = self._cors.preflight(scope["headers"], methods)
            await send_answer(Answer(204, [(name, methods), *leave], b""), visit)

    def _request_id(self, headers: list[tuple[bytes, bytes]]) -> str:
        given = header_in(headers, b"x-request-id")
        if given is not None:
            text = visible_ascii(given, REQUEST_ID_CHARS_MAX)
            if text is not None:
                return text
        return f"{self._prefix}-{next(self._counter):x}"


def _shows_credentials(scope: Any, path: str) -> bool:
    """Whether a refusal says that somebody tried credentials, not that they sent none."""
    if path.startswith(SIGN_IN) or path == TELEGRAM:
        return True
    if path.endswith((STREAMS, SOCKETS)) and b"ticket=" in scope["query_string"]:
        return True
    return header_in(scope["headers"], b"authorization") is not None


def _refuse_repeated(headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse a request that says two things where one is meant: who asks, or what its body is."""
    found = [name for name, _ in headers if name in ONCE]
    if len(found) > len(set(found)):
        name = next(name for name in found if found.count(name) > 1).decode("ascii").title()
        raise Problem("invalid-header", f"Send the header {name} only once.")


def _trace(headers: list[tuple[bytes, bytes]]) -> str | None:
    given = header_in(headers, b"traceparent")
    if given is None or _TRACEPARENT.fullmatch(given) is None:
        return None
    return given.decode("ascii")


def _measure(method: str, status: int, seconds: float, *, counted: bool) -> None:
    if counted:
        (_SECONDS.get(method) or _SECONDS["other"]).observe(seconds)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == 0:
        metrics.ANSWERED_BADLY.inc()
    elif status >= HTTPStatus.BAD_REQUEST:
        metrics.ANSWERED_REFUSED.inc()
    else:
        metrics.ANSWERED_WELL.inc()
