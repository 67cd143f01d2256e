"""Customers: they buy, ask, ask again when told to, cancel at times, and remember every promise."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.init_data import sign_init_data

RETRY_SECONDS = 0.5
GIVE_UP_SECONDS = 120.0
BETWEEN_SECONDS = (6.0, 14.0)
"""Between two wishes of one customer: now and then more than five a minute."""
CANCEL_SHARE = 0.1
REPEAT_SHARE = 0.15
UNAVAILABLE = {500, 502, 503, 504}


@dataclass
class Promises:
    """What the API promised, to be held against the log."""

    accepted: dict[str, int] = field(default_factory=dict)
    """Generation id → the pictures asked for."""
    refused: dict[int, int] = field(default_factory=dict)
    """Status → how often."""
    purchases: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    server_errors: int = 0


@dataclass
class Customer:
    """One Telegram user with a session."""

    base_url: str
    bot_token: str
    telegram_id: int
    http: aiohttp.ClientSession
    promises: Promises
    random: random.Random
    token: str = ""
    account_id: str = ""
    asked: list[str] = field(default_factory=list)

    async def sign_in(self) -> None:
        """Log in and buy enough credits for the whole run."""
        user = {"id": self.telegram_id, "first_name": f"Customer {self.telegram_id}"}
        init_data = sign_init_data(self.bot_token, user, int(time.time()))
        _, body = await self.call("POST", "/auth/login", json={"init_data": init_data})
        self.token, self.account_id = body["access_token"], body["user"]["id"]
        key = {"Idempotency-Key": str(uuid.uuid4())}
        status, body = await self.call(
            "POST", "/purchases", json={"pack_id": "studio"}, headers=key
        )
        assert status == 201, body
        self.promises.purchases.append(body["id"])

    async def shop(self, stop: asyncio.Event) -> None:
        """Ask for pictures until told to stop."""
        while not stop.is_set():
            await self._wish()
            pause = self.random.uniform(*BETWEEN_SECONDS)
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue

    async def _wish(self) -> None:
        count = self.random.choice((1, 1, 1, 2, 3))
        key = str(uuid.uuid4())
        body = {
            "kind": "image",
            "prompt": f"chaos {key}",
            "style_id": "none",
            "size": "1024x1024",
            "count": count,
            "model": "gpt-image",
        }
        headers = {"Idempotency-Key": key}
        status, answer = await self.call("POST", "/generations", json=body, headers=headers)
        if status != 202:
            self.promises.refused[status] = self.promises.refused.get(status, 0) + 1
            if status not in {402, 429}:
                self.promises.problems.append(f"{status} for a good request: {answer}")
            return
        self.promises.accepted[answer["id"]] = count
        self.asked.append(answer["id"])
        if self.random.random() < REPEAT_SHARE:
            again, repeated = await self.call("POST", "/generations", json=body, headers=headers)
            if again >= 300 or repeated["id"] != answer["id"]:
                self.promises.problems.append(f"a repeat of {answer['id']} got {again} {repeated}")
        if self.random.random() < CANCEL_SHARE:
            await self.call("POST", f"/generations/{answer['id']}/cancel")

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> tuple[int, Any]:
        """One request, repeated while the API is away or says to try again."""
        sent = {
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            **(headers or {}),
        }
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                async with self.http.request(
                    method, self.base_url + path, headers=sent, **options
                ) as response:
                    if response.status not in UNAVAILABLE:
                        return response.status, await response.json(content_type=None)
                    self.promises.server_errors += 1
                    last = f"{response.status} {await response.text()}"
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                last = repr(error)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: {last}")
            await asyncio.sleep(RETRY_SECONDS)
