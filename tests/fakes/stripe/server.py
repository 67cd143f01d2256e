"""The double as an HTTP server: keys, versions, idempotency, and trouble on demand.

Order as in the docs, "Advanced error handling": the rate limiter and the key check come before
idempotency, so that what they refuse is not remembered; a 500 is, which is why it says
`Stripe-Should-Retry: false` (the official package's `_should_retry` says so too).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Self

import msgspec
from aiohttp import web

from tests.fakes.stripe.api import Api
from tests.fakes.stripe.books import API_VERSION, Books
from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.errors import Invalid, Refused
from tests.fakes.stripe.forms import parsed
from tests.fakes.stripe.idempotency import Answer, Keys
from tests.fakes.stripe.people import Bank, Customer
from tests.fakes.stripe.webhooks import Post

API_KEY = "sk_test_pixelpop"
BODY_BYTES_MAX = 1_000_000
FORM = "application/x-www-form-urlencoded"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:\.[a-z]+)?")

FAULTS = {
    "429": "too many requests; nothing was done",
    "429 lock": "another request holds the object; nothing was done",
    "500": "failed, and the key remembers it; nothing was done",
    "500 done": "failed after the work was done, and the key remembers the failure",
    "502": "a gateway's page in HTML; nothing was done",
    "503": "no service; nothing was done",
    "cut": "the connection ends before anything was done",
    "lost": "the work was done, and the connection ends without an answer",
    "half": "the work was done, and the connection ends in the middle of the answer",
    "hang": "the work is done, and the answer waits for `gate`",
}


@dataclass
class Call:
    """One request, whatever became of it; `status` 0: no answer was sent."""

    method: str
    path: str
    params: dict[str, Any]
    key: str | None
    version: str
    request_id: str
    fault: str | None = None
    status: int = 0
    replayed: bool = False


@dataclass
class _Trouble:
    name: str
    path: str
    times: int = field(default=1)


class Stripe:
    """The account and its API; a context manager. `base_url` has no `/v1`, as the package wants."""

    def __init__(self, *, api_key: str = API_KEY) -> None:
        self.clock = Clock()
        self.books = Books(self.clock)
        self.api = Api(self.books)
        self.post = Post(self.books)
        self.books.listeners.append(self.post.take)
        self.customer = Customer(self.books)
        self.bank = Bank(self.books)
        self.api_keys = {api_key}
        self.calls: list[Call] = []
        self.per_second_max: int | None = None
        self.gate = asyncio.Event()
        self.base_url = ""
        self._keys = Keys(self.clock)
        self._trouble: list[_Trouble] = []
        self._came: list[float] = []
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Serve on this port of 127.0.0.1; 0 takes a free one."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.books.origin = self.base_url

    async def stop(self) -> None:
        """Serve no more."""
        self.gate.set()
        await self._runner.cleanup()

    def fail(self, name: str, *, path: str = "*", times: int = 1) -> None:
        """The next calls of a path (`*` is any text) meet this trouble; see `FAULTS`."""
        assert name in FAULTS, name
        self._trouble.append(_Trouble(name, path, times))

    def expire(self, session_id: str) -> None:
        """A session's time is up, now."""
        self.books.get("sessions", session_id)["expires_at"] = self.books.now()
        self.books.catch_up()

    def _fault(self, path: str) -> str | None:
        for trouble in self._trouble:
            if trouble.times and fnmatchcase(path, trouble.path):
                trouble.times -= 1
                return trouble.name
        return None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            params={},
            key=request.headers.get("Idempotency-Key") if request.method == "POST" else None,
            version=request.headers.get("Stripe-Version", API_VERSION),
            request_id=self.books.new_id("req_"),
            fault=self._fault(request.path),
        )
        self.calls.append(call)
        if call.fault == "cut":
            return self._cut(request)
        try:
            self._admit(request, call)
            call.params = await self._params(request)
            answer = await self._answer(call)
        except Refused as refused:
            answer = Answer(refused.status, refused.body, call.request_id)
        return await self._send(request, call, answer)

    def _admit(self, request: web.Request, call: Call) -> None:
        now = self.clock.now()
        self._came = [at for at in self._came if now - at < 1]
        over = self.per_second_max is not None and len(self._came) >= self.per_second_max
        if over or call.fault == "429":
            message = "Testmode request rate limit exceeded; you can retry this request later."
            raise Invalid(message, code="rate_limit", status=429)
        self._came.append(now)
        if call.fault == "429 lock":
            message = "This object cannot be accessed right now; another request is using it."
            raise Invalid(message, code="lock_timeout", status=429)
        if call.fault == "503":
            raise Invalid("The service is not available.", status=503, kind="api_error")
        given = request.headers.get("Authorization", "")
        if not given.startswith("Bearer "):
            raise Invalid("You did not provide an API key.", status=401)
        if given.removeprefix("Bearer ") not in self.api_keys:
            raise Invalid(f"Invalid API Key provided: {given[7:15]}***", status=401)
        if not _VERSION.fullmatch(call.version):
            raise Invalid(f"Invalid Stripe API version: {call.version}")

    async def _params(self, request: web.Request) -> dict[str, Any]:
        text = request.query_string
        if request.method != "GET":
            body = await request.read()
            if body and request.content_type != FORM:
                message = f"Invalid request (check that your POST content type is {FORM})."
                raise Invalid(message)
            text = body.decode(errors="replace")
        try:
            return parsed(text)
        except ValueError as error:
            raise Invalid("Invalid request parameters.") from error

    async def _answer(self, call: Call) -> Answer:
        if call.fault == "502":
            return Answer(502, {}, call.request_id)
        if call.key is None:
            return await self._execute(call)
        known = self._keys.begin(call.key, call.path, call.params)
        if known is not None:
            call.replayed = True
            return known
        try:
            answer = await self._execute(call)
        except Invalid:
            self._keys.drop(call.key)
            raise
        self._keys.keep(call.key, answer)
        return answer

    async def _execute(self, call: Call) -> Answer:
        """Refusals of wrong parameters are raised; those of the books are answers like others."""
        self.books.catch_up()
        make = self.api.plan(call.method, call.path, call.params)
        self.books.request = {"id": call.request_id, "idempotency_key": call.key}
        status, broken = 200, Refused("An unknown error occurred.", status=500, kind="api_error")
        try:
            if call.fault == "500":
                raise broken
            body = make()
            if call.fault == "500 done":
                raise broken
        except Invalid:
            raise
        except Refused as refused:
            status, body = refused.status, refused.body
        finally:
            self.books.request = None
        if call.fault == "hang":
            await self.gate.wait()
        return Answer(status, body, call.request_id)

    async def _send(self, request: web.Request, call: Call, answer: Answer) -> web.StreamResponse:
        if call.fault == "lost":
            return self._cut(request)
        if call.fault == "502" and not call.replayed:
            call.status = 502
            return web.Response(
                status=502, text="<html>Bad gateway</html>", content_type="text/html"
            )
        headers = {"Request-Id": call.request_id, "Stripe-Version": call.version}
        if call.key is not None:
            headers |= {"Idempotency-Key": call.key, "Original-Request": answer.request_id}
        if call.replayed:
            headers["Idempotent-Replayed"] = "true"
        if answer.status == 500:
            headers["Stripe-Should-Retry"] = "false"
        body = msgspec.json.format(msgspec.json.encode(answer.body), indent=2)
        if call.fault == "half":
            return await self._cut_in_half(request, body)
        call.status = answer.status
        return web.Response(
            status=answer.status, body=body, content_type="application/json", headers=headers
        )

    def _cut(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _cut_in_half(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        self._cut(request)
        return response
