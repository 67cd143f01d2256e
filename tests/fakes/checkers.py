"""Strict stand-ins for those who look at texts and pictures: OpenAI, Rekognition, Bedrock.

One server for all three, since each has paths of its own. What is said of a text is told by a
directive in it, `[sexual]` or `[sexual/minors]`; a picture whose middle is red is refused, a green
one is violent. `trouble` plays for the next questions, whoever they are for:

    "429:SECONDS"  too many questions, with Retry-After     "500" "400"  an answer that says no
    "drop"         no answer                                "broken"     an answer that is none
"""

from __future__ import annotations

import base64
import re
from io import BytesIO
from typing import Any

import msgspec
from aiohttp import web
from PIL import Image

CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)
SIDE_PIXELS_MAX = 1024
BYTES_MAX = 5_242_880
_STRONG, _WEAK = 150, 90
_DIRECTIVE = re.compile(r"\[([a-z/-]+)\]")
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[^/]+/[0-9]{8}/[a-z0-9-]+/(?P<service>[a-z]+)/aws4_request, .*"
)


class Checkers:
    """The services; `base_url` is where they answer once they were started."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.pictures = 0
        self.trouble: list[str] = []
        self.base_url = ""
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/v1/moderations", self._openai)
        app.router.add_post("/model/{model}/converse", self._bedrock)
        app.router.add_post("/", self._rekognition)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start(self) -> None:
        """Serve on a free port of 127.0.0.1."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Serve no more."""
        await self._runner.cleanup()

    async def _openai(self, request: web.Request) -> web.StreamResponse:
        assert re.fullmatch(r"Bearer \S+", request.headers["Authorization"])
        body = await request.json()
        assert set(body) == {"model", "input"}
        assert body["model"] == "omni-moderation-latest"
        (what,) = body["input"]
        troubled = await self._troubled(request, {"error": {"code": "x", "message": "no"}})
        if troubled is not None:
            return troubled
        if what["type"] == "text":
            assert set(what) == {"type", "text"}
            said = self._read(what["text"])
        else:
            assert set(what) == {"type", "image_url"}
            prefix, _, data = what["image_url"]["url"].partition(",")
            assert prefix == "data:image/jpeg;base64"
            said = self._look(base64.b64decode(data, validate=True))
        result = {
            "flagged": bool(said),
            "categories": {name: name in said for name in CATEGORIES},
            "category_scores": {name: float(name in said) for name in CATEGORIES},
            "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
        }
        answer = {"id": "modr-1", "model": "omni-moderation-2024-09-26", "results": [result]}
        return web.json_response(answer)

    async def _rekognition(self, request: web.Request) -> web.StreamResponse:
        _signed_for(request, "rekognition")
        assert request.headers["X-Amz-Target"] == "RekognitionService.DetectModerationLabels"
        body = msgspec.json.decode(await request.read())
        assert set(body) == {"Image", "MinConfidence"}
        troubled = await self._troubled(request, {})
        if troubled is not None:
            return troubled
        said = self._look(base64.b64decode(body["Image"]["Bytes"]))
        labels = [{"Name": "Swimwear or Underwear", "ParentName": "", "Confidence": 99.0}]
        if "sexual" in said:
            labels += [{"Name": "Exposed Buttocks or Anus", "ParentName": "Explicit Nudity"}]
        if "violence/graphic" in said:
            labels += [{"Name": "Graphic Violence", "ParentName": "Violence", "Confidence": 91.0}]
        answer = {"ModerationLabels": labels, "ModerationModelVersion": "7.0"}
        return web.json_response(answer, content_type="application/x-amz-json-1.1")

    async def _bedrock(self, request: web.Request) -> web.StreamResponse:
        _signed_for(request, "bedrock")
        body = await request.json()
        assert set(body) == {"system", "messages", "inferenceConfig", "toolConfig"}
        (message,) = body["messages"]
        (what,) = message["content"]
        troubled = await self._troubled(request, {"message": "no"})
        if troubled is not None:
            return troubled
        if "text" in what:
            said = self._read(what["text"])
        else:
            assert what["image"]["format"] == "jpeg"
            said = self._look(base64.b64decode(what["image"]["source"]["bytes"]))
        reason = min(said).partition("/")[0] if said else "none"
        verdict = {"allowed": not said, "reason": reason}
        content = [{"toolUse": {"toolUseId": "t1", "name": "verdict", "input": verdict}}]
        return web.json_response(
            {
                "output": {"message": {"role": "assistant", "content": content}},
                "stopReason": "tool_use",
                "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
                "metrics": {"latencyMs": 1},
            }
        )

    def _read(self, text: str) -> set[str]:
        self.texts.append(text)
        return set(_DIRECTIVE.findall(text))

    def _look(self, data: bytes) -> set[str]:
        self.pictures += 1
        assert len(data) <= BYTES_MAX
        with Image.open(BytesIO(data), formats=["JPEG"]) as picture:
            assert max(picture.size) <= SIDE_PIXELS_MAX
            red, green, blue = picture.convert("RGB").getpixel(
                (picture.width // 2, picture.height // 2)
            )
        if red > _STRONG and max(green, blue) < _WEAK:
            return {"sexual", "violence"}
        return {"violence/graphic"} if green > _STRONG and max(red, blue) < _WEAK else set()

    async def _troubled(
        self, request: web.Request, error: dict[str, Any]
    ) -> web.StreamResponse | None:
        if not self.trouble:
            return None
        name, _, value = self.trouble.pop(0).partition(":")
        match name:
            case "drop":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            case "broken":
                return web.json_response({"results": [{"categories": 7}], "output": []})
            case _:
                wait = {"Retry-After": value} if value else {}
                passing = int(name) != web.HTTPBadRequest.status_code
                kind = "ThrottlingException" if passing else "InvalidParameterException"
                error = {"__type": kind, **error}
                return web.json_response(error, status=int(name), headers=wait)


def _signed_for(request: web.Request, service: str) -> None:
    found = _SIGNED.fullmatch(request.headers["Authorization"])
    assert found is not None
    assert found["service"] == service
