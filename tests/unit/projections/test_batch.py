"""What a batch makes of events, before any database."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from events.base import ZERO_HASH
from events.codec import encode
from events.credits import CreditsExpired
from events.envelope import headers_for
from events.generations import (
    GenerationDeleted,
    GenerationRestored,
    GenerationStarted,
)
from events.ids import EventId
from events.recorded import hash_value
from events.state import Account
from projections.batch import Batch, keys_of
from projections.generations import GenerationRow
from tests.given import (
    ACCOUNT,
    MINUTE,
    SECOND,
    Story,
    asks,
    at,
    bought,
    cancels,
    fails,
    finished,
    generation,
    given,
    leaves,
    refunded,
    signed_up,
    source,
)


class FakeRecord(NamedTuple):
    """As aiokafka's."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def record(event: Any, offset: int, appended_at_ms: int, value: bytes | None = None) -> FakeRecord:
    headers = headers_for(
        event, EventId("test"), source="/test", time_ms=appended_at_ms, correlation_id="test"
    )
    body = encode(event) if value is None else value
    return FakeRecord("log", 0, offset, appended_at_ms, ACCOUNT.encode(), body, headers)


def records_of(story: Story) -> list[FakeRecord]:
    return [record(one.event, n, one.appended_at_ms) for n, one in enumerate(story.log)]


async def fold(records: list[FakeRecord], state: Account | None = None) -> Batch:
    batch = Batch("test", {ACCOUNT: state or Account(account_id=ACCOUNT)})
    await batch.fold(records, 1, 0)
    batch.finish()
    return batch


async def row_of(story: Story, name: str) -> GenerationRow:
    batch = await fold(records_of(story))
    return batch.generations.rows.new[ACCOUNT, generation(name)]


def a_picture() -> Story:
    story = given(signed_up(credits=5)).when(at(1))
    return story.when(asks("fox", 2).after(SECOND))


async def test_a_whole_generation_is_one_new_row() -> None:
    """Request, reservation, start, result and settlement of one batch are written once."""
    story = a_picture()
    story.append(
        GenerationStarted(
            account_id=ACCOUNT,
            occurred_at_ms=at(SECOND),
            generation_id=generation("fox"),
            attempt=1,
            provider="local",
        ),
        2 * SECOND,
    )
    story.when(finished("fox", 1, failed=1).after(3 * SECOND))
    batch = await fold(records_of(story))
    assert len(batch.generations.rows) == 1
    row = batch.generations.rows.new[ACCOUNT, generation("fox")]
    assert row.status == "done"
    assert (row.credits_reserved, row.credits_captured, row.credits_returned) == (2, 1, 1)
    assert (row.requested_at_ms, row.started_at_ms) == (at(SECOND), at(2 * SECOND))
    assert (row.finished_at_ms, row.failed_count) == (at(3 * SECOND), 1)
    assert len(batch.generations.images.new) == 1


async def test_a_batch_that_begins_later_only_changes_the_row() -> None:
    """What an earlier batch wrote is changed, not written anew."""
    story = a_picture()
    early, state = len(story.log), story.account
    story.when(finished("fox", 2).after(3 * SECOND))
    batch = await fold(records_of(story)[early:], state)
    assert not batch.generations.rows.new
    change = batch.generations.rows.changed[ACCOUNT, generation("fox")]
    assert (change.status, change.prompt, change.credits_captured) == ("done", None, 2)


async def test_requests_end_in_one_of_the_statuses() -> None:
    """Rejected, failed, cancelled and timed out show with their reason."""
    rejected = given(signed_up()).when(at(1)).when(asks("fox").after(SECOND))
    row = await row_of(rejected, "fox")
    assert (row.status, row.error_code) == ("rejected", "insufficient_credits")
    row = await row_of(a_picture().when(fails("fox").after(2 * SECOND)), "fox")
    assert (row.status, row.error_code) == ("failed", "provider_unavailable")
    row = await row_of(a_picture().when(cancels("fox").after(2 * SECOND)), "fox")
    assert (row.status, row.credits_returned) == ("cancelled", 2)
    row = await row_of(a_picture().when(at(30 * MINUTE)), "fox")
    assert (row.status, row.error_code) == ("failed", "timed_out")


async def test_a_result_without_effect_is_not_shown() -> None:
    """A second result and a start after the result change nothing."""
    story = a_picture().when(fails("fox").after(2 * SECOND))
    story.append(finished("fox", 2).event, 3 * SECOND)
    story.append(
        GenerationStarted(
            account_id=ACCOUNT,
            occurred_at_ms=at(SECOND),
            generation_id=generation("fox"),
            attempt=2,
            provider="local",
        ),
        4 * SECOND,
    )
    batch = await fold(records_of(story))
    row = batch.generations.rows.new[ACCOUNT, generation("fox")]
    assert (row.status, row.started_at_ms) == ("failed", None)
    assert not batch.generations.images.new


async def test_the_newest_bin_event_wins_in_whatever_order() -> None:
    """A delete that is appended again, late, does not undo the restore after it."""
    story = a_picture().when(finished("fox", 2).after(2 * SECOND))
    which = generation("fox")
    deleted = GenerationDeleted(
        account_id=ACCOUNT, occurred_at_ms=at(10 * SECOND), generation_id=which
    )
    restored = GenerationRestored(
        account_id=ACCOUNT, occurred_at_ms=at(20 * SECOND), generation_id=which
    )
    story.append(deleted, 11 * SECOND)
    assert (await row_of(story, "fox")).deleted_at_ms == at(11 * SECOND)
    story.append(restored, 21 * SECOND)
    story.append(deleted, 22 * SECOND)
    assert (await row_of(story, "fox")).deleted_at_ms == 0


