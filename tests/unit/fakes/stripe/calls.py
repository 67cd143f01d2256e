"""How the tests call the double, and how they read its refusals."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import Any

import httpx
from aiohttp import web

from tests.fakes.stripe import Stripe

LINE = {
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "499",
    "line_items[0][price_data][product_data][name]": "100 credits",
    "line_items[0][quantity]": "1",
}
SESSION = {
    "mode": "payment",
    "success_url": "https://app.example/ok?s={CHECKOUT_SESSION_ID}",
} | LINE
SESSIONS, REFUNDS = "/v1/checkout/sessions", "/v1/refunds"


async def opened(client: httpx.AsyncClient, **more: str) -> dict[str, Any]:
    answer = await client.post(SESSIONS, data=SESSION | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def paid(stripe: Stripe, client: httpx.AsyncClient) -> dict[str, Any]:
    return stripe.customer.pays((await opened(client))["url"]).charge


def told(answer: httpx.Response) -> tuple[int, str | None, str | None]:
    error = answer.json()["error"]
    assert error["message"]
    assert error["type"] == "invalid_request_error"
    assert "doc_url" not in error
    return answer.status_code, error.get("code"), error.get("param")


def types(stripe: Stripe) -> list[str]:
    return [event["type"] for event in stripe.books.held["events"].values()]


class Shop:
    """An endpoint that keeps what it gets and answers as told, 200 after that."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[bytes, str]] = []
        self.url = ""
        self.gate: asyncio.Event | None = None
        """What an answer waits for."""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((await request.read(), request.headers["Stripe-Signature"]))
        if self.gate is not None:
            await self.gate.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    def ids(self) -> list[str]:
        return [httpx.Response(200, content=body).json()["id"] for body, _ in self.got]


def signers(body: bytes, header: str, secrets: list[str]) -> list[bool]:
    """Which secrets have signed, computed apart from the double."""
    parts = [part.split("=", 1) for part in header.split(",")]
    timestamp = next(value for name, value in parts if name == "t")
    given = [value for name, value in parts if name == "v1"]
    message = timestamp.encode() + b"." + body
    return [
        hmac.new(secret.encode(), message, hashlib.sha256).hexdigest() in given
        for secret in secrets
    ]
