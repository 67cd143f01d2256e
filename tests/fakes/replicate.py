"""A strict stand-in for Replicate's predictions API, which counts what it would have charged.

It refuses whatever the real API refuses: a missing token, an unknown model, inputs that FLUX does
not have. Every accepted prediction is charged. What it does then is told by a directive in the
prompt, or, for the next requests of any prompt, by `next`:

    [429] [429:SECONDS]  too many requests, with Retry-After            (costs nothing)
    [500] [503]          an answer that says no                          (costs nothing)
    [504]                a gateway's no, while the prediction is made    (charged)
    [drop]               made, and the connection closes                 (charged)
    [hang:SECONDS]       made, and answers so late                       (charged)
    [malformed]          made, and the answer is no JSON                 (charged)
    [refused]            422, flagged as sensitive                       (costs nothing)
    [failed] [nsfw] [canceled] [aborted]   how it ends
    [never]              it runs until it is cancelled
    [slow:SECONDS]       it takes so long
    [forgotten]          404 when it is asked for
    [troubled:N]         500 the first N times that it is asked for
    [garbled:N]          no JSON the first N times
    [expired] [html] [large] [inside] [redirected] [named]   what its output's address leads to
    [fewer]              one picture less than was asked for

A directive counts for the first prediction of its prompt only, except with `!`: `[500!]`. What has
ended is told to its webhook, signed with `secret`, as often as `tellings` says.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections import Counter
from typing import Any

import httpx
import msgspec
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from tests.fakes.double import Double
from tests.fakes.files import Files
from tests.fakes.replicate_rules import MODEL, wrong_with

TOKEN = "r8_test"
SECRET = "whsec_" + base64.b64encode(b"replicate's secret, 32 bytes long").decode()
_FREE = {"429", "500", "503", "refused"}
_ENDINGS = {"failed": "failed", "nsfw": "failed", "canceled": "canceled", "aborted": "aborted"}
_ERRORS = {
    "failed": "the GPU fell off the bus",
    "nsfw": "NSFW content detected. Try running it again, or try a different prompt.",
}


class Made(msgspec.Struct):
    """One prediction that was accepted."""

    id: str
    inputs: dict[str, Any]
    directive: str
    value: float
    webhook: str | None
    cancel_after: str
    status: str = "starting"
    asked: int = 0
    """How often it was asked for."""

    @property
    def has_ended(self) -> bool:
        return self.status in {"succeeded", "failed", "canceled", "aborted"}


class Replicate(Double):
    """The API; `base_url` is where it answers once it was started."""

    def __init__(self, *, latency_seconds: float = 0.0) -> None:
        super().__init__(bytes_max=1_000_000)
        self.made: list[Made] = []
        self.latency_seconds = latency_seconds
        self.secret = SECRET
        self.tellings = 1
        """How often the end of a prediction is told; 0: never."""
        self.told: list[int] = []
        """What webhooks answered."""
        self.base_url = ""
        self.next = self.directives.next
        app = self.app
        app.router.add_post("/v1/models/{owner}/{name}/predictions", self._create)
        app.router.add_post("/v1/predictions", self._create)
        app.router.add_get("/v1/predictions/{id}", self._tell)
        app.router.add_post("/v1/predictions/{id}/cancel", self._cancel)
        self._files = Files(app)

    async def start(self) -> None:
        """Serve on free ports of 127.0.0.1, and of 127.0.0.2, which plays the inside."""
        self.base_url = f"{await self._files.serve(self._runner)}/v1"

    def forget(self) -> None:
        """Be as before the first request."""
        super().forget()
        self.made.clear()

    @property
    def hits_inside(self) -> int:
        """Requests at the address that no picture may be fetched from."""
        return self._files.hits_inside

    def charged(self) -> dict[str, int]:
        """How many predictions of each prompt were accepted."""
        return dict(Counter(one.inputs["prompt"] for one in self.made))

    def message(self, made: Made, message_id: str | None = None) -> tuple[bytes, dict[str, str]]:
        """What is sent to a webhook about a prediction now: body and headers."""
        body = json.dumps(self._document(made)).encode()
        return body, self.signed(body, message_id)

    def signed(self, body: bytes, message_id: str | None = None, at: float = 0) -> dict[str, str]:
        """The headers of a body, by the official library."""
        name = message_id or f"msg_{secrets.token_hex(8)}"
        moment = _datetime(at or time.time())
        return {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": Webhook(self.secret).sign(name, moment, body.decode()),
        }

    async def _create(self, request: web.Request) -> web.StreamResponse:
        refusal = self._unauthorised(request)
        if refusal is not None:
            return refusal
        body = await request.json()
        wrong = wrong_with(request.match_info, body)
        if wrong:
            return _problem(*wrong)
        name, value = self.directives.of(body["input"]["prompt"])
        if name in _FREE:
            self.refused.append(name)
            if name == "429":
                return _problem(429, "Request was throttled.", {"Retry-After": f"{value:g}"})
            if name == "refused":
                return _problem(422, "The input was flagged as sensitive. (E005)")
            return _problem(int(name), "Something went wrong.")
        made = Made(
            secrets.token_hex(13),
            body["input"],
            name,
            value,
            body.get("webhook"),
            request.headers.get("Cancel-After", ""),
        )
        self.made.append(made)
        self.begin(self._work(made))
        return await self._accepted(request, made)

    async def _accepted(self, request: web.Request, made: Made) -> web.StreamResponse:
        lost = await self.astray(request, made.directive, made.value, status=201)
        if lost is not None:
            return lost
        return web.json_response(self._document(made), status=201)

    async def _work(self, made: Made) -> None:
        if made.directive == "never":
            return
        await self.dawdle(made.value if made.directive == "slow" else self.latency_seconds)
        if not made.has_ended:
            made.status = _ENDINGS.get(made.directive, "succeeded")
            await self.tell(made)

    async def tell(self, made: Made) -> None:
        """Tell its webhook, if it has one."""
        body, headers = self.message(made)
        for _ in range(self.tellings if made.webhook else 0):
            async with httpx.AsyncClient() as client:
                answer = await client.post(made.webhook, content=body, headers=headers)
            self.told.append(answer.status_code)

    async def _tell(self, request: web.Request) -> web.Response:
        refusal = self._unauthorised(request)
        made = self._find(request)
        if refusal is not None:
            return refusal
        if made is None or made.directive == "forgotten":
            return _problem(404, "The requested resource could not be found.")
        made.asked += 1
        if made.directive == "troubled" and made.asked <= made.value:
            return _problem(500, "Something went wrong.")
        if made.directive == "garbled" and made.asked <= made.value:
            return web.Response(text="{")
        return web.json_response(self._document(made))

    async def _cancel(self, request: web.Request) -> web.Response:
        made = self._find(request)
        if made is None:
            return _problem(404, "The requested resource could not be found.")
        if not made.has_ended:
            made.status = "canceled"
        return web.json_response(self._document(made))

    def _document(self, made: Made) -> dict[str, Any]:
        return {
            "id": made.id,
            "model": MODEL,
            "version": "hidden",
            "input": made.inputs,
            "logs": "",
            "output": self._output(made) if made.status == "succeeded" else None,
            "error": _ERRORS.get(made.directive) if made.status == "failed" else None,
            "status": made.status,
            "urls": {"get": f"{self.base_url}/predictions/{made.id}"},
            "data_removed": False,
        }

    def _output(self, made: Made) -> list[str]:
        count = made.inputs.get("num_outputs", 1) - (made.directive == "fewer")
        return self._files.addresses(made.id, made.directive, count)

    def _find(self, request: web.Request) -> Made | None:
        return next((one for one in self.made if one.id == request.match_info["id"]), None)

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {TOKEN}":
            return None
        return _problem(401, "You did not pass a valid authentication token")


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    document = {"title": "", "detail": detail, "status": status}
    return web.json_response(document, status=status, headers=headers)


def _datetime(seconds: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)
