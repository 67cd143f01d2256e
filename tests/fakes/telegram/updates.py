"""Updates on their way to the bot: by webhook, or fetched by getUpdates ("Getting updates")."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import msgspec

from tests.fakes.telegram.arguments import Arguments, Refused, bad
from tests.fakes.telegram.parameters import UPDATES_BY_DEFAULT, UPDATES_ON_DEMAND
from tests.fakes.telegram.state import World

HEADER = "X-Telegram-Bot-Api-Secret-Token"
PAGE_MAX = 100
_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete"
    " the webhook first"
)
_OTHER = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is"
    " running"
)


class Delivery(msgspec.Struct):
    """How webhooks are treated; what Telegram may do at any time, on demand."""

    copies_min: int = 1
    copies_max: int = 1
    """How often each update is delivered, though it was accepted: 1 to 5."""
    is_shuffled: bool = False
    """Whether what waits goes out in a random order."""
    is_held: bool = False
    """Whether updates wait for `release`."""
    retry_seconds: float = 0.02
    """Pause after an answer that is not 2xx; setWebhook: "a reasonable amount of attempts"."""
    timeout_seconds: float = 10.0
    seed: int = 1


class Webhook(msgspec.Struct):
    """Where updates go; an empty `url`: nowhere."""

    url: str = ""
    secret_token: str = ""
    max_connections: int = 40
    last_error: str = ""
    last_error_at: int = 0


class Delivered(msgspec.Struct, frozen=True):
    """One POST to the webhook; status 0: no answer."""

    update_id: int
    status: int


class Updates:
    """The queue, and both ways out of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.delivery = Delivery()
        self.webhook = Webhook()
        self.allowed: frozenset[str] = UPDATES_BY_DEFAULT
        self.explicit: list[str] | None = None
        """`allowed_updates` as it was given; None: it never was."""
        self.pending: dict[int, dict[str, Any]] = {}
        self.delivered: list[Delivered] = []
        self.on_reply: Callable[[str, Arguments], Awaitable[Any]] | None = None
        """Runs a method that the bot answered its webhook with ("Making requests when …")."""
        self._next_update_id = 100_000_001
        self._waiting: list[dict[str, Any]] = []
        self._under_way: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._polls = 0
        self._gate = asyncio.Semaphore(40)
        self._session: aiohttp.ClientSession | None = None

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def push(self, **content: Any) -> dict[str, Any] | None:
        """Queue an update of one type; None where the bot did not ask for that type."""
        (kind,) = content
        if kind not in self.allowed:
            return None
        update = {"update_id": self._next_update_id} | content
        self._next_update_id += 1
        self.again(update)
        return update

    def again(self, update: dict[str, Any]) -> None:
        """Deliver once more what was delivered: its answer got lost on the way to Telegram."""
        self.pending[update["update_id"]] = update
        self._waiting.append(update)
        self._wake()

    def release(self) -> None:
        """Send what was held."""
        self.delivery.is_held = False
        self._wake()

    def set_webhook(self, webhook: Webhook) -> None:
        self.webhook = webhook
        self._gate = asyncio.Semaphore(webhook.max_connections)
        self._waiting = [one for key, one in self.pending.items() if key not in self._under_way]
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        if not self.webhook.url or self.delivery.is_held:
            return
        waiting, self._waiting = self._waiting, []
        rng = random.Random(self.delivery.seed + self._next_update_id)
        posts = []
        for update in waiting:
            if update["update_id"] not in self.pending:
                continue
            self._under_way.add(update["update_id"])
            copies = rng.randint(self.delivery.copies_min, self.delivery.copies_max)
            left = [copies]
            posts += [(update, left)] * copies
        if self.delivery.is_shuffled:
            rng.shuffle(posts)
        for update, left in posts:
            task = asyncio.create_task(self._deliver(update, left))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, update: dict[str, Any], left: list[int]) -> None:
        """POST it until it is accepted; `left` counts the copies that are not."""
        number = update["update_id"]
        while self.webhook.url and number in self.pending:
            async with self._gate:
                status = await self._post(update)
            self.delivered.append(Delivered(number, status))
            if 200 <= status < 300:
                break
            self.webhook.last_error_at = self._world.now()
            self.webhook.last_error = f"Wrong response from the webhook: {status}"
            await self._world.late(self.delivery.retry_seconds)
        left[0] -= 1
        if left[0] == 0:
            self._under_way.discard(number)
            if self.webhook.url:
                self.pending.pop(number, None)

    async def _post(self, update: dict[str, Any]) -> int:
        headers = {HEADER: self.webhook.secret_token} if self.webhook.secret_token else {}
        if self._session is None:
            self._session = aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(self.delivery.timeout_seconds)
        try:
            async with self._session.post(
                self.webhook.url, json=update, headers=headers, timeout=timeout
            ) as answer:
                await self._replied(answer)
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def _replied(self, answer: aiohttp.ClientResponse) -> None:
        """A bot may answer with a call; whether it worked it never learns."""
        if answer.content_type != "application/json" or self.on_reply is None:
            return
        body = await answer.json()
        if isinstance(body, dict) and "method" in body:
            method = body.pop("method")
            await self.on_reply(method, Arguments(body))

    async def get_updates(self, call: Arguments) -> list[dict[str, Any]]:
        """getUpdates: an offset confirms what is below it; one poll at a time.

        Raises:
            Refused: 409 while a webhook is set, and to a poll that another one follows.
        """
        if self.webhook.url:
            raise Refused(409, _ACTIVE)
        self._polls += 1
        mine = self._polls
        self._wake()
        limit = min(max(call.number("limit", PAGE_MAX), 1), PAGE_MAX)
        self.allow(call)
        offset = call.number("offset")
        if offset < 0:
            kept = sorted(self.pending)[offset:]
            self.pending = {key: self.pending[key] for key in kept}
        for key in [key for key in self.pending if key < offset]:
            del self.pending[key]
        deadline = asyncio.get_running_loop().time() + call.number("timeout")
        while not self.pending and self._polls == mine and not self.webhook.url:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                break
        if self.webhook.url:
            raise Refused(409, "Conflict: terminated by setWebhook request")
        if self._polls != mine:
            raise Refused(409, _OTHER)
        return [self.pending[key] for key in sorted(self.pending)][:limit]

    def allow(self, call: Arguments) -> None:
        """allowed_updates: "If not specified, the previous setting will be used"."""
        wanted = call.structure("allowed_updates", list, "allowed updates")
        if wanted is None:
            return
        if not all(isinstance(one, str) for one in wanted):
            raise bad("can't parse allowed updates JSON object")
        unknown = set(wanted) - UPDATES_BY_DEFAULT - UPDATES_ON_DEMAND
        self._world.findings += [f"allowed_updates: {one} is none" for one in sorted(unknown)]
        self.explicit = wanted
        self.allowed = frozenset(wanted) or UPDATES_BY_DEFAULT
