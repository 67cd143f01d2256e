"""A strict stand-in for Amazon Bedrock's runtime, which counts what it would have charged.

It refuses whatever the real one refuses: an unsigned request, an unknown model, a body that the
model does not take. What it does is told by a directive in the prompt (`tests.fakes.directives`):

    [429] [429:SECONDS]  throttled                                       (costs nothing)
    [500] [503] [424] [quota] [notready]   an error that says no         (costs nothing)
    [filtered]           the words are blocked                           (costs nothing)
    [504]                a gateway's no, while the picture is made       (charged)
    [drop] [half]        made, and the connection closes, or breaks off  (charged)
    [hang:SECONDS]       made, and answers so late                       (charged)
    [malformed]          made, and the answer is no JSON                 (charged)
    [withheld] [onewithheld]   made, and all pictures or the first are withheld
    [html]               made, and what stands for the pictures is none
    [denied]             403
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import msgspec
from aiohttp import web

from tests.fakes.bedrock_rules import SDXL, TITAN, words_of, wrong_with
from tests.fakes.double import Double
from tests.fakes.files import picture

_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=AKIATEST/[0-9]{8}/us-west-2/bedrock/aws4_request, .*"
)
_BLOCKED = (
    "This request has been blocked by our content filters. Our filters automatically flagged this "
    "prompt because it may conflict our AUP or AWS Responsible AI Policy: a very private boat"
)
_ERRORS = {
    "429": (429, "ThrottlingException", "Too many requests"),
    "notready": (429, "ModelNotReadyException", "The model is not ready"),
    "500": (500, "InternalServerException", "Something went wrong"),
    "503": (503, "ServiceUnavailableException", "Not now"),
    "424": (424, "ModelErrorException", "The model has a problem"),
    "quota": (400, "ServiceQuotaExceededException", "No more"),
    "filtered": (400, "ValidationException", _BLOCKED),
    "denied": (403, "AccessDeniedException", "You do not have access"),
}


class Made(msgspec.Struct):
    """One call that was charged."""

    model: str
    body: dict[str, Any]


class Bedrock(Double):
    """The service; `url` is where it answers once it was started."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[Made] = []
        self.connections: set[Any] = set()
        self.url = ""
        self.app.router.add_post("/model/{model}/invoke", self._invoke)

    async def start(self) -> None:
        """Serve on a free port of 127.0.0.1."""
        self.url = await self.serve()

    def forget(self) -> None:
        """Be as before the first request."""
        super().forget()
        self.made.clear()

    async def _invoke(self, request: web.Request) -> web.StreamResponse:
        if _SIGNED.fullmatch(request.headers.get("Authorization", "")) is None:
            return _error(403, "UnrecognizedClientException", "The security token is invalid")
        model = request.match_info["model"]
        if model not in {TITAN, SDXL}:
            return _error(404, "ResourceNotFoundException", "Could not resolve the model")
        body = await request.json()
        wrong = wrong_with(model, body)
        if wrong:
            return _error(400, "ValidationException", f"Malformed input request: {wrong}")
        name, value = self.directives.of(words_of(model, body))
        if name in _ERRORS:
            self.refused.append(name)
            answer = _error(*_ERRORS[name])
            if name == "429" and value:
                answer.headers["Retry-After"] = f"{value:g}"
            return answer
        self.made.append(Made(model, body))
        return await self._answer(request, name, value, _answer_of(model, body, name))

    async def _answer(
        self, request: web.Request, name: str, value: float, document: dict[str, Any]
    ) -> web.StreamResponse:
        lost = await self.astray(request, name, value)
        if lost is not None:
            return lost
        if name == "half":
            response = web.StreamResponse(headers={"Content-Length": "100000"})
            await response.prepare(request)
            await response.write(b'{"images": ["')
            assert request.transport is not None
            request.transport.close()
            return response
        return web.json_response(document)


def _answer_of(model: str, body: dict[str, Any], name: str) -> dict[str, Any]:
    data = b"<html></html>" if name == "html" else picture()
    text = base64.b64encode(data).decode()
    if model == SDXL:
        reason = "CONTENT_FILTERED" if name in {"withheld", "onewithheld"} else "SUCCESS"
        artifact = {"base64": text, "finishReason": reason, "seed": body["seed"]}
        return {"result": "success", "artifacts": [artifact]}
    count = body["imageGenerationConfig"]["numberOfImages"]
    if name in {"withheld", "onewithheld"}:
        left = [] if name == "withheld" else [text] * (count - 1)
        return {"images": left, "error": "Our content policy filter has blocked some or all."}
    return {"images": [text] * count, "error": None}


def _error(status: int, code: str, message: str) -> web.Response:
    return web.Response(
        status=status,
        text=json.dumps({"message": message}),
        headers={"x-amzn-ErrorType": f"{code}:http://internal.amazon.com/"},
        content_type="application/json",
    )
