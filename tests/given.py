"""Given events, when time passes, then events: stories over the project's `evolve` and `decide`.

    given(signed_up(credits=5)).when(at(1)).then(a(CreditsGranted, credits=5))

A story is one account's part of the log. `given` appends facts and lets nobody decide; `when`
moves the broker's clock (or appends one more fact) and lets the decider decide all that is due;
`then` names the decisions that this added, field by field as far as the claim goes. After every
record the story checks what must always hold (`tests.invariants`).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from commands.decide import decide
from commands.policy import DEFAULT, Policy
from events import ids
from events.accounts import AccountErased, UserRegistered
from events.base import Sealed
from events.chain import Void
from events.codec import Event, decode, encode
from events.fold import apply
from events.generations import (
    GenerationCancelled,
    GenerationCompleted,
    GenerationFailed,
    GenerationRequested,
    Image,
    Moderation,
)
from events.ids import AccountId, EventId, GenerationId, SourceId
from events.purchases import CreditsPurchased, PurchaseRefunded
from events.recorded import Recorded, record
from events.state import Account
from tests.invariants import Books, broken

ACCOUNT = AccountId("0a000000-0000-4000-8000-000000000001")
START_MS = 1_700_000_000_000
"""When every story begins: 2023-11-14."""
SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def at(after_ms: int) -> int:
    """The instant `after_ms` milliseconds into the story."""
    return START_MS + after_ms


class Told(msgspec.Struct, frozen=True):
    """A fact and when the broker appends it."""

    event: Event
    after_ms: int | None = None

    def after(self, after_ms: int) -> Told:
        """The same fact, happening and appended `after_ms` into the story."""
        event: Any = self.event
        return Told(replace(event, occurred_at_ms=at(after_ms)), after_ms)

    def appended(self, after_ms: int) -> Told:
        """The same fact, appended `after_ms` into the story whenever it happened."""
        return Told(self.event, after_ms)


class a:  # noqa: N801  reads as an article: `then(a(CreditsReserved, credits=3))`
    """An event of `kind` whose named fields have these values; the others are not claimed."""

    def __init__(self, kind: type, **fields: Any) -> None:
        self.kind = kind
        self.fields = fields

    def mismatch(self, event: Any) -> str | None:
        """How `event` is not what is claimed; None when it is."""
        if type(event) is not self.kind:
            return f"expected {self.kind.__name__}, got {event}"
        for name, wanted in self.fields.items():
            if getattr(event, name) != wanted:
                return f"{self.kind.__name__}.{name}: expected {wanted!r}, got {event}"
        return None


class Story:
    """One account's log, its state, and what the last `when` added."""

    def __init__(self, policy: Policy = DEFAULT) -> None:
        self.account = Account(account_id=ACCOUNT)
        self.policy = policy
        self.now_ms = START_MS
        self.log: list[Recorded] = []
        self.added: list[Event] = []
        self.books = Books()

    def given(self, *history: Told) -> Story:
        """Append facts; nobody decides yet."""
        for told in history:
            if told.after_ms is not None:
                self.now_ms = at(told.after_ms)
            self.append(told.event, told.after_ms)
        return self

    def when(self, *happens: Told | int) -> Story:
        """Append facts or move the clock; the decider decides all that is due."""
        self.added = []
        for one in happens:
            if isinstance(one, int):
                self.now_ms = one
            else:
                self.given(one)
            self.decide_all()
        return self

    def then(self, *claims: a) -> Story:
        """Exactly these decisions were added by the last `when`."""
        assert len(self.added) == len(claims), f"expected {len(claims)} decisions: {self.added}"
        for claim, event in zip(claims, self.added, strict=True):
            problem = claim.mismatch(event)
            assert problem is None, problem
        return self

    def then_state(self, **fields: Any) -> Story:
        """The state has these values."""
        for name, wanted in fields.items():
            found = getattr(self.account, name)
            assert found == wanted, f"{name}: expected {wanted!r}, got {found!r}"
        return self

    def decide_all(self) -> None:
        """Let the decider decide until nothing is due; each decision is read back at once."""
        while (decided := decide(self.account, self.now_ms, self.policy)) is not None:
            void = self.append(decided.event, event_id=decided.event_id)
            assert void is None, f"a correct decision is void: {void}, {decided.event}"
            self.added.append(decided.event)

    def append(
        self, event: Event, after_ms: int | None = None, *, event_id: EventId | None = None
    ) -> Void | None:
        """Append one event and fold it; says why it was void, if it was."""
        value, now_ms = encode(event), self.now_ms if after_ms is None else at(after_ms)
        recorded = record(decode(value), value, now_ms, event_id)
        before, (self.account, void) = self.account, apply(self.account, recorded)
        self.log.append(recorded)
        if self.account is not before:
            self.books.post(event)
        problems = broken(self.account) + self.books.disagreements(self.account)
        assert not problems, problems
        return void


