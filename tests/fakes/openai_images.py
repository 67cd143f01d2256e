"""A strict stand-in for OpenAI's image API, which counts what it would have charged.

    python -m tests.fakes.openai_images [--port N] [--latency-seconds S]

prints its base URL and serves until it is ended. `POST /v1/images/generations`, and `/edits` with
photos, refuse whatever the real API refuses of a gpt-image request. What they do then is told by
directives in the prompt, or, for the next calls of any prompt, by
`POST /control {"next": ["[500]", …]}`:

    [429] [429:SECONDS]  too many requests, with Retry-After        (costs nothing)
    [500] [503]          an answer that says no                      (costs nothing)
    [504]                a gateway's no, while the work is done      (charged)
    [hang:SECONDS]       works, and answers so late                  (charged)
    [drop]               works, and closes in the middle of the body (charged)
    [moderation]         400, moderation_blocked                     (costs nothing)
    [fewer:N]            N pictures, however many were asked for     (charged)
    [broken]             pictures that are none                      (charged)
    [malformed]          an answer that is no JSON                   (charged)
    [unstreamed]         a whole body, though a stream was asked for (charged)
    [blocked]            a stream that ends with moderation_blocked  (costs nothing)
    [endless]            a stream that ends without a picture        (charged)

A directive counts for the first call of a generation only, except with `!`: `[500!]`. `GET /calls`
lists every call with its client id and whether it was charged; `GET /charged` counts them by
generation.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import re
import sys
from collections import Counter
from io import BytesIO
from typing import Any

import msgspec
from aiohttp import web
from PIL import Image

from tests.fakes.directives import DIRECTIVE
from tests.fakes.double import Double
from tests.fakes.openai_edits import BadPicture, Edit, read_edit

CALL_HEADER = "X-Client-Request-Id"
SIZES = {"1024x1024", "1024x1536", "1536x1024"}
FIELDS = {"model", "prompt", "n", "size", "quality", "output_format", "moderation", "background"}
FIELDS |= {"stream", "partial_images"}
QUALITIES = {"low", "medium", "high", "auto"}
_FREE = {"429", "500", "503", "moderation", "blocked"}


class Call(msgspec.Struct):
    """One request that passed validation."""

    client_id: str
    generation: str
    directive: str
    charged: bool


class Refused(Exception):
    """The answer is an error of the API's shape."""

    def __init__(
        self, status: int, code: str, message: str, *, param: str | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        error = {"code": code, "type": "invalid_request_error", "message": message, "param": param}
        self.response = web.json_response(
            {"error": error},
            status=status,
            headers={"x-request-id": "req_fake", **headers},
        )


class OpenAIImages(Double):
    """The API; `base_url` is where it answers once it was started."""

    def __init__(self, *, latency_seconds: float = 0.0) -> None:
        super().__init__(bytes_max=200_000_000)
        self.calls: list[Call] = []
        self.next = self.directives.next
        self.latency_seconds = latency_seconds
        self.base_url = ""
        self.under_way = 0
        self.under_way_most = 0
        """The most calls that there ever were at once."""
        self._pictures: dict[tuple[str, int], str] = {}
        self.edits: list[Edit] = []
        """What each request for an edit brought."""
        app = self.app
        app.router.add_post("/v1/images/edits", self._generate)
        app.router.add_post("/v1/images/generations", self._generate)
        app.router.add_post("/control", self._control)
        app.router.add_get("/calls", self._list)
        app.router.add_get("/charged", self._list_charged)

    async def start(self, port: int = 0) -> None:
        """Serve on this port of 127.0.0.1; 0 takes a free one."""
        self.base_url = f"{await self.serve(port)}/v1"

    @property
    def made(self) -> list[Call]:
        """The calls that would have been charged."""
        return [call for call in self.calls if call.charged]

    def forget(self) -> None:
        """Be as before the first call."""
        super().forget()
        self.calls.clear()
        self.edits.clear()

    def charged(self) -> dict[str, int]:
        """How many calls of each generation would have been charged."""
        return dict(Counter(call.generation for call in self.calls if call.charged))

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        try:
            is_edit = request.path.endswith("/edits")
            body = await (self._edited(request) if is_edit else self._validated(request))
            call, value = self._note(request, body)
            self.under_way += 1
            self.under_way_most = max(self.under_way_most, self.under_way)
            try:
                return await self._behave(request, body, call, value)
            finally:
                self.under_way -= 1
        except Refused as refused:
            return refused.response

    async def _validated(self, request: web.Request) -> dict[str, Any]:
        if not re.fullmatch(r"Bearer \S+", request.headers.get("Authorization", "")):
            raise Refused(401, "invalid_api_key", "Incorrect API key provided.")
        try:
            body = msgspec.json.decode(await request.read(), type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Refused(400, "invalid_json", str(error)) from error
        return self._checked(body)

    async def _edited(self, request: web.Request) -> dict[str, Any]:
        try:
            body, edit = await read_edit(request)
        except BadPicture as bad:
            raise Refused(bad.status, bad.code, "Bad picture.", param=bad.param) from bad
        self._checked(body)
        self.edits.append(edit)
        return body

    def _checked(self, body: dict[str, Any]) -> dict[str, Any]:
        unknown = set(body) - FIELDS
        if unknown:
            raise Refused(400, "unknown_parameter", f"Unknown parameter: '{min(unknown)}'.")
        checks = {
            "model": lambda value: isinstance(value, str) and "image" in value,
            "prompt": lambda value: isinstance(value, str) and 0 < len(value) <= 32_000,
            "n": lambda value: isinstance(value, int) and 1 <= value <= 10,
            "size": lambda value: value in SIZES,
            "quality": lambda value: value in QUALITIES,
            "output_format": lambda value: value in {"png", "jpeg", "webp"},
        }
        for field, holds in checks.items():
            if not holds(body.get(field)):
                raise Refused(400, "invalid_value", f"Invalid value for '{field}'.")
        if body.get("stream") and body["n"] != 1:
            raise Refused(400, "invalid_value", "Streaming is only supported for n=1.")
        if not 0 <= body.get("partial_images", 0) <= 3 or (
            body.get("partial_images") and not body.get("stream")
        ):
            raise Refused(400, "invalid_value", "Invalid value for 'partial_images'.")
        return body

    def _note(self, request: web.Request, body: dict[str, Any]) -> tuple[Call, float]:
        client_id = request.headers.get(CALL_HEADER, "")
        generation = client_id.partition("/")[0]
        text = self.next.pop(0) if self.next else str(body["prompt"])
        found = DIRECTIVE.search(text)
        # Of a generation, not of a prompt: what is asked again of one may say other words.
        seen = any(call.generation == generation for call in self.calls)
        if found is None or (seen and not found["always"] and text is body["prompt"]):
            name, value = "", 0.0
        else:
            name, value = found["name"], float(found["value"] or 0)
        if name in _FREE:
            self.refused.append(name)
        call = Call(client_id, generation, name, charged=name not in _FREE)
        self.calls.append(call)
        return call, value

    async def _behave(
        self, request: web.Request, body: dict[str, Any], call: Call, value: float
    ) -> web.StreamResponse:
        await self.dawdle(self.latency_seconds)
        match call.directive:
            case "429":
                wait = {"Retry-After": f"{value:g}"}
                raise Refused(429, "rate_limit_exceeded", "Slow down.", **wait)
            case "500" | "503":
                raise Refused(int(call.directive), "server_error", "Something went wrong.")
            case "moderation":
                raise Refused(400, "moderation_blocked", "Your request was rejected.")
            case "504" | "hang" | "malformed":
                lost = await self.astray(request, call.directive, value)
                if lost is not None:
                    return lost
            case "drop":
                return await self._drop(request, self._answer(body, int(body["n"])))
            case "broken":
                data = [{"b64_json": base64.b64encode(b"no picture").decode()}] * body["n"]
                return web.json_response({"created": 1, "data": data})
        if body.get("stream") and call.directive != "unstreamed":
            return await self._stream(request, body, call)
        count = int(value) if call.directive == "fewer" else int(body["n"])
        return web.Response(body=self._answer(body, count), content_type="application/json")

    async def _stream(
        self, request: web.Request, body: dict[str, Any], call: Call
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        about = {
            "background": "opaque",
            "created_at": 1,
            "output_format": "png",
            "quality": body["quality"],
            "size": body["size"],
        }

        async def say(kind: str, **more: Any) -> None:
            data = msgspec.json.encode({"type": kind, **more})
            await response.write(b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n")

        for number in range(body.get("partial_images", 0)):
            picture = self._picture(body["size"], number + 1)
            await say(
                "image_generation.partial_image",
                b64_json=picture,
                partial_image_index=number,
                **about,
            )
        if call.directive == "blocked":
            error = {"code": "moderation_blocked", "type": "image_generation_user_error"}
            await say("error", error=error | {"message": "Your request was rejected."})
        elif call.directive != "endless":
            usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
            usage |= {"input_tokens_details": {"image_tokens": 0, "text_tokens": 1}}
            picture = self._picture(body["size"], 0)
            await say("image_generation.completed", b64_json=picture, usage=usage, **about)
        await response.write_eof()
        return response

    async def _drop(self, request: web.Request, answer: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.content_length = len(answer)
        await response.prepare(request)
        await response.write(answer[: len(answer) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response

    def _answer(self, body: dict[str, Any], count: int) -> bytes:
        pictures = [{"b64_json": self._picture(body["size"], index)} for index in range(count)]
        return msgspec.json.encode({"created": 1, "data": pictures, "output_format": "png"})

    def _picture(self, size: str, index: int) -> str:
        if (size, index) not in self._pictures:
            width, height = (int(side) for side in size.split("x"))
            out = BytesIO()
            Image.new("RGB", (width, height), (40 * index, 90, 160)).save(out, "PNG")
            self._pictures[size, index] = base64.b64encode(out.getvalue()).decode()
        return self._pictures[size, index]

    async def _control(self, request: web.Request) -> web.Response:
        self.next += (await request.json())["next"]
        return web.json_response({"next": self.next})

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response([msgspec.to_builtins(call) for call in self.calls])

    async def _list_charged(self, _: web.Request) -> web.Response:
        return web.json_response(self.charged())


async def _serve(port: int, latency_seconds: float) -> None:
    fake = OpenAIImages(latency_seconds=latency_seconds)
    await fake.start(port)
    sys.stdout.write(f"{fake.base_url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A stand-in for OpenAI's image API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-seconds", type=float, default=0.0)
    given = parser.parse_args()
    asyncio.run(_serve(given.port, given.latency_seconds))
