"""The server: calls in, answers out, all of it written down."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

import msgspec
from aiohttp import web

from runtime.waiting import until
from tests.fakes.telegram import photos
from tests.fakes.telegram.arguments import Arguments, Refused
from tests.fakes.telegram.inline import Inline
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.messages import Messages, post
from tests.fakes.telegram.parameters import NAMES, PARAMETERS
from tests.fakes.telegram.payments import Payments
from tests.fakes.telegram.people import Person
from tests.fakes.telegram.setup import Setup
from tests.fakes.telegram.state import TOKEN, Charge, Chat, Clock, Rules, World
from tests.fakes.telegram.updates import Updates

BODY_BYTES_MAX = 50 * 1024 * 1024
"""Sending files: "10 MB max size for photos, 50 MB for other files"."""


class Call(msgspec.Struct):
    """One call that came in, and what it was answered."""

    method: str
    arguments: dict[str, Any]
    files: list[str]
    code: int = 0
    """200, the `error_code`, or 0 where a fault came first."""
    description: str = ""
    result: Any = None


class Telegram:
    """The API; use it as a context manager. `base_url` is what `TELEGRAM_API_BASE` is set to."""

    def __init__(self, rules: Rules | None = None, *, token: str = TOKEN) -> None:
        self.token = token
        self.calls: list[Call] = []
        self.faults: dict[str, list[str]] = defaultdict(list)
        """Method, or `*`, → what goes wrong with its next calls, one after the other:

        `drop` closes the connection, nothing done; `lost` does it and closes; `delay:SECONDS` does
        it so late; `late:SECONDS` does it and answers so late; `429:SECONDS`, `500`, `502` say so
        and do nothing; `malformed` does it and answers no JSON; empty: all is well.
        """
        self.world = World(rules or Rules())
        self.updates = Updates(self.world)
        self.updates.on_reply = self._replied
        limits = Limits(self.world)
        messages = Messages(self.world, limits)
        self.payments = Payments(self.world, messages, self.updates)
        parts = (messages, self.payments, Setup(self.world, self.updates), Inline(self.world))
        self._methods = {name: self._method(name, parts) for name in PARAMETERS}
        self.base_url = ""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/bot{token}/{method}", self._take)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)

    def _method(self, name: str, parts: tuple[object, ...]) -> Callable[[Arguments], Any]:
        if name == "getFile":
            return lambda call: photos.get_file(self.world, call)
        if name == "getUpdates":
            return self.updates.get_updates
        python = "".join(f"_{one.lower()}" if one.isupper() else one for one in name)
        (found,) = [getattr(part, python) for part in parts if hasattr(part, python)]
        method: Callable[[Arguments], Any] = found
        return method

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.world.closing.set()
        await self.updates.stop()
        await self._runner.cleanup()

    @property
    def clock(self) -> Clock:
        return self.world.clock

    @property
    def rules(self) -> Rules:
        return self.world.rules

    @property
    def findings(self) -> list[str]:
        return self.world.findings

    def person(self, name: str = "Anna", *, language: str = "en", user_id: int = 0) -> Person:
        """Somebody with a Telegram account, who has not written to the bot yet."""
        number = user_id or 100_000_000 + self.world.next_id()
        document = {
            "id": number,
            "is_bot": False,
            "first_name": name,
            "username": f"{name.lower()}_{number}",
            "language_code": language,
        }
        self.world.people[number] = document
        self.world.chats.setdefault(number, Chat(number))
        return Person(self, document)

    def group(self, title: str = "Friends", kind: str = "supergroup") -> Chat:
        """A `group`, `supergroup` or `channel` that the bot is in."""
        number = -1_000_000_000_000 - self.world.next_id()
        chat = Chat(number, kind, title, is_started=True)
        self.world.chats[number] = chat
        return chat

    def store_chargeback(self, charge: Charge) -> None:
        """The store takes back what the person had paid for these Stars."""
        self.payments.charge_back(charge)

    def forged_payment(self, person: Person, **changes: Any) -> dict[str, Any]:
        """Tell of a payment that Telegram never made, or made otherwise; what was told.

        With the `telegram_payment_charge_id` of a real charge it contradicts that one. It stands
        in no list of transactions.
        """
        paid = {
            "currency": "XTR",
            "total_amount": 1,
            "invoice_payload": "",
            "telegram_payment_charge_id": f"stx_forged_{self.world.next_id()}",
            "provider_payment_charge_id": "",
        } | changes
        message = post(self.world, person.chat, person.document, successful_payment=paid)
        self.updates.push(message=message)
        return paid

    def calls_of(self, method: str, *, code: int = 200) -> list[Call]:
        """The calls of a method that were answered so."""
        return [one for one in self.calls if one.method == method and one.code == code]

    async def delivered(self, timeout_seconds: float = 10.0) -> None:
        """Wait until the bot has taken all updates."""
        await until(lambda: not self.updates.pending, timeout_seconds, what="updates delivered")

    def assert_clean(self) -> None:
        """Fail where the bot did what Telegram forgives and we do not."""
        assert not self.findings, self.findings

    async def _take(self, request: web.Request) -> web.StreamResponse:
        """Answer a call, unless a fault comes first or last."""
        name = NAMES.get(request.match_info["method"].lower(), "")
        call = Call(name or request.match_info["method"], {}, [])
        self.calls.append(call)
        fault, seconds = self._fault(call.method)
        if fault == "drop":
            return _closed(request)
        if fault == "delay":
            await self.world.late(seconds)
        if fault in {"429", "500", "502"}:
            said = f"Too Many Requests: retry after {seconds:g}"
            words = said if fault == "429" else "Internal Server Error"
            return _refusal(call, Refused(int(fault), words, int(seconds)))
        try:
            self._authorise(request.match_info["token"])
            _check(request, name)
            answer = await self._run(call, await Arguments.of(request))
        except Refused as refused:
            answer = _refusal(call, refused)
        if fault == "lost":
            return _closed(request)
        if fault == "late":
            await self.world.late(seconds)
        return web.Response(text="<html>") if fault == "malformed" else answer

    async def _run(self, call: Call, arguments: Arguments) -> web.Response:
        call.arguments, call.files = arguments.values, sorted(arguments.files)
        for key in sorted(arguments.values.keys() - PARAMETERS[call.method]):
            self.findings.append(f"{call.method}: parameter {key} is unknown or deprecated")
        result = self._methods[call.method](arguments)
        call.result = await result if inspect.isawaitable(result) else result
        call.code = 200
        return web.json_response({"ok": True, "result": call.result})

    async def _replied(self, method: str, arguments: Arguments) -> None:
        """Run what a webhook was answered with; a refusal is a finding, for nobody hears of it."""
        name = NAMES.get(method.lower(), "")
        call = Call(name or method, {}, [])
        self.calls.append(call)
        if not name:
            self.findings.append(f"answered its webhook with {method}, which is no method")
            return
        try:
            await self._run(call, arguments)
        except Refused as refused:
            _refusal(call, refused)
            self.findings.append(f"answered its webhook with {method}: {refused.description}")

    def _fault(self, method: str) -> tuple[str, float]:
        for key in (method, "*"):
            if self.faults[key]:
                name, _, value = self.faults[key].pop(0).partition(":")
                return name, float(value or 0)
        return "", 0.0

    def _authorise(self, token: str) -> None:
        if token == self.token:
            return
        if ":" not in token or not token.partition(":")[0].isdigit():
            raise Refused(401, "Unauthorized: invalid token specified")
        raise Refused(401, "Unauthorized")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        try:
            self._authorise(request.match_info["token"])
        except Refused as refused:
            return _refusal(Call("file", {}, []), refused)
        data = photos.download(self.world, request.match_info["path"])
        if data is None:
            return _refusal(Call("file", {}, []), Refused(404, "Not Found"))
        return web.Response(body=data, content_type="application/octet-stream")


def _check(request: web.Request, name: str) -> None:
    if not name:
        raise Refused(404, "Not Found: method not found")
    if request.method not in {"GET", "POST"}:
        raise Refused(405, "Method Not Allowed")


def _closed(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def _refusal(call: Call, refused: Refused) -> web.Response:
    """See "Making requests": `ok`, `error_code`, `description`, and at times `parameters`."""
    call.code, call.description = refused.code, refused.description
    body: dict[str, Any] = {
        "ok": False,
        "error_code": refused.code,
        "description": refused.description,
    }
    headers = {}
    if refused.retry_after_seconds:
        body["parameters"] = {"retry_after": refused.retry_after_seconds}
        headers["Retry-After"] = str(refused.retry_after_seconds)
    return web.json_response(body, status=refused.code, headers=headers)
