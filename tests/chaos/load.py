"""Customers: they buy, ask, ask again when told to, cancel at times, and remember every promise."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from gateway.identity.init_data import sign_init_data
from tests.chaos import wanting
from tests.chaos.wanting import Asked, Photo, Wish

RETRY_SECONDS = 0.5
PATIENCE = aiohttp.ClientTimeout(total=25.0)
"""A paused gateway is silent for up to 15 s."""
GIVE_UP_SECONDS = 120.0
BETWEEN_SECONDS = (6.0, 14.0)
"""Between two wishes of one customer: now and then more than five a minute."""
CANCEL_SHARE = 0.1
REPEAT_SHARE = 0.15
LOOK_SHARE = 0.3
REFILL_SHARE = 0.03
PHOTOS_KEPT_MAX = 3
"""Photos that a customer sends; then they are used again."""
POOR_SHARE = 0.1
"""Customers who never buy: they soon meet a 402."""
PREFERENCES = ("", "", "respond-async", "wait=20")
ADMITTED = {200, 202}
REFUSED = {402, 429}
BUSY = "batch-in-flight"
"""A refusal too: what a second batch at once gets, as a 409."""
UNAVAILABLE = {502, 503, 504}


@dataclass
class Promises:
    """What the API promised, to be held against the log."""

    accepted: dict[str, Wish] = field(default_factory=dict)
    """By generation id."""
    wishes: list[Wish] = field(default_factory=list)
    """Everything that was ever sent."""
    purchases: dict[str, str] = field(default_factory=dict)
    """Purchase id → account id."""
    uploads: int = 0
    """Photos that were taken."""
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
    photos: list[str] = field(default_factory=list)
    """Uploads of this customer's that can be used, photos and not masks."""
    batch_sizes: tuple[int, ...] = wanting.BATCH_SIZES
    models: tuple[str, ...] = (wanting.GPT,)

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
        """Ask for something, and at times look, ask again, or change one's mind."""
        key = self._key()
        headers = {"Idempotency-Key": key}
        asked = await self._asked(f"chaos {key}")
        preference = self.random.choice(PREFERENCES) if asked.path == "/generations" else ""
        if preference:
            headers["Prefer"] = preference
        self.promises.wishes += asked.wishes
        status, answer, token = await self.call(
            "POST", asked.path, json=asked.body, headers=headers
        )
        if status not in ADMITTED:
            if not _refuses(status, answer):
                self.promises.problems.append(f"{status} for a good request: {answer}")
            return
        self._accepted(asked, answer)
        if self.random.random() < LOOK_SHARE:
            await self._look(asked, answer["id"], token)
        if self.random.random() < REPEAT_SHARE:
            await self._repeat(asked, answer, headers)
        if self.random.random() < CANCEL_SHARE:
            await self._cancel(asked, answer["id"], preference)

    async def _asked(self, name: str) -> Asked:
        """What is wanted this time; what cannot be had yet is a picture from words instead."""
        chance = self.random
        (kind,) = chance.choices(wanting.KINDS, wanting.WEIGHTS)
        model = chance.choice(self.models)
        if kind == wanting.BATCH:
            return wanting.several(chance, self.account_id, name, self.batch_sizes, model)
        if kind == wanting.VARIATION and (pictures := await self._pictures()):
            parent = chance.choice(pictures)
            return wanting.like_another(chance, self.account_id, name, parent, model)
        if kind == wanting.EDIT and (photos := await self._photos()):
            masked = chance.random() < wanting.MASK_SHARE
            mask = await self._send(wanting.mask()) if masked else None
            return wanting.of_photos(chance, self.account_id, name, photos, mask, model)
        return wanting.from_words(chance, self.account_id, name, model)

    async def _pictures(self) -> list[str]:
        """What one has, as the gallery shows it."""
        status, page, _ = await self.call("GET", "/generations?status=done&limit=10")
        if status != 200:
            self.promises.problems.append(f"the gallery got {status}: {page}")
            return []
        return [image["id"] for one in page["items"] for image in one["images"]]

    async def _photos(self) -> list[str]:
        """One or two photos to change, of which some were sent before."""
        if len(self.photos) < PHOTOS_KEPT_MAX and (
            sent := await self._send(wanting.photo(self.random))
        ):
            self.photos.append(sent)
        return self.random.sample(self.photos, min(len(self.photos), self.random.choice((1, 1, 2))))

    async def _send(self, photo: Photo) -> str | None:
        """Send a photo as a browser does; None: there are too many on their way."""
        announced = {"content_type": photo.content_type, "size_bytes": len(photo.data)}
        status, form, _ = await self.call("POST", "/uploads", json=announced)
        if status in REFUSED:
            return None
        if status == 201:
            await self._post(form, photo)
            status, form, _ = await self.call("POST", f"/uploads/{form['upload_id']}/complete")
        if status != 200:
            self.promises.problems.append(f"a photo got {status}: {form}")
            return None
        self.promises.uploads += 1
        upload_id: str = form["id"]
        return upload_id

    async def _post(self, form: dict[str, Any], photo: Photo) -> None:
        """Put the file where the form says, which is not the API."""

        async def once() -> str | None:
            data = aiohttp.FormData(form["fields"])
            data.add_field("file", photo.data, filename="photo", content_type=photo.content_type)
            async with self.http.post(form["url"], data=data, timeout=PATIENCE) as response:
                return None if response.ok else f"{response.status} {await response.text()}"

        await self._again(once, "the form of a photo")

    def _accepted(self, asked: Asked, answer: dict[str, Any]) -> None:
        items = answer.get("items", [answer])
        if len(items) != len(asked.wishes):
            told = f"{len(asked.wishes)} wishes got {len(items)} generations: {answer['id']}"
            self.promises.problems.append(told)
        for one, wish in zip(items, asked.wishes, strict=False):
            self.promises.accepted[one["id"]] = wish

    async def _cancel(self, asked: Asked, which: str, preference: str) -> None:
        """Change one's mind; at times too late."""
        path = f"{asked.path}/{which}/cancel"
        status, body, _ = await self.call("POST", path)
        if status not in {200, 409}:
            self.promises.problems.append(
                f"{time.time():.3f}: {path} of a request with {preference!r} got {status}: {body}"
            )

    async def _look(self, asked: Asked, which: str, token: str) -> None:
        """Read one's own write."""
        headers = {"Consistency-Token": token} if token else {}
        path = f"{asked.path}/{which}"
        status, body, _ = await self.call("GET", path, headers=headers)
        if status != 200:
            self.promises.problems.append(f"GET {path} of one's own got {status}: {body}")
        else:
            self._accepted(asked, body)

    async def _repeat(self, asked: Asked, first: dict[str, Any], headers: dict[str, str]) -> None:
        """The same request again is the same generation, or the same batch."""
        self.promises.repeats += 1
        status, answer, _ = await self.call("POST", asked.path, json=asked.body, headers=headers)
        if _refuses(status, answer):  # it was undecided when it was accepted
            self.promises.refused.update(one["id"] for one in first.get("items", [first]))
        elif status not in ADMITTED or answer["id"] != first["id"]:
            self.promises.problems.append(f"a repeat of {first['id']} got {status}: {answer}")

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
        answer: tuple[int, Any, str] = (0, None, "")

        async def once() -> str | None:
            nonlocal answer
            async with self.http.request(
                method, self.base_url + path, headers=sent, timeout=PATIENCE, **options
            ) as response:
                status, body = response.status, await response.json(content_type=None)
                self.promises.statuses[status] += 1
                answer = status, body, response.headers.get("Consistency-Token", "")
                if status == 500:
                    self.promises.problems.append(f"{method} {path} got a 500: {body}")
                return f"{status} {body}" if status in {500, *UNAVAILABLE} else None

        await self._again(once, f"{method} {path}")
        return answer

    async def _again(self, once: Callable[[], Awaitable[str | None]], what: str) -> None:
        """Ask until an answer can be used: `once` says why not, None when it can.

        Raises:
            TimeoutError: it took too long.
        """
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                last = await once()
                if last is None:
                    return
            except (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError) as error:
                last = repr(error)
                self.promises.failures[type(error).__name__] += 1
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what}: {last}")
            await asyncio.sleep(RETRY_SECONDS)


def _refuses(status: int, answer: dict[str, Any]) -> bool:
    """Whether a good request may get this answer."""
    return status in REFUSED or (status == 409 and answer["type"].endswith(BUSY))


async def open_shop(
    customers: list[Customer], stop: asyncio.Event
) -> asyncio.Future[list[BaseException | None]]:
    """Sign all customers in and let them shop; the task ends when the last has left."""
    await asyncio.gather(*(customer.sign_in() for customer in customers))
    return asyncio.ensure_future(
        asyncio.gather(*(customer.shop(stop) for customer in customers), return_exceptions=True)
    )
