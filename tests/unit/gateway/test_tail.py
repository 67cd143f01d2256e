"""The tail: what it knows, whom it wakes, what it does not believe."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from events.base import ZERO_HASH, Draw
from events.codec import Event, encode
from events.credits import CreditsReserved, CreditsSettled
from events.envelope import headers_for
from events.generations import (
    GenerationCompleted,
    GenerationFailed,
    GenerationRejected,
    GenerationRequested,
    GenerationStarted,
    Image,
)
from events.ids import AccountId, GenerationId, ImageId, derive, fact_id
from gateway.live.changes import Rejected, Reserved
from gateway.live.tail import Tail

ADA = AccountId(derive("account", "ada"))
ONE = GenerationId(derive("generation", "one"))


class Log:
    """A partition that a tail follows."""

    def __init__(self, tail: Tail) -> None:
        self.tail = tail
        self.offset = 0

    def append(self, event: Event, *, key: str = ADA, kind: bytes | None = None) -> bytes:
        record = Record()
        record.key = key.encode()
        record.value = encode(event)
        record.headers = headers_for(
            event, fact_id(ONE, "x"), source="/test", time_ms=0, correlation_id=ONE
        )
        if kind is not None:
            record.headers = (("ce_type", kind),)
        record.offset, record.timestamp = self.offset, 1_000 + self.offset
        self.offset += 1
        self.tail.fold(0, [record])
        return record.value


class Record:
    key: bytes | None
    value: bytes | None
    headers: Any
    offset: int
    timestamp: int


def requested(mac: str = "mac", seed: int = 1) -> GenerationRequested:
    return GenerationRequested(
        account_id=ADA,
        occurred_at_ms=0,
        generation_id=ONE,
        kind="image",
        prompt="v1.x",
        style_id="none",
        size="1024x1024",
        count=1,
        seed=seed,
        model="preview",
        quality="standard",
        body_mac=mac,
    )


def digest(value: bytes) -> str:
    return sha256(value).hexdigest()


def reserved(cause: bytes, *, after: str = ZERO_HASH, sequence: int = 1) -> CreditsReserved:
    return CreditsReserved(
        account_id=ADA,
        sequence=sequence,
        previous_hash=after,
        cause_hash=digest(cause),
        decided_at_ms=0,
        generation_id=ONE,
        credits=1,
        price=1,
        draws=(Draw("g", 1),),
        deadline_ms=10,
        bucket_tokens_ms=0,
    )


def rejected(cause: bytes, *, after: str = ZERO_HASH, sequence: int = 1) -> GenerationRejected:
    return GenerationRejected(
        account_id=ADA,
        sequence=sequence,
        previous_hash=after,
        cause_hash=digest(cause),
        decided_at_ms=0,
        generation_id=ONE,
        reason="rate_limited",
        retry_after_ms=5,
    )


def completed(pictures: int = 1) -> GenerationCompleted:
    images = tuple(
        Image(
            image_id=ImageId(derive("image", str(n))),
            index=n,
            object_key="a",
            preview_key="b",
            width=1,
            height=1,
            content_type="image/png",
            size_bytes=1,
            sha256="0",
        )
        for n in range(pictures)
    )
    return GenerationCompleted(
        account_id=ADA,
        occurred_at_ms=0,
        generation_id=ONE,
        images=images,
        provider="local",
        model="preview",
    )


FAILED = GenerationFailed(
    account_id=ADA, occurred_at_ms=0, generation_id=ONE, reason="too_late", detail="It was late."
)
STARTED = GenerationStarted(
    account_id=ADA, occurred_at_ms=0, generation_id=ONE, attempt=1, provider="local"
)


@pytest.fixture
def seen() -> list[Any]:
    return []


@pytest.fixture
def tail(seen: list[Any]) -> Tail:
    return Tail(100, on_change=lambda *what: seen.append(what), on_erased=lambda _: None)


@pytest.fixture
def log(tail: Tail) -> Log:
    return Log(tail)


async def test_a_waiter_gets_the_decision(tail: Tail, log: Log) -> None:
    """Registered before the request is appended, it cannot miss the decision."""
    waiting = tail.expect(ONE)
    value = log.append(requested())
    assert not waiting.done()
    log.append(reserved(value))
    known = waiting.result()
    assert isinstance(known.decision, Reserved)
    assert known.decision.cause_hash == known.request_hash == digest(value)
    assert known.status == "pending"


async def test_a_waiter_for_the_end_gets_the_end(tail: Tail, log: Log) -> None:
    """Admission does not wake it; the result does."""
    waiting = tail.expect(ONE, final=True)
    log.append(reserved(log.append(requested())))
    log.append(STARTED)
    assert not waiting.done()
    log.append(completed())
    assert waiting.result().status == "done"


async def test_what_is_known_already_is_not_waited_for(tail: Tail, log: Log) -> None:
    """A waiter that comes after the decision has it at once."""
    log.append(rejected(log.append(requested())))
    known = tail.expect(ONE).result()
    assert isinstance(known.decision, Rejected)
    assert known.status == "rejected"


async def test_a_forgotten_waiter_leaves_nothing(tail: Tail) -> None:
    """However many give up, nothing is kept for them."""
    for _ in range(10):
        tail.forget(ONE, tail.expect(ONE))
    assert tail._waiters == {}


def test_the_first_request_in_the_log_counts(tail: Tail, log: Log) -> None:
    """A second one with the same id, maybe with another body, changes nothing."""
    first = log.append(requested("mine"))
    log.append(requested("theirs", seed=2))
    known = tail.get(ONE)
    assert known is not None
    assert (known.body_mac, known.request_hash) == ("mine", digest(first))


def test_a_void_decision_is_not_believed(tail: Tail, log: Log, seen: list[Any]) -> None:
    """Of two deciders that continue the same link, log order picks one."""
    value = log.append(requested())
    log.append(reserved(value))
    log.append(rejected(value))
    log.append(rejected(value, after="f" * 64, sequence=2))
    known = tail.get(ONE)
    assert known is not None
    assert isinstance(known.decision, Reserved)
    assert len(seen) == 2


def test_the_first_result_counts(tail: Tail, log: Log) -> None:
    """What comes after it changes nothing."""
    log.append(reserved(log.append(requested())))
    log.append(completed())
    log.append(FAILED)
    log.append(STARTED)
    known = tail.get(ONE)
    assert known is not None
    assert known.status == "done"


def test_a_result_before_the_admission_is_not_believed(tail: Tail, log: Log) -> None:
    """The fold ignores it, so it must not be shown."""
    log.append(requested())
    log.append(completed())
    known = tail.get(ONE)
    assert known is not None
    assert known.status == "pending"


def test_a_result_without_pictures_is_a_failure(tail: Tail, log: Log) -> None:
    """`done` means that at least one was delivered."""
    log.append(reserved(log.append(requested())))
    log.append(completed(0))
    known = tail.get(ONE)
    assert known is not None
    assert known.status == "failed"


def test_a_timeout_is_a_failure(tail: Tail, log: Log) -> None:
    """A settlement without a result ends the generation."""
    decision = log.append(reserved(log.append(requested())))
    log.append(
        CreditsSettled(
            account_id=ADA,
            sequence=2,
            previous_hash=digest(decision),
            cause_hash=digest(decision),
            decided_at_ms=9,
            generation_id=ONE,
            outcome="timed_out",
            captured=0,
            returned=1,
        )
    )
    known = tail.get(ONE)
    assert known is not None
    assert known.status == "failed"


def test_poison_is_passed_over(tail: Tail, log: Log, seen: list[Any]) -> None:
    """Garbage under a known type, a foreign key, an unknown type, no value: nothing happens."""
    for value in (b"", b"{", b"[" * 100_000, b'{"account_id":1}', b"\xff", None):
        record = Record()
        record.key, record.value = ADA.encode(), value
        record.headers = (("ce_type", b"pixelpop.GenerationRequested.v1"),)
        record.offset = record.timestamp = 0
        tail.fold(0, [record])
    log.append(requested(), key=derive("account", "bob"))
    log.append(requested(), kind=b"pixelpop.GenerationRequested.v9")
    assert seen == []
    assert tail.get(ONE) is None


def test_memory_is_bounded(seen: list[Any]) -> None:
    """The oldest generation is forgotten first."""
    tail = Tail(2, on_change=lambda *_: None, on_erased=lambda _: None)
    log = Log(tail)
    from msgspec.structs import replace

    for name in ("a", "b", "c"):
        log.append(replace(requested(), generation_id=GenerationId(derive(name))))
    assert [tail.get(derive(name)) is not None for name in "abc"] == [False, True, True]


def test_an_own_append_is_known_until_it_is_read_back(tail: Tail, log: Log) -> None:
    """What this gateway appended is pending at its place; the log's word on it replaces that."""
    tail.appended(ADA, ONE, 0, 7, 1_000)
    known = tail.get(ONE)
    assert known is not None
    assert (known.status, known.offset, known.request_offset) == ("pending", 7, 7)
    log.append(requested("first"))
    assert (known.body_mac, known.request_offset) == ("first", 0)
    tail.appended(ADA, ONE, 0, 9, 2_000)
    assert (known.offset, known.request_offset) == (0, 0)
