"""Five generations a minute: the token bucket, also when time runs backwards."""

from __future__ import annotations

from commands.admission import bucket_tokens_ms
from commands.policy import DEFAULT, Policy
from events.credits import CreditsReserved
from events.generations import GenerationRejected
from events.ids import AccountId
from events.state import Account
from tests.given import MINUTE, SECOND, Story, a, asks, at, bought, given, refunded


def _after_five(start_ms: int = 0) -> Story:
    story = given(bought("p", 100)).when(at(0))
    for index in range(5):
        story.when(asks(f"burst-{index}").after(start_ms)).then(a(CreditsReserved))
    return story


def test_five_at_once_are_admitted_and_the_sixth_is_told_when() -> None:
    """A full bucket admits five; the sixth waits for one refill."""
    _after_five().when(asks("sixth").after(0)).then(
        a(GenerationRejected, reason="rate_limited", retry_after_ms=12 * SECOND)
    )


def test_one_comes_back_every_twelve_seconds() -> None:
    """Refill is continuous: a millisecond early is refused, on time is admitted."""
    story = _after_five()
    story.when(asks("early").after(12 * SECOND - 1)).then(
        a(GenerationRejected, reason="rate_limited", retry_after_ms=1)
    )
    story.when(asks("on-time").after(12 * SECOND)).then(a(CreditsReserved, bucket_tokens_ms=0))


def test_a_refusal_costs_no_token() -> None:
    """Being refused does not push the next admission away."""
    story = _after_five()
    for index in range(10):
        story.when(asks(f"impatient-{index}").after(SECOND)).then(a(GenerationRejected))
    story.when(asks("patient").after(12 * SECOND)).then(a(CreditsReserved))


def test_the_bucket_never_holds_more_than_five() -> None:
    """Five minutes of silence does not save up more than a full bucket."""
    story = _after_five()
    for index in range(5):
        story.when(asks(f"later-{index}").after(5 * MINUTE)).then(a(CreditsReserved))
    story.when(asks("too-many").after(5 * MINUTE)).then(a(GenerationRejected))


def test_time_that_runs_backwards_refills_nothing() -> None:
    """A broker clock that jumps back neither fills the bucket nor empties it."""
    story = _after_five(start_ms=MINUTE)
    story.when(asks("back").after(0)).then(
        a(GenerationRejected, reason="rate_limited", retry_after_ms=12 * SECOND)
    )
    story.when(asks("forth").after(MINUTE + 12 * SECOND)).then(a(CreditsReserved))


def test_going_back_and_forth_gains_nothing() -> None:
    """Time counts once: an admission at an earlier time does not make the same seconds refill."""
    story = given(bought("p", 100)).when(at(0)).when(asks("one").after(MINUTE))
    for index in range(4):
        story.when(asks(f"back-{index}").after(0)).then(a(CreditsReserved))
    story.when(asks("forth").after(MINUTE)).then(a(GenerationRejected, reason="rate_limited"))


def test_the_limit_is_said_before_the_balance_is() -> None:
    """Whoever is too fast and broke is told about the speed first."""
    story = _after_five()
    story.when(refunded("p"))
    story.when(asks("sixth").after(1)).then(a(GenerationRejected, reason="rate_limited"))


def test_a_smaller_policy_takes_over_a_fuller_bucket() -> None:
    """A bucket filled under a wider limit holds no more than the limit of today."""
    narrow = Policy(bucket_generations=1)
    account = Account(account_id=AccountId("x"), bucket_tokens_ms=60_000, bucket_at_ms=0)
    assert bucket_tokens_ms(account, 0, narrow) == narrow.bucket_refill_ms
    assert bucket_tokens_ms(account, 0, DEFAULT) == 60_000
