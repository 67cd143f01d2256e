"""What people are told of a batch: one message, when all of it has ended."""

from __future__ import annotations

import uuid
from uuid import UUID

from tests.integration.messages.yard import Yard

_ITEM = (
    "INSERT INTO read_v1.batch_items (account_id, generation_id, batch_id, index)"
    " VALUES ($1, $2, $3, $4)"
)
_SETTLED = "UPDATE read_v1.generations SET settled_at_ms = $2 WHERE generation_id = $1"


async def batch_of(yard: Yard, account: UUID, *statuses: str) -> list[UUID]:
    """Generations of one batch as the read models have them; none is settled."""
    batch, found = uuid.uuid4(), []
    for index, status in enumerate(statuses):
        found.append(await yard.generation(account, status))
        await yard.owner.execute(_ITEM, account, found[-1], batch, index)
    return found


async def test_a_batch_is_one_message(yard: Yard) -> None:
    """However many generations end, and in whatever order they are told, one message is sent."""
    account = await yard.person()
    ends = await batch_of(yard, account, "done", "rejected", "done", "failed")
    async with yard.sending():
        await yard.tell(await yard.rejected(account, ends[1], "insufficient_credits"))
        for number, (at_ms, index) in enumerate([(5, 3), (7, 0)]):
            await yard.owner.execute(_SETTLED, ends[index], at_ms)
            await yard.tell(await yard.settled(account, ends[index]))
            await yard.ended(2 + number)
        assert not yard.people[account].inbox
        await yard.owner.execute(_SETTLED, ends[2], 9)
        await yard.tell(await yard.settled(account, ends[2]))
        told = await yard.ended(4)
    assert sorted(told) == [
        ("ended", "done", "sent"),
        *[("ended", "skipped", "told-with-batch")] * 3,
    ]
    (message,) = yard.people[account].inbox
    assert "Your batch is ready: 2 pictures. " in message["text"]
    assert "2 of its prompts came to nothing" in message["text"]


async def test_a_batch_that_came_to_nothing_is_one_message_too(yard: Yard) -> None:
    """That all of it failed is said once, and that the credits are back."""
    account = await yard.person()
    ends = await batch_of(yard, account, "failed", "failed")
    for one in ends:
        await yard.owner.execute(_SETTLED, one, 5)
    async with yard.sending():
        for one in ends:
            await yard.tell(await yard.settled(account, one, "failed"))
        await yard.ended(2)
    (message,) = yard.people[account].inbox
    assert "Nothing of your batch could be made" in message["text"]
