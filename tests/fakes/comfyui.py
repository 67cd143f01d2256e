"""A strict stand-in for a ComfyUI server, which counts the workflows that it ran.

It refuses whatever a real one refuses: a node, an input or a link that it does not know, a model
file or a photo that is not there. What it does is told by a directive in the words
(`tests.fakes.directives`):

    [500] [503] [429:SECONDS]   an answer that says no                   (nothing runs)
    [504] [drop]         taken, and a gateway or nobody answers
    [lost]               not taken, and nobody answers
    [hang:SECONDS]       taken, and answers so late
    [malformed]          taken, and the answer is no JSON
    [failed]             it ends with an error
    [blank]              it shows nothing
    [shown:N]            it runs until somebody listens, shows N previews, and tells of its end
    [never]              it runs until it is interrupted, [waits]: it waits until it is taken out
    [restarted]          the server was started anew and has forgotten it
    [troubled:N] [garbled:N]   500, or no JSON, the first N times that it is asked for
    [html] [gone] [flaky:N]    what a picture's address leads to
    [fewer]              one picture less than was asked for

`has_socket` is whether anybody may listen, and `takes_ids` whether it is of a version that takes
the ids that clients choose.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import msgspec
from aiohttp import web

from tests.fakes.comfyui_rules import batch_of, words_of, wrong_with
from tests.fakes.double import Double
from tests.fakes.files import picture

TOKEN = "comfy-token"


class Ran(msgspec.Struct):
    """One workflow that was taken."""

    id: str
    graph: dict[str, Any]
    directive: str
    value: float
    state: str = "running"
    """`pending`, `running`, `ended` or `gone`."""
    forgotten: bool = False
    asked: int = 0
    """How often its history was asked for."""
    viewed: int = 0


class ComfyUi(Double):
    """The server; `url` is where it answers once it was started."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[Ran] = []
        self.takes_ids = True
        self.has_socket = True
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._listened = asyncio.Condition()
        self.photos: dict[str, bytes] = {}
        """What was uploaded, by what workflows call it."""
        self.url = ""
        app = self.app
        app.router.add_post("/prompt", self._prompt)
        app.router.add_get("/history/{id}", self._history)
        app.router.add_post("/history", self._forget)
        app.router.add_get("/queue", self._queue)
        app.router.add_post("/queue", self._delete)
        app.router.add_post("/interrupt", self._interrupt)
        app.router.add_get("/ws", self._listen)
        app.router.add_get("/view", self._view)
        app.router.add_post("/upload/image", self._upload)

    async def start(self) -> None:
        """Serve on a free port of 127.0.0.1."""
        self.url = await self.serve()

    def forget(self) -> None:
        """Be as before the first request."""
        super().forget()
        self.ran.clear()
        self.takes_ids = self.has_socket = True

    @property
    def made(self) -> list[Ran]:
        """What it ran, as others say what they made."""
        return self.ran

    async def _prompt(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "who is there?"}, status=401)
        body = await request.json()
        assert set(body) == {"prompt", "prompt_id", "client_id"}
        wrong = wrong_with(body["prompt"], set(self.photos))
        if wrong:
            error = {"type": "prompt_outputs_failed_validation", "message": wrong}
            return web.json_response({"error": error, "node_errors": {}}, status=400)
        name, value = self.directives.of(words_of(body["prompt"]))
        if name in {"500", "503", "429", "lost"}:
            self.refused.append(name)
            if name == "lost":
                assert request.transport is not None
                request.transport.abort()
            wait = {"Retry-After": f"{value:g}"} if name == "429" else None
            status = int(name) if name != "lost" else 500
            return web.Response(status=status, text="no", headers=wait)
        reference = body["prompt_id"] if self.takes_ids else str(uuid.uuid4())
        states = {"never": "running", "shown": "running", "waits": "pending", "restarted": "gone"}
        one = Ran(reference, body["prompt"], name, value, states.get(name, "ended"))
        self.ran.append(one)
        if name == "shown":
            self.begin(self._show(one, body["client_id"]))
        lost = await self.astray(request, name, value)
        if lost is not None:
            return lost
        return web.json_response({"prompt_id": one.id, "number": 1, "node_errors": {}})

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}" or not self.has_socket:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with self._listened:
            self._sockets[request.query["clientId"]] = socket
            self._listened.notify_all()
        await socket.send_json({"type": "status", "data": {"status": {}, "sid": "x"}})
        async for _ in socket:
            pass
        return socket

    async def _show(self, one: Ran, client_id: str) -> None:
        async with self._listened:
            await self._listened.wait_for(lambda: client_id in self._sockets)
        socket = self._sockets[client_id]
        await socket.send_bytes(b"\0\0\0\3\0\0\0\1text")  # what is none of ours
        await socket.send_str("no JSON")
        for number in range(int(one.value)):
            await socket.send_json({"type": "progress", "data": {"value": number, "max": 20}})
            await socket.send_bytes(b"\0\0\0\1\0\0\0\2" + picture(8 + number))
        one.state = "ended"
        await socket.send_json({"type": "executing", "data": {"node": None, "prompt_id": one.id}})

    async def _history(self, request: web.Request) -> web.Response:
        one = self._find(request.match_info["id"])
        if one is None:
            return web.json_response({})
        one.asked += 1
        if one.directive in {"troubled", "garbled"} and one.asked <= one.value:
            return web.Response(status=500 if one.directive == "troubled" else 200, text="{")
        if one.state != "ended":
            return web.json_response({})
        failed = one.directive == "failed"
        status = {
            "status_str": "error" if failed else "success",
            "completed": not failed,
            "messages": [["execution_start", {"prompt_id": one.id}]],
        }
        outputs = {} if failed else {"9": {"images": self._images(one)}}
        entry = {"prompt": [1, one.id, one.graph, {}, ["9"]], "outputs": outputs, "status": status}
        return web.json_response({one.id: entry})

    def _images(self, one: Ran) -> list[dict[str, str]]:
        count = 0 if one.directive == "blank" else batch_of(one.graph) - (one.directive == "fewer")
        return [
            {"filename": f"{one.id}_{at}.png", "subfolder": "", "type": "temp"}
            for at in range(count)
        ]

    async def _view(self, request: web.Request) -> web.Response:
        one = self._find(request.query["filename"].rpartition("_")[0])
        if one is None or one.directive == "gone" or request.query["type"] != "temp":
            return web.Response(status=404)
        one.viewed += 1
        if one.directive == "flaky" and one.viewed <= one.value:
            return web.Response(status=502)
        if one.directive == "html":
            return web.Response(text="<html></html>", content_type="image/png")
        return web.Response(body=picture(), content_type="image/png")

    async def _queue(self, _: web.Request) -> web.Response:
        def entries(state: str) -> list[Any]:
            found = [one for one in self.ran if one.state == state]
            return [[at, one.id, one.graph, {}, ["9"]] for at, one in enumerate(found)]

        return web.json_response(
            {"queue_running": entries("running"), "queue_pending": entries("pending")}
        )

    async def _delete(self, request: web.Request) -> web.Response:
        for reference in (await request.json())["delete"]:
            one = self._find(reference)
            if one is not None and one.state == "pending":
                one.state = "gone"
        return web.Response()

    async def _interrupt(self, request: web.Request) -> web.Response:
        one = self._find((await request.json())["prompt_id"])
        if one is not None and one.state == "running":
            one.state, one.directive = "ended", "failed"
        return web.Response()

    async def _forget(self, request: web.Request) -> web.Response:
        for reference in (await request.json())["delete"]:
            one = self._find(reference)
            if one is not None:
                one.forgotten = True
        return web.Response()

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert (form["type"], form["overwrite"]) == ("input", "true")
        image = form["image"]
        assert isinstance(image, web.FileField)
        name = f"{form['subfolder']}/{image.filename}"
        self.photos[name] = image.file.read()
        told = {"name": image.filename, "subfolder": form["subfolder"], "type": "input"}
        return web.json_response(told)

    def _find(self, reference: str) -> Ran | None:
        return next((one for one in self.ran if one.id == reference), None)
