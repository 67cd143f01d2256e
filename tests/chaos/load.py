"""Customers: they buy, ask, ask again when told to, cancel at times, and remember every promise."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.identity.init_data import sign_init_data

RETRY_SECONDS = 0.5
REQUEST_SECONDS_MAX = 25.0
"""A paused gateway is silent for up to 15 s."""
GIVE_UP_SECONDS = 120.0
BETWEEN_SECONDS = (6.0, 14.0)
"""Between two wishes of one customer: now and then more than five a minute."""
CANCEL_SHARE = 0.1
REPEAT_SHARE = 0.15
LOOK_SHARE = 0.3
REFILL_SHARE = 0.03
POOR_SHARE = 0.1
"""Customers who never buy: they soon meet a 402."""
PREFERENCES = ("", "", "respond-async", "wait=20")
ADMITTED = {200, 202}
REFUSED = {402, 429}
UNAVAILABLE = {502, 503, 504}


@dataclass(frozen=True)
class Wish:
    """Something that was asked for."""

    account_id: str
    prompt: str
    count: int


@dataclass
class Promises:
    """What the API promised, to be held against the log."""

    accepted: dict[str, Wish] = field(default_factory=dict)
    """By generation id."""
    wishes: dict[str, Wish] = field(default_factory=dict)
    """Everything that was ever sent, by prompt."""
    purchases: dict[str, str] = field(default_factory=dict)
    """Purchase id → account id."""
    refused: set[str] = field(default_factory=set)
    """Generations that a later repetition of their request called refused."""
    repeats: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Requests without an answer, by what happened instead."""
    problems: list[str] = field(default_factory=list)


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

    async def sign_in(self) -> None:
        """Log in, and (unless poor) buy enough credits for the whole run."""
        user = {"id": self.telegram_id, "first_name": f"Customer {self.telegram_id}"}
        init_data = sign_init_data(self.bot_token, user, int(time.time()))
        login = {"init_data": init_data, "session_key": self._key()}
        _, body, _ = await self.call("POST", "/auth/login", json=login)
        self.token, self.account_id = body["access_token"], body["user"]["id"]
        if self.random.random() >= POOR_SHARE:
            await self._buy("studio")

    async def shop(self, stop: asyncio.Event) -> None:
        """Ask for pictures until told to stop."""
        while not stop.is_set():
            await self._wish()
            if self.random.random() < REFILL_SHARE:
                await self._buy("regular")
            pause = self.random.uniform(*BETWEEN_SECONDS)
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue

    async def _buy(self, pack_id: str) -> None:
        """Buy, and at times press the button twice."""
        headers = {"Idempotency-Key": self._key()}
        for _ in range(1 + (self.random.random() < REPEAT_SHARE)):
            status, body, _ = await self.call(
                "POST", "/purchases", json={"pack_id": pack_id}, headers=headers
            )
            if status != 201:
                self.promises.problems.append(f"a purchase got {status}: {body}")
                return
            self.promises.purchases[body["id"]] = self.account_id

    async def _wish(self) -> None:
        headers = {"Idempotency-Key": self._key()}
        preference = self.random.choice(PREFERENCES)
        if preference:
            headers["Prefer"] = preference
        wish = Wish(
            self.account_id,
            f"chaos {headers['Idempotency-Key']}",
            self.random.choice((1, 1, 1, 2, 3)),
        )
        self.promises.wishes[wish.prompt] = wish
        body = {
            "kind": "image",
            "prompt": wish.prompt,
            "style_id": "none",
            "size": "1024x1024",
            "count": wish.count,
            "model": "gpt-image",
        }
        status, answer, token = await self.call("POST", "/generations", json=body, headers=headers)
        if status not in ADMITTED:
            if status not in REFUSED:
                self.promises.problems.append(f"{status} for a good request: {answer}")
            return
        self.promises.accepted[answer["id"]] = wish
        if self.random.random() < LOOK_SHARE:
            await self._look(answer["id"], token)
        if self.random.random() < REPEAT_SHARE:
            await self._repeat(answer["id"], body, headers)
        if self.random.random() < CANCEL_SHARE:
            await self._cancel(answer["id"], preference)

    async def _cancel(self, generation_id: str, preference: str) -> None:
        """Change one's mind; at times too late."""
        path = f"/generations/{generation_id}/cancel"
        status, body, _ = await self.call("POST", path)
        if status not in {200, 409}:
            self.promises.problems.append(
                f"{time.time():.3f}: {path} of a request with {preference!r} got {status}: {body}"
            )

    async def _look(self, generation_id: str, token: str) -> None:
        """Read one's own write."""
        headers = {"Consistency-Token": token} if token else {}
        path = f"/generations/{generation_id}"
        status, body, _ = await self.call("GET", path, headers=headers)
        if status != 200:
            self.promises.problems.append(f"GET {path} of one's own got {status}: {body}")

    async def _repeat(
        self, generation_id: str, body: dict[str, Any], headers: dict[str, str]
    ) -> None:
        """The same request again is the same generation."""
        self.promises.repeats += 1
        status, answer, _ = await self.call("POST", "/generations", json=body, headers=headers)
        if status in REFUSED:
            self.promises.refused.add(generation_id)  # it was undecided when it was accepted
        elif status not in ADMITTED or answer["id"] != generation_id:
            self.promises.problems.append(f"a repeat of {generation_id} got {status}: {answer}")

    def _key(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    async def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> tuple[int, Any, str]:
        """One request, repeated while the API is away or says to try again.

        Returns status, body and consistency token.
        """
        sent = {
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            **(headers or {}),
        }
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                async with self.http.request(
                    method,
                    self.base_url + path,
                    headers=sent,
                    timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX),
                    **options,
                ) as response:
                    status, body = response.status, await response.json(content_type=None)
                    self.promises.statuses[status] += 1
                    if status == 500:
                        self.promises.problems.append(f"{method} {path} got a 500: {body}")
                    elif status not in UNAVAILABLE:
                        return status, body, response.headers.get("Consistency-Token", "")
                    last = f"{status} {body}"
            except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
                last = repr(error)
                self.promises.failures[type(error).__name__] += 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: {last}")
            await asyncio.sleep(RETRY_SECONDS)


async def open_shop(
    customers: list[Customer], stop: asyncio.Event
) -> asyncio.Future[list[BaseException | None]]:
    """Sign all customers in and let them shop; the task ends when the last has left."""
    await asyncio.gather(*(customer.sign_in() for customer in customers))
    return asyncio.ensure_future(
        asyncio.gather(*(customer.shop(stop) for customer in customers), return_exceptions=True)
    )