async def test_a_refund_that_came_first_shows_on_its_purchase() -> None:
    """The purchase's row knows about the refund that waited for it."""
    story = given(signed_up()).when(refunded("pack").after(SECOND))
    story.when(bought("pack", 10).after(2 * SECOND))
    batch = await fold(records_of(story))
    row = batch.purchases.rows.new[ACCOUNT, source("pack")]
    assert (row.refunded_at_ms, row.purchased_at_ms) == (at(SECOND), at(2 * SECOND))
    assert row.granted_at_ms is not None
    assert row.revoked_at_ms is not None


async def test_balances_are_those_of_the_state() -> None:
    """One row per account and batch, with what the fold says at its end."""
    story = a_picture().when(finished("fox", 1, failed=1).after(2 * SECOND))
    batch = await fold(records_of(story))
    (row,) = batch.credits.accounts
    assert (row.available, row.reserved, row.spent, row.sequence) == (4, 0, 1, 3)
    (grant,) = batch.credits.grants.new.values()
    assert (grant.credits, grant.available) == (5, 4)
    assert [(one.credits, one.available_after) for one in batch.credits.ledger] == [
        (5, 5),
        (-2, 3),
        (1, 4),
    ]


async def test_a_grant_that_came_and_was_used_up_in_one_batch_is_empty() -> None:
    """The state forgets it by then; its row says that nothing is left."""
    story = given(signed_up(credits=2)).when(at(1)).when(asks("fox", 2).after(SECOND))
    batch = await fold(records_of(story.when(finished("fox", 2).after(2 * SECOND))))
    assert story.account.grants == ()
    (grant,) = batch.credits.grants.new.values()
    assert (grant.credits, grant.available) == (2, 0)


async def test_an_erased_account_leaves_no_pictures() -> None:
    """Its generations, images and name go; its ledger stays."""
    story = a_picture().when(finished("fox", 2).after(2 * SECOND)).when(leaves().after(3 * SECOND))
    batch = await fold(records_of(story))
    assert len(batch.generations.rows) + len(batch.generations.images) == 0
    user = batch.users.rows[ACCOUNT]
    assert (user.display_name, user.erased_at_ms) == (None, at(3 * SECOND))
    assert batch.credits.ledger


async def test_a_void_decision_is_listed_and_has_no_effect() -> None:
    """The same decision twice: the second is void and leaves a row for auditors only."""
    story = a_picture()
    records = records_of(story)
    again = records[-1]._replace(offset=len(records))
    once, twice = await fold(records), await fold([*records, again])
    assert twice.credits.ledger == once.credits.ledger
    assert twice.changed == once.changed
    (void,) = twice.voids.rows
    assert (void.log_offset, void.reason, void.type) == (
        len(records),
        "other_chain",
        "CreditsReserved",
    )


async def test_what_decides_about_money_and_cannot_be_read_freezes() -> None:
    """The account stands still with its reason; what follows of it has no effect."""
    story = a_picture()
    records = records_of(story)
    unreadable = CreditsExpired(
        account_id=ACCOUNT,
        sequence=3,
        previous_hash=ZERO_HASH,
        cause_hash=ZERO_HASH,
        decided_at_ms=at(1),
        why="expiry",
        draws=(),
        credits=1,
    )
    poison = record(unreadable, len(records), at(2 * SECOND), b'{"type":"CreditsExpired.v9"}')
    after = story.when(finished("fox", 2).after(3 * SECOND)).log[-2:]
    later = [record(one.event, len(records) + 1 + n, at(SECOND)) for n, one in enumerate(after)]
    batch = await fold([*records, poison, *later])
    (row,) = batch.credits.accounts
    assert row.frozen is not None
    assert "CreditsExpired.v9" in row.frozen
    assert batch.generations.rows.new[ACCOUNT, generation("fox")].status == "pending"
    assert [one.reason for one in batch.voids.rows] == ["poison"]


async def test_poison_that_is_no_money_is_passed_over() -> None:
    """No value, no key, no JSON: each is listed, and the record after it counts."""
    story = a_picture()
    records = records_of(story)
    bad = [
        records[0]._replace(value=None),
        records[0]._replace(key=None),
        records[0]._replace(value=b"\xff", headers=()),
        records[0]._replace(key=b"somebody else"),
    ]
    mixed = [one._replace(offset=n) for n, one in enumerate([*bad, *records])]
    batch = await fold(mixed)
    assert [one.reason for one in batch.voids.rows] == ["poison"] * 4
    assert batch.generations.rows.new[ACCOUNT, generation("fox")].status == "pending"
    (move,) = batch.moves
    assert move.next_offset == len(mixed)
    assert move.hash_before == hash_value(mixed[-1].value or b"")


def test_only_uuids_are_asked_for_as_accounts() -> None:
    """A key that is no UUID names no account, and the database is not asked for it."""
    story = a_picture()
    (first, *_) = records_of(story)
    keys = [first, first._replace(key=None), first._replace(key=b"x" * 36)]
    assert keys_of({0: keys}) == {ACCOUNT}


def test_rows_are_mutable_and_keep_none_as_unchanged() -> None:
    """A change is made of its key alone, so that COALESCE keeps every other column."""
    change = GenerationRow("a", "b")
    values = msgspec.structs.astuple(change)
    assert values[:2] == ("a", "b")
    assert set(values[2:]) == {None}
