"""Everything that the double's account holds: objects by id in the order they came, and events.

An event carries its object as it was at that moment ("snapshot payload"), with the account's API
version and, where an API call caused it, that call's id and key: reference, "The Event object".
"""

from __future__ import annotations

import copy
import secrets
import string
from collections.abc import Callable
from typing import Any

from tests.fakes.stripe.clock import Clock
from tests.fakes.stripe.errors import missing

API_VERSION = "2026-10-28.endive"
EVENTS_KEPT_SECONDS = 30 * 86_400
"""The reference, "Events": they can be retrieved for 30 days."""
AVAILABLE_AFTER_SECONDS = 2 * 86_400
_LETTERS = string.ascii_letters + string.digits

Thing = dict[str, Any]
WORDS = {
    "sessions": "checkout.session",
    "intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "disputes": "dispute",
    "transactions": "balance transaction",
    "events": "event",
}
"""What an error calls a thing of each collection."""


class Books:
    """The account's records; `listeners` hear of every event."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.origin = ""
        """Where the pages are that customers pay on."""
        self.held: dict[str, dict[str, Thing]] = {name: {} for name in WORDS}
        self.line_items: dict[str, list[Thing]] = {}
        self.intent_data: dict[str, Thing] = {}
        """What a session will write on its payment intent."""
        self.intent_of: dict[str, str] = {}
        """A session's payment intent, which the session itself names only once it is complete."""
        self.listeners: list[Callable[[Thing], None]] = []
        self.request: Thing | None = None
        """The API call under way: its id and its idempotency key."""

    def now(self) -> int:
        return int(self.clock.now())

    def new_id(self, prefix: str) -> str:
        return prefix + "".join(secrets.choice(_LETTERS) for _ in range(24))

    def add(self, collection: str, thing: Thing) -> Thing:
        self.held[collection][thing["id"]] = thing
        return thing

    def get(self, collection: str, thing_id: str, param: str = "id", *, status: int = 404) -> Thing:
        """The thing itself; refuses an id that there is not."""
        thing = self.held[collection].get(thing_id)
        if thing is None or self._is_forgotten(collection, thing):
            raise missing(WORDS[collection], thing_id, param, status=status)
        return thing

    def all(self, collection: str) -> list[Thing]:
        """The newest first."""
        things = reversed(self.held[collection].values())
        return [thing for thing in things if not self._is_forgotten(collection, thing)]

    def _is_forgotten(self, collection: str, thing: Thing) -> bool:
        return collection == "events" and self.now() - thing["created"] > EVENTS_KEPT_SECONDS

    def transact(
        self, kind: str, category: str, amount: int, source: Thing, *, fee: int = 0
    ) -> Thing:
        """Move money of the account's balance; what `fee` takes is not in `amount`."""
        now = self.now()
        details = [{"amount": fee, "application": None, "currency": source["currency"]}]
        details[0] |= {"description": "Stripe processing fees", "type": "stripe_fee"}
        transaction = {
            "id": self.new_id("txn_"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": now + AVAILABLE_AFTER_SECONDS,
            "balance_type": "payments",
            "created": now,
            "currency": source["currency"],
            "description": None,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": details if fee else [],
            "net": amount - fee,
            "reporting_category": category,
            "source": source["id"],
            "status": "pending",
            "type": kind,
        }
        return self.add("transactions", transaction)

    def emit(self, kind: str, thing: Thing, previous: Thing | None = None) -> Thing:
        """Tell of a thing as it is now."""
        data: Thing = {"object": copy.deepcopy(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": self.new_id("evt_"),
            "object": "event",
            "api_version": API_VERSION,
            "created": self.now(),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": self.request or {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.add("events", event)
        for listener in self.listeners:
            listener(event)
        return event

    def catch_up(self) -> None:
        """What time alone does: sessions expire, and money becomes available."""
        now = self.now()
        for session in self.held["sessions"].values():
            if session["status"] == "open" and session["expires_at"] <= now:
                self.expire(session)
        for transaction in self.held["transactions"].values():
            if transaction["available_on"] <= now:
                transaction["status"] = "available"

    def expire(self, session: Thing) -> None:
        session |= {"status": "expired", "url": None}
        self.emit("checkout.session.expired", session)
