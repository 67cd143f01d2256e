"""As fast as Telegram allows and no faster, and who blocked the bot is left alone."""

from __future__ import annotations

import uuid
from uuid import UUID

from events import codec
from events.telegram import TelegramChatChanged
from processors.messages.outbox import CLOSED_SECONDS_MAX, Outbox
from tests.integration.messages.yard import Yard


async def refunds(yard: Yard, account: UUID, count: int) -> None:
    """So many messages are due to one person."""
    for _ in range(count):
        await yard.tell(await yard.revoked(account))


def refused(yard: Yard, code: int) -> int:
    return sum(one.code == code for one in yard.telegram.calls)


async def test_one_a_second_to_one_person(yard: Yard) -> None:
    """Several messages to one person keep Telegram's pace, whoever sends them."""
    account = await yard.person()
    await refunds(yard, account, 3)
    async with yard.sending(), yard.sending():
        await yard.ended(3)
    assert len(yard.people[account].inbox) == 3
    assert refused(yard, 429) == 0
    yard.telegram.assert_clean()


async def test_all_processes_share_one_pace(yard: Yard) -> None:
    """Two processes together send no more a second than one may."""
    yard.telegram.rules.per_second = 20.0
    for _ in range(40):
        await refunds(yard, await yard.person(), 1)
    pace = {"messages_per_second": 12.0}
    async with yard.sending(**pace), yard.sending(**pace):
        await yard.ended(40)
    assert yard.calls() == ["sendMessage"] * 40
    assert refused(yard, 429) == 0
    yard.telegram.assert_clean()


async def test_a_pause_that_telegram_asks_for_is_kept(yard: Yard) -> None:
    """After a 429 nothing is sent until its `retry_after` has passed, and nothing is lost."""
    yard.telegram.rules.per_second = 2.0
    people = [await yard.person() for _ in range(5)]
    for account in people:
        await refunds(yard, account, 1)
    async with yard.sending(messages_sends=1):
        await yard.ended(5)
    assert refused(yard, 429) > 0
    assert [len(yard.people[one].inbox) for one in people] == [1] * 5
    yard.telegram.assert_clean()


async def test_one_persons_long_pause_is_not_everybodys(yard: Yard) -> None:
    """Who makes the bot busy in a chat does not keep the others' messages; two such chats do."""
    outbox = Outbox(yard.pool, seconds_per_call=0.01)
    people = [await yard.person() for _ in range(3)]
    for account in people:
        await refunds(yard, account, 1)
    await outbox.claim(10, 60)
    left = "SELECT extract(epoch FROM closed_until - now()) FROM bot_pace"
    await outbox.close(people[0], 600.0)
    assert 0 < await yard.owner.fetchval(left) <= CLOSED_SECONDS_MAX
    await outbox.close(people[0], 600.0)
    assert await yard.owner.fetchval(left) <= CLOSED_SECONDS_MAX
    await outbox.close(people[1], 600.0)
    assert await yard.owner.fetchval(left) > CLOSED_SECONDS_MAX
    await yard.make_due()
    await yard.owner.execute("UPDATE bot_pace SET closed_until = now() + interval '1 hour'")
    assert not await outbox.claim(10, 60)


async def test_who_blocked_the_bot_is_left_alone(yard: Yard) -> None:
    """A 403 goes into the log, and what waits for that person is not sent."""
    account = await yard.person()
    yard.people[account].chat.is_blocked = True
    await refunds(yard, account, 3)
    async with yard.sending():
        ended = await yard.ended(3)
    assert ended == [("refunded", "skipped", "blocked")] * 3
    assert refused(yard, 403) == 1
    ((_, outgoing),) = yard.producer.dead
    event = codec.decode(outgoing.value)
    assert isinstance(event, TelegramChatChanged)
    assert (event.account_id, event.reachable) == (str(account), False)


async def test_an_unreachable_person_costs_no_call(yard: Yard) -> None:
    """Once the read models know, nothing is even tried."""
    account = await yard.person()
    await yard.owner.execute(
        "INSERT INTO read_v1.telegram_chats (account_id, reachable, changed_at_ms, update_id)"
        " VALUES ($1, false, 1, 0)",
        account,
    )
    await refunds(yard, account, 1)
    async with yard.sending():
        assert await yard.ended(1) == [("refunded", "skipped", "blocked")]
    assert not yard.telegram.calls


async def test_who_never_began_a_chat_is_passed_over(yard: Yard) -> None:
    """That is not kept: Telegram would not tell when it changes."""
    account = await yard.person(starts=False)
    await refunds(yard, account, 1)
    async with yard.sending():
        assert await yard.ended(1) == [("refunded", "skipped", "closed")]
    assert not yard.producer.dead


async def test_a_wrong_token_loses_nothing(yard: Yard) -> None:
    """While Telegram does not know the bot, messages wait."""
    account = await yard.person()
    await refunds(yard, account, 1)
    right, yard.telegram.token = yard.telegram.token, f"1:{uuid.uuid4().hex}"
    async with yard.sending():
        await yard.tried("bot-refused")
        yard.telegram.token = right
        await yard.make_due()
        assert await yard.ended(1) == [("refunded", "done", "sent")]
