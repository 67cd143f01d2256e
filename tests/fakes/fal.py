"""A strict stand-in for fal's queue, which counts what it would have charged.

It refuses whatever the real one refuses: a missing key, an unknown model, inputs that the model
does not have. What it does is told by a directive in the prompt (`tests.fakes.directives`):

    [429] [429:SECONDS]  too many requests, with Retry-After            (costs nothing)
    [500] [503]          an answer that says no                          (costs nothing)
    [504]                a gateway's no, while the picture is made       (charged)
    [drop]               taken, and the connection closes                (charged)
    [hang:SECONDS]       taken, and answers so late                      (charged)
    [malformed] [badid]  taken, and the answer is of no use              (charged)
    [policy]             422, against the content policy                 (costs nothing)
    [late]               taken, and the model answers 422, against the content policy
    [failed]             taken, and the model answers 500                (costs nothing)
    [nobegin]            taken, and no runner was free in time           (costs nothing)
    [nsfw] [oneblack]    made; the safety checker blackens all, or the first
    [never]              it runs until it is cancelled
    [slow:SECONDS]       it takes so long
    [forgotten]          404 when it is asked for
    [troubled:N]         500 the first N times that it is asked for, [garbled:N] no JSON
    [lost:N]             its result is 502 the first N times
    [expired] [html] [large] [inside] [redirected] [named]   what its picture's address leads to
    [fewer]              one picture less than was asked for

What has ended is told to its webhook, signed with `signer`, as often as `tellings` says.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from typing import Any

import httpx
import msgspec
from aiohttp import web

from tests.fakes.double import Double
from tests.fakes.fal_rules import APPS, wrong_with
from tests.fakes.fal_signing import Signer
from tests.fakes.files import Files

KEY = "fal-id:fal-secret"
_FREE = {"429", "500", "503", "policy"}
_POLICY = {
    "detail": [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed: a very private boat",
            "type": "content_policy_violation",
            "input": {"prompt": "a very private boat"},
        }
    ]
}


class Made(msgspec.Struct):
    """One request that was taken."""

    id: str
    model: str
    inputs: dict[str, Any]
    directive: str
    value: float
    webhook: str | None
    headers: dict[str, str]
    status: str = "IN_QUEUE"
    cancelled: bool = False
    asked: int = 0
    """How often its status was asked for."""
    fetched: int = 0
    """How often its result was."""


class Fal(Double):
    """The queue; `base_url` is where it answers once it was started."""

    def __init__(self, *, latency_seconds: float = 0.0) -> None:
        super().__init__()
        self.made: list[Made] = []
        self.latency_seconds = latency_seconds
        self.signer = Signer()
        self.keys_asked = 0
        """How often its key set was asked for."""
        self.keys_redirect = ""
        self.tellings = 1
        """How often the end of a request is told; 0: never."""
        self.told: list[int] = []
        """What webhooks answered."""
        self.base_url = ""
        app = self.app
        self.files = Files(app)
        app.router.add_get("/.well-known/jwks.json", self._keys)
        base = "/{owner}/{app}/requests/{id}"
        app.router.add_get(f"{base}/status", self._status)
        app.router.add_put(f"{base}/cancel", self._cancel)
        app.router.add_get(base, self._result)
        app.router.add_post("/{model:.+}", self._submit)

    async def start(self) -> None:
        """Serve on free ports."""
        self.base_url = await self.files.serve(self._runner)

    def forget(self) -> None:
        """Be as before the first request."""
        super().forget()
        self.made.clear()

    @property
    def hits_inside(self) -> int:
        """Requests at the address that no picture may be fetched from."""
        return self.files.hits_inside

    def charged(self) -> dict[str, int]:
        """How many requests of each prompt were charged."""
        free = {"failed", "nobegin", "late"}
        return dict(Counter(one.inputs["prompt"] for one in self.made if one.directive not in free))

    async def _keys(self, _: web.Request) -> web.Response:
        self.keys_asked += 1
        if self.keys_redirect:
            raise web.HTTPFound(self.keys_redirect)
        return web.json_response(self.signer.key_set())

    async def _submit(self, request: web.Request) -> web.StreamResponse:
        refusal = self._unauthorised(request)
        if refusal is not None:
            return refusal
        inputs = await request.json()
        model = request.match_info["model"]
        wrong = wrong_with(model, inputs, request.headers)
        if wrong:
            return _problem(*wrong)
        name, value = self.directives.of(inputs["prompt"])
        if name in _FREE:
            self.refused.append(name)
            if name == "429":
                return _problem(429, "Too many requests", {"Retry-After": f"{value:g}"})
            if name == "policy":
                return web.json_response(_POLICY, status=422)
            return _problem(int(name), "Something went wrong")
        made = Made(
            str(uuid.uuid4()),
            model,
            inputs,
            name,
            value,
            request.query.get("fal_webhook"),
            {key.lower(): one for key, one in request.headers.items()},
        )
        self.made.append(made)
        self.begin(self._work(made))
        return await self._taken(request, made)

    async def _taken(self, request: web.Request, made: Made) -> web.StreamResponse:
        lost = await self.astray(request, made.directive, made.value)
        if lost is not None:
            return lost
        if made.directive == "badid":
            return web.json_response({"request_id": "../../account", "status": "IN_QUEUE"})
        owner, app, *_ = made.model.split("/")
        url = f"{self.base_url}/{owner}/{app}/requests/{made.id}"
        return web.json_response(
            {
                "status": "IN_QUEUE",
                "request_id": made.id,
                "response_url": url,
                "status_url": f"{url}/status",
                "cancel_url": f"{url}/cancel",
                "queue_position": 0,
            }
        )

    async def _work(self, made: Made) -> None:
        made.status = "IN_PROGRESS"
        if made.directive == "never":
            return
        await self.dawdle(made.value if made.directive == "slow" else self.latency_seconds)
        if made.status != "COMPLETED":
            made.status = "COMPLETED"
            await self.tell(made)

    async def tell(self, made: Made) -> None:
        """Tell its webhook, if it has one."""
        body = self.message(made)
        for _ in range(self.tellings if made.webhook else 0):
            async with httpx.AsyncClient() as client:
                headers = self.signer.signed(body, int(time.time()))
                answer = await client.post(made.webhook, content=body, headers=headers)
            self.told.append(answer.status_code)

    def message(self, made: Made) -> bytes:
        """What is sent to a webhook about a request."""
        document = {
            "request_id": made.id,
            "gateway_request_id": made.id,
            "status": "OK",
            "payload": self._payload(made),
        }
        return json.dumps(document).encode()

    async def _status(self, request: web.Request) -> web.Response:
        made = self._find(request)
        refusal = self._unauthorised(request)
        if refusal is not None:
            return refusal
        if made is None or made.directive == "forgotten":
            return _problem(404, "Request not found")
        made.asked += 1
        if made.directive == "troubled" and made.asked <= made.value:
            return _problem(500, "Something went wrong")
        if made.directive == "garbled" and made.asked <= made.value:
            return web.Response(text="{")
        document: dict[str, Any] = {"status": made.status, "request_id": made.id}
        if made.status != "COMPLETED":
            return web.json_response(document | {"queue_position": 0}, status=202)
        error = _error_of(made)
        if error:
            document |= {"error": error[1], "error_type": error[1]}
        return web.json_response(document | {"metrics": {"inference_time": 1.0}})

    async def _result(self, request: web.Request) -> web.Response:
        made = self._find(request)
        if made is None or made.status != "COMPLETED":
            return self._unauthorised(request) or _problem(404, "Request not found")
        made.fetched += 1
        if made.directive == "late":
            return web.json_response(_POLICY, status=422)
        if made.directive == "lost" and made.fetched <= made.value:
            return web.Response(status=502, text="bad gateway")
        error = _error_of(made)
        if error:
            status, kind = error
            document = {"detail": "No luck", "error_type": kind}
            return web.json_response(document, status=status, headers={"X-Fal-Error-Type": kind})
        return web.json_response(self._payload(made))

    async def _cancel(self, request: web.Request) -> web.Response:
        made = self._find(request)
        if made is None:
            return web.json_response({"status": "NOT_FOUND"}, status=404)
        if made.status == "COMPLETED":
            return web.json_response({"status": "ALREADY_COMPLETED"}, status=400)
        made.status, made.cancelled = "COMPLETED", True
        return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)

    def _payload(self, made: Made) -> dict[str, Any]:
        count = made.inputs.get("num_images", 1) - (made.directive == "fewer")
        addresses = self.files.addresses(made.id, made.directive, count)
        black = {"nsfw": [True] * count, "oneblack": [True] + [False] * (count - 1)}
        return {
            "images": [{"url": one, "content_type": "image/png"} for one in addresses],
            "seed": made.inputs.get("seed", 7),
            "has_nsfw_concepts": black.get(made.directive, [False] * count),
            "prompt": made.inputs["prompt"],
            "timings": {},
        }

    def _find(self, request: web.Request) -> Made | None:
        where = request.match_info
        app = f"{where['owner']}/{where['app']}"
        return next(
            (
                one
                for one in self.made
                if one.id == where["id"] and one.model.startswith(app) and app in APPS
            ),
            None,
        )

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Key {KEY}":
            return None
        return _problem(401, "Cannot access application")


def _error_of(made: Made) -> tuple[int, str] | None:
    if made.cancelled:
        return 499, "client_cancelled"
    return {"failed": (500, "internal_error"), "nobegin": (504, "startup_timeout")}.get(
        made.directive
    )


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"detail": detail}, status=status, headers=headers)
