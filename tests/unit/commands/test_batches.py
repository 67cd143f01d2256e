"""Several prompts in one command: each decided by itself, one token of the limit for all."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from commands.policy import Policy
from events import ids
from events.batches import BatchRequested, request_in
from events.codec import encode
from events.credits import CreditsGranted, CreditsReserved, CreditsSettled
from events.generations import GenerationRejected
from events.jobs import GenerateJob, decode_job
from events.state import Reservation
from processors.decider.effects import Dispatch
from processors.decider.outgoing import generate_job
from tests.given import (
    ACCOUNT,
    HOUR,
    SECOND,
    START_MS,
    Story,
    Told,
    a,
    asks,
    at,
    finished,
    given,
    signed_up,
)

ONE_TOKEN = Policy(bucket_generations=1)


def batch(name: str, *items: Told) -> Told:
    """These requests, asked for with one command."""
    which = ids.batch_id(ACCOUNT, name)
    requests: list[Any] = [one.event for one in items]
    return Told(
        BatchRequested(
            account_id=ACCOUNT,
            occurred_at_ms=START_MS,
            batch_id=which,
            requests=tuple(
                replace(one, generation_id=ids.batch_generation_id(which, index))
                for index, one in enumerate(requests)
            ),
        )
    )


def item(name: str, index: int) -> str:
    """The id of a generation of a batch."""
    return ids.batch_generation_id(ids.batch_id(ACCOUNT, name), index)


def done(name: str, index: int) -> Told:
    """A worker made the picture of a generation of a batch."""
    event: Any = finished("any", 1).event
    return Told(replace(event, generation_id=item(name, index)))


def signed_in(credits: int, policy: Policy = Policy()) -> Story:  # noqa: A002, B008  the field's name; it is frozen
    """A person whose welcome is granted."""
    return given(signed_up(credits), policy=policy).when(at(0)).then(a(CreditsGranted))


def test_what_the_credits_cover_is_admitted_in_order() -> None:
    """Of a batch, what the balance covers is admitted in its order, each with a reservation."""
    (
        signed_in(5)
        .when(batch("b", asks("x", 2), asks("x", 2), asks("x", 2), asks("x", 1)))
        .then(
            a(CreditsReserved, generation_id=item("b", 0), credits=2),
            a(CreditsReserved, generation_id=item("b", 1), credits=2),
            a(
                GenerationRejected,
                generation_id=item("b", 2),
                reason="insufficient_credits",
                credits_needed=2,
                credits_available=1,
            ),
            a(CreditsReserved, generation_id=item("b", 3), credits=1),
        )
        .then_state(available=0, reserved=5)
    )


def test_each_is_settled_by_itself() -> None:
    """A result ends the reservation of its generation alone."""
    story = signed_in(5).when(batch("b", asks("x"), asks("x")))
    story.when(done("b", 1)).then(a(CreditsSettled, generation_id=item("b", 1), captured=1))
    story.then_state(available=3, reserved=1, spent=1)


def test_a_batch_takes_one_token() -> None:
    """Many generations of a batch are admitted with one token; the next command needs another."""
    story = signed_in(9, ONE_TOKEN).when(batch("b", asks("x"), asks("x"), asks("x")))
    story.then(*(a(CreditsReserved, bucket_tokens_ms=0) for _ in range(3)))
    story.when(asks("later").after(SECOND)).then(a(GenerationRejected, reason="rate_limited"))


def test_a_refused_one_takes_no_token() -> None:
    """The first that is admitted takes the token; what is refused before it does not."""
    story = signed_in(9, ONE_TOKEN)
    story.when(batch("b", asks("x", prohibited="a-rule"), asks("x"), asks("x"))).then(
        a(GenerationRejected, reason="prohibited"),
        a(CreditsReserved, bucket_tokens_ms=0),
        a(CreditsReserved, bucket_tokens_ms=0),
    )


def test_a_batch_without_a_token_is_refused_as_a_whole() -> None:
    """Where the rate is used up, none of its generations is admitted."""
    story = signed_in(9, ONE_TOKEN).when(asks("before")).then(a(CreditsReserved))
    story.when(batch("b", asks("x"), asks("x"))).then(
        a(GenerationRejected, reason="rate_limited"), a(GenerationRejected, reason="rate_limited")
    )


def test_the_token_is_remembered_when_the_first_is_settled_already() -> None:
    """A decider that goes on after a crash takes no second token for what is left of a batch."""
    story = signed_in(9, ONE_TOKEN)
    wanted = batch("b", asks("x"), asks("x"))
    full = signed_in(9, ONE_TOKEN).when(wanted)
    story.given(wanted)
    assert story.append(full.added[0]) is None
    story.when(done("b", 0)).then(
        a(CreditsSettled, generation_id=item("b", 0)),
        a(CreditsReserved, generation_id=item("b", 1), bucket_tokens_ms=0),
    )


def test_one_batch_at_a_time() -> None:
    """While a batch is not finished another is refused as a whole; afterwards it is admitted."""
    story = signed_in(9).when(batch("b", asks("x"), asks("x")))
    story.when(done("b", 0)).then(a(CreditsSettled))
    story.when(batch("c", asks("x"), asks("x"))).then(
        a(GenerationRejected, reason="batch_in_flight"),
        a(GenerationRejected, reason="batch_in_flight"),
    )
    story.when(asks("alone")).then(a(CreditsReserved))
    story.when(done("b", 1)).then(a(CreditsSettled))
    story.when(batch("d", asks("x"))).then(a(CreditsReserved))


def test_a_batch_told_twice_is_one() -> None:
    """Repeated, in part under way or finished, it leaves nothing to decide."""
    wanted = batch("b", asks("x"), asks("x"))
    story = signed_in(9).when(wanted)
    story.when(wanted).then()
    story.when(done("b", 0), done("b", 1)).when(wanted).then()


def test_what_comes_too_late_or_lies_is_nothing() -> None:
    """A batch appended an hour late, or with ids that are not its own, has no effect."""
    wanted = batch("b", asks("x"))
    event: Any = wanted.event
    foreign: Any = asks("foreign").event
    story = signed_in(9)
    story.when(wanted.appended(HOUR + SECOND)).then()
    story.when(Told(replace(event, requests=(foreign,)))).then()


def test_its_jobs_are_those_of_single_requests() -> None:
    """What a worker is given of a batch is the one request, sealed as if it stood alone."""
    wanted: Any = batch("b", asks("x", 2), asks("y", 1)).event
    story = signed_in(9).when(Told(wanted))
    for one in wanted.requests:
        entry = story.account.open[one.generation_id]
        assert isinstance(entry, Reservation)
        outgoing = generate_job(Dispatch(ACCOUNT, one.generation_id, entry))
        job = decode_job(outgoing.value)
        assert isinstance(job, GenerateJob)
        assert job.request == one


def test_its_requests_are_found_in_its_bytes() -> None:
    """By their ids; a single request is found in its own bytes."""
    wanted: Any = batch("b", asks("x", 2), asks("y", 1)).event
    alone: Any = asks("alone").event
    assert request_in(encode(wanted), wanted.requests[1].generation_id) == wanted.requests[1]
    assert request_in(encode(wanted), alone.generation_id) is None
    assert request_in(encode(alone), alone.generation_id) == alone