def given(*history: Told, policy: Policy = DEFAULT) -> Story:
    """Begin a story with facts that nobody has decided about yet."""
    return Story(policy).given(*history)


# Facts, in the words of the people who cause them ---------------------------------------------


def source(name: str) -> SourceId:
    """The id of the purchase that a story calls `name`."""
    return SourceId(ids.derive("test-purchase", name))


def generation(name: str) -> GenerationId:
    """The id of the generation that a story calls `name`."""
    return ids.generation_id(ACCOUNT, name)


WELCOME = ids.welcome_source(ACCOUNT)


def signed_up(credits: int = 0, expires: int | None = None) -> Told:  # noqa: A002  the field's name
    """A person signed in for the first time; `expires`: ms into the story."""
    return Told(
        UserRegistered(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            welcome_credits=credits,
            welcome_expires_at_ms=None if expires is None else at(expires),
        )
    )


def bought(name: str, credits: int, expires: int | None = None) -> Told:  # noqa: A002  the field's name
    """A payment provider says that it was paid; `expires`: ms into the story."""
    return Told(
        CreditsPurchased(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            purchase_id=source(name),
            provider="stars",
            pack_id="starter",
            credits=credits,
            amount=50,
            currency="XTR",
            expires_at_ms=None if expires is None else at(expires),
        )
    )


def refunded(name: str, reason: str = "refund", refund_id: str = "r1") -> Told:
    """The payment provider gave the money back."""
    return Told(
        PurchaseRefunded(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            purchase_id=source(name),
            refund_id=refund_id,
            reason=reason,
        )
    )


def asks(name: str, count: int = 1, *, prohibited: str | None = None, **more: Any) -> Told:
    """Somebody asks for `count` pictures, at 1 credit each unless model or quality says more."""
    return Told(
        GenerationRequested(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            generation_id=generation(name),
            kind="image",
            prompt=Sealed("v1.c2VhbGVk"),
            style_id="none",
            size="1024x1024",
            count=count,
            seed=7,
            body_mac="00" * 32,
            prohibited=None if prohibited is None else Moderation(prohibited, "2026-01"),
            **{"model": "preview", "quality": "standard"} | more,
        )
    )


def finished(name: str, pictures: int, failed: int = 0) -> Told:
    """A worker made and stored `pictures` of them."""
    which = generation(name)
    images = tuple(_image(which, index) for index in range(pictures))
    return Told(
        GenerationCompleted(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            generation_id=which,
            images=images,
            failed_count=failed,
            provider="local",
            model="preview",
        )
    )


def _image(which: GenerationId, index: int) -> Image:
    return Image(
        image_id=ids.image_id(which, index),
        index=index,
        object_key=f"generations/{ACCOUNT}/{which}/{index}.png",
        preview_key=f"generations/{ACCOUNT}/{which}/{index}.webp",
        width=1024,
        height=1024,
        content_type="image/png",
        size_bytes=4,
        sha256="00" * 32,
    )


def fails(name: str, reason: str = "provider_unavailable") -> Told:
    """A worker gave up."""
    return Told(
        GenerationFailed(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            generation_id=generation(name),
            reason=reason,
            detail="The image service did not answer.",
        )
    )


def cancels(name: str) -> Told:
    """The job was cancelled before anybody paid for it."""
    return Told(
        GenerationCancelled(
            account_id=ACCOUNT, occurred_at_ms=START_MS, generation_id=generation(name)
        )
    )


def leaves() -> Told:
    """The person erases the account."""
    return Told(AccountErased(account_id=ACCOUNT, occurred_at_ms=START_MS, reason="user"))
