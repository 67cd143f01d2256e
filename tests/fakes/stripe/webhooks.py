"""Events told to endpoints: signed, more than once, in any order, late, again until they are taken.

Docs, "Receive Stripe events in your webhook endpoint" and "Resolve webhook signature verification
errors": the header is `t=…,v1=…` with an HMAC-SHA256 over `t`, a dot and the raw body, one `v1` for
each live secret while one is rolled, and a `v0` that means nothing; each attempt is signed anew;
order is not guaranteed, events may come twice, and only a 2xx counts (a redirect does not).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import secrets
from dataclasses import dataclass, field

import httpx

from tests.fakes.stripe.books import API_VERSION, Books, Thing

TIMEOUT_SECONDS = 10.0
ATTEMPTS_MAX = 16


def signature(payload: bytes, keys: list[str], timestamp: int) -> str:
    """A `Stripe-Signature` header."""
    signed = b"%d." % timestamp + payload
    made = [hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys]
    return ",".join([f"t={timestamp}", *(f"v1={one}" for one in made), f"v0={'0' * 64}"])


@dataclass
class Endpoint:
    """Somebody who is told."""

    url: str
    events: tuple[str, ...]
    api_version: str
    secrets: list[str]

    def wants(self, kind: str) -> bool:
        return "*" in self.events or kind in self.events

    def roll(self) -> str:
        """A new secret; the old ones sign as well until `forget_old_secrets`."""
        self.secrets.append(f"whsec_{secrets.token_urlsafe(24)}")
        return self.secrets[-1]

    def forget_old_secrets(self) -> None:
        del self.secrets[:-1]


@dataclass
class Delivery:
    """One attempt, and what came back: 0 for no answer."""

    event_id: str
    type: str
    status: int


@dataclass
class _Due:
    event: Thing
    endpoint: Endpoint
    first: bool
    attempts: int = 0


@dataclass
class Post:
    """The deliveries that are due; `deliver` makes them."""

    books: Books
    endpoints: list[Endpoint] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    """Ids of events that were never taken."""
    held: set[str] = field(default_factory=set)
    """Types of events that stay behind for now."""
    _due: list[_Due] = field(default_factory=list)

    def add_endpoint(
        self, url: str, events: tuple[str, ...] = ("*",), api_version: str = API_VERSION
    ) -> Endpoint:
        endpoint = Endpoint(url, events, api_version, [])
        endpoint.roll()
        self.endpoints.append(endpoint)
        return endpoint

    def take(self, event: Thing) -> None:
        """An event has happened."""
        wanting = [one for one in self.endpoints if one.wants(event["type"])]
        event["pending_webhooks"] = len(wanting)
        self._due += [_Due(event, one, first=True) for one in wanting]

    @property
    def due(self) -> list[str]:
        """Types of the events that are not delivered yet."""
        return [one.event["type"] for one in self._due if one.first]

    def again(self, event_id: str) -> None:
        """Tell of an event once more, as its button in the dashboard does."""
        event = self.books.get("events", event_id)
        self._due += [
            _Due(event, one, first=False) for one in self.endpoints if one.wants(event["type"])
        ]

    async def deliver(
        self,
        *,
        rng: random.Random | None = None,
        times_max: int = 1,
        signed_seconds_ago: int = 0,
        attempts_max: int = ATTEMPTS_MAX,
        at_once: int = 1,
    ) -> None:
        """Send all that is due and not held, and again whatever is not taken.

        With `rng`: each event 1 to `times_max` times, in any order. `at_once` attempts run beside
        each other.
        """
        self.books.catch_up()
        due = [one for one in self._due if one.event["type"] not in self.held]
        self._due = [one for one in self._due if one.event["type"] in self.held]
        if rng is not None:
            due += [
                _Due(one.event, one.endpoint, first=False)
                for one in due
                for _ in range(rng.randint(1, times_max) - 1)
            ]
            rng.shuffle(due)
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            while due:
                batch, due = due[:at_once], due[at_once:]
                sent = (self._send(client, one, signed_seconds_ago) for one in batch)
                for one, taken in zip(batch, await asyncio.gather(*sent), strict=True):
                    one.attempts += 1
                    if taken:
                        one.event["pending_webhooks"] -= one.first
                    elif one.attempts < attempts_max:
                        due.append(one)
                    else:
                        self.given_up.append(one.event["id"])

    async def _send(self, client: httpx.AsyncClient, one: _Due, seconds_ago: int) -> bool:
        event = one.event | {"api_version": one.endpoint.api_version}
        payload = json.dumps(event, indent=2, ensure_ascii=False).encode()
        timestamp = self.books.now() - seconds_ago
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(payload, one.endpoint.secrets, timestamp),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            answer = await client.post(one.endpoint.url, content=payload, headers=headers)
            status = answer.status_code
        except httpx.TransportError:
            status = 0
        self.delivered.append(Delivery(event["id"], event["type"], status))
        return 200 <= status < 300
