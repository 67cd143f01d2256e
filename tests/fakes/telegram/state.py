"""What Telegram knows: people, chats, messages, files, invoices, charges, and the time."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Any

import msgspec

from tests.fakes.telegram.arguments import Refused, bad

BOT_ID = 7_000_000_001
TOKEN = f"{BOT_ID}:AAF-a_token_of_the_double_0123456789abc"
BOT = {
    "id": BOT_ID,
    "is_bot": True,
    "first_name": "Pixelpop",
    "username": "pixelpop_test_bot",
    "can_join_groups": True,
    "can_read_all_group_messages": False,
    "supports_inline_queries": True,
    "can_connect_to_business": False,
    "has_main_web_app": True,
}


class Rules(msgspec.Struct):
    """What of the double a test may set."""

    per_second: float | None = 30.0
    """Messages a second to everybody together (Bots FAQ, "broadcasting"); None: no limit."""
    per_chat_second: float | None = 1.0
    """Messages a second to one chat (Bots FAQ, "My bot is hitting limits"); None: no limit."""
    per_chat_burst: int = 1
    """How many may come at once to one chat ("short bursts" are allowed, says the FAQ)."""
    edits_count: bool = False
    """Whether edits are messages to the limits: the FAQ speaks of sending only."""
    loopback_http: bool = True
    """Whether webhooks and Web Apps on this machine may do without HTTPS and the four ports."""
    pre_checkout_seconds: float = 10.0
    """answerPreCheckoutQuery: "must receive an answer within 10 seconds"."""
    callback_seconds: float = 15.0
    """After how long a callback query is too old; seen in practice, not in the reference."""
    stars_max: int = 10_000
    """The highest price. The reference names 10000 for subscriptions, nothing for the rest."""
    chargeback_partner: str = "user"
    """Type of the receiver in the row of a store's chargeback; the reference does not say."""


class Clock:
    """The time as Telegram has it; tests move it on instead of waiting."""

    def __init__(self) -> None:
        self._ahead_seconds = 0.0

    def now(self) -> float:
        return time.time() + self._ahead_seconds

    def forward(self, seconds: float) -> None:
        self._ahead_seconds += seconds


class Chat(msgspec.Struct):
    """A chat and all that is in it."""

    id: int
    type: str = "private"
    title: str = ""
    is_started: bool = False
    """Whether the bot may write: its person has written first, or it is a member of the group."""
    is_blocked: bool = False
    is_deactivated: bool = False
    messages: dict[int, dict[str, Any]] = msgspec.field(default_factory=dict)
    menu_button: dict[str, Any] | None = None

    def document(self, person: dict[str, Any] | None = None) -> dict[str, Any]:
        """The `Chat` object."""
        if self.type != "private":
            return {"id": self.id, "type": self.type, "title": self.title}
        kept = ("first_name", "last_name", "username")
        names = {key: value for key, value in (person or {}).items() if key in kept}
        return {"id": self.id, "type": "private"} | names


class Invoice(msgspec.Struct, frozen=True):
    """What can be paid, any number of times by anybody who has the link."""

    payload: str
    amount: int
    subscription_period: int = 0
    title: str = ""


class Charge(msgspec.Struct):
    """One payment."""

    id: str
    user_id: int
    invoice: Invoice
    paid_at: int
    is_refunded: bool = False
    is_charged_back: bool = False
    is_canceled: bool = False
    """Whether the bot has cancelled the subscription."""
    is_first: bool = True
    expires_at: int = 0


class Query(msgspec.Struct):
    """A pre-checkout, callback or inline query that waits for its answer."""

    id: str
    user_id: int
    asked_at: float
    answer: dict[str, Any] | None = None


class World:
    """All of it; each method of the API changes this and nothing else."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.clock = Clock()
        self.bot: dict[str, Any] = dict(BOT)
        self.people: dict[int, dict[str, Any]] = {}
        self.chats: dict[int, Chat] = {}
        self.queries: dict[str, Query] = {}
        self.invoices: dict[str, Invoice] = {}
        self.charges: dict[str, Charge] = {}
        self.transactions: list[dict[str, Any]] = []
        self.prepared: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.paths: dict[str, tuple[str, float]] = {}
        """Path of a file → its id, and until when the link works."""
        self.commands: dict[str, list[dict[str, Any]]] = {}
        self.texts: dict[str, str] = {}
        self.menu_button: dict[str, Any] = {"type": "commands"}
        self.findings: list[str] = []
        """What Telegram lets pass and a reviewer would not; tests assert that there is none."""
        self.closing = asyncio.Event()
        """Set when the server goes; whatever is late then is late no longer."""
        self._last_id = 0

    async def late(self, seconds: float) -> None:
        """Be so slow, as a far server is."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.closing.wait()

    def now(self) -> int:
        return int(self.clock.now())

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def query(self, user_id: int) -> Query:
        """A new one."""
        one = Query(str(secrets.randbits(62)), user_id, self.clock.now())
        self.queries[one.id] = one
        return one

    def waiting(self, query_id: str, seconds: float, *, once: bool) -> Query:
        """The query that an answer is for.

        Raises:
            Refused: unknown, older than that, or (`once`) answered before.
        """
        query = self.queries.get(query_id)
        late = query is not None and self.clock.now() - query.asked_at > seconds
        if query is None or late or (once and query.answer is not None):
            raise bad(
                "query is too old and response timeout expired or query ID is invalid",
            )
        return query

    def chat(self, chat_id: str, *, to_write: bool) -> Chat:
        """The chat of that id, if the bot may do this there.

        Raises:
            Refused: 400 chat not found; 403 deactivated, and for writing: blocked, never started.
        """
        if not chat_id:
            raise bad("chat_id is empty")
        try:
            chat = self.chats.get(int(chat_id))
        except ValueError:
            raise bad("chat not found") from None
        if chat is None:
            raise bad("chat not found")
        if chat.is_deactivated:
            raise Refused(403, "Forbidden: user is deactivated")
        if to_write and chat.is_blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if to_write and not chat.is_started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        return chat
