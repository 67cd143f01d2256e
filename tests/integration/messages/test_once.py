"""Each once: claimed like paid calls, whatever is lost, repeated, killed or read again."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from processors.messages.outbox import Outbox
from processors.outward.planning import Told
from runtime.telegram.errors import TelegramUnreachable
from tests.integration.messages.log import NOW_MS
from tests.integration.messages.yard import DAY_MS, Yard


async def notice(yard: Yard) -> UUID:
    """Somebody whose refund is to be told by a new message."""
    account = await yard.person()
    await yard.tell(await yard.revoked(account))
    return account


async def edit(yard: Yard) -> UUID:
    """Somebody whose status message is to become a picture."""
    account = await yard.person()
    generation = await yard.generation(account)
    await yard.status_message(account, generation)
    await yard.tell(await yard.settled(account, generation))
    return account


async def test_what_is_met_again_is_put_down_once(yard: Yard) -> None:
    """Threat 40, and a log replayed from the beginning: also by others, and all at once."""
    account = await yard.person()
    deliveries = [await yard.revoked(account) for _ in range(5)]
    parts = [yard.wired() for _ in range(4)]
    await asyncio.gather(
        *(yard.tell(delivery, parts=one) for delivery in deliveries for one in parts)
    )
    await yard.tell(*deliveries)
    assert len(await yard.planned()) == 5


async def test_a_void_decision_is_not_told(yard: Yard) -> None:
    """What another decider decided and does not count is nobody's news."""
    account = await yard.person()
    void = await yard.revoked(account, counts=False)
    assert yard.parts.planner.wants(Told(void))
    await yard.tell(void)
    assert not await yard.planned()


async def test_what_is_too_old_is_not_told(yard: Yard) -> None:
    """Beyond the age at which its row may be gone, and before the database was, nothing is told."""
    account = await yard.person()
    old = await yard.revoked(account, appended_at_ms=NOW_MS - 2 * DAY_MS)
    young = await yard.revoked(account, appended_at_ms=NOW_MS - 1000)
    await yard.tell(old)
    await yard.tell(old, young, parts=yard.wired(from_ms=NOW_MS - 999))
    assert not await yard.planned()
    await yard.tell(young)
    assert len(await yard.planned()) == 1


async def test_a_new_database_tells_only_what_comes(yard: Yard) -> None:
    """When its database was made is known by the log's clock, and a process cannot change it."""
    began = await Outbox(yard.pool, seconds_per_call=1).began_ms()
    now = await yard.owner.fetchval("SELECT extract(epoch FROM now()) * 1000")
    assert 0 < now - began < DAY_MS


async def test_several_senders_send_once(yard: Yard) -> None:
    """However many processes send, each message is sent by one."""
    yard.telegram.rules.per_second = None
    people = [await notice(yard) for _ in range(12)]
    async with yard.sending(), yard.sending(), yard.sending():
        await yard.ended(12)
    assert [len(yard.people[one].inbox) for one in people] == [1] * 12
    assert yard.calls() == ["sendMessage"] * 12


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "malformed"])
async def test_a_message_without_an_answer_is_not_sent_again(yard: Yard, fault: str) -> None:
    """Nobody knows whether it was sent: a second one could be one too many."""
    account = await notice(yard)
    yard.telegram.faults["sendMessage"] = [fault]
    async with yard.sending():
        assert await yard.ended(1) == [("refunded", "uncertain", "no-answer")]
    assert len(yard.people[account].inbox) == (1 if fault in {"lost", "malformed"} else 0)


@pytest.mark.parametrize("fault", ["lost", "drop", "500", "malformed"])
async def test_an_edit_without_an_answer_is_made_again(yard: Yard, fault: str) -> None:
    """An edit may be repeated, and is, until Telegram says that it is so."""
    account = await edit(yard)
    yard.telegram.faults["editMessageMedia"] = [fault]
    async with yard.sending():
        await yard.tried("telegram-unreachable")
        await yard.make_due()
        assert await yard.ended(1) == [("ended", "done", "edited")]
    (message,) = yard.people[account].inbox
    assert message["photo"]


class Unconnected:
    """A bot that reaches nobody, until it does."""

    def __init__(self, bot: Any, failures: int) -> None:
        self._bot = bot
        self._failures = failures

    async def call(self, method: Any, **rest: Any) -> Any:
        if self._failures:
            self._failures -= 1
            raise TelegramUnreachable("no connection", may_be_done=False)
        return await self._bot.call(method, **rest)


async def test_a_message_that_surely_was_not_sent_is_sent_later(yard: Yard) -> None:
    """Where no connection came about, the message is sent when there is one."""
    account = await notice(yard)
    async with yard.sending(bot=Unconnected(yard.bot, 2)):
        for _ in range(2):
            await yard.tried("telegram-unreachable")
            await yard.make_due()
        assert await yard.ended(1) == [("refunded", "done", "sent")]
    assert len(yard.people[account].inbox) == 1


async def test_a_killed_process_leaves_a_message_in_doubt(yard: Yard) -> None:
    """A message that a lost process had begun is not sent by the next; one not begun is."""
    begun, claimed = await notice(yard), await notice(yard)
    outbox = Outbox(yard.pool, seconds_per_call=0.01)
    claims = {one.account_id: one for one in await outbox.claim(10, 60)}
    assert await outbox.begin(claims[begun], once=True)
    assert not await outbox.claim(10, 60)
    await yard.make_due()
    async with yard.sending():
        ended = await yard.ended(2)
    assert sorted(ended) == [("refunded", "done", "sent"), ("refunded", "uncertain", "unknown")]
    assert not yard.people[begun].inbox
    assert len(yard.people[claimed].inbox) == 1
    # The lost one wakes up: it may not call any more, and changes nothing.
    assert not await outbox.begin(claims[claimed], once=True)
    await outbox.finish(claims[claimed], "failed", "late")
    assert {row["state"] for row in await yard.planned()} == {"done", "uncertain"}


async def test_an_edit_of_a_killed_process_is_made_by_the_next(yard: Yard) -> None:
    """An edit that was begun is repeated: the status message becomes its picture."""
    account = await edit(yard)
    outbox = Outbox(yard.pool, seconds_per_call=0.01)
    (claim,) = await outbox.claim(10, 60)
    assert await outbox.begin(claim, once=False)
    await yard.make_due()
    async with yard.sending():
        assert await yard.ended(1) == [("ended", "done", "edited")]
    assert yard.people[account].inbox[0]["photo"]


async def test_an_erased_account_leaves_nothing(yard: Yard) -> None:
    """With the key go its messages and its pace, and nothing is put down any more."""
    account = await notice(yard)
    delivery = await yard.revoked(account)
    await Outbox(yard.pool, seconds_per_call=1).claim(10, 60)
    await yard.owner.execute("DELETE FROM identities WHERE account_id = $1", account)
    for table in ("bot_messages", "bot_chat_pace"):
        assert not await yard.owner.fetchval(f"SELECT count(*) FROM {table}")
    await yard.tell(delivery)
    assert not await yard.planned()


async def test_poison_is_passed_over(yard: Yard) -> None:
    """Threat 37: what cannot be read is told to nobody, and holds nobody up."""
    account = await yard.person()
    good = await yard.revoked(account)
    for change in ({"value": b"{"}, {"value": None}, {"key": b"somebody else"}, {"headers": ()}):
        await yard.tell(msgspec.structs.replace(good, **change))
    assert not await yard.planned()
    assert not yard.producer.dead
    await yard.tell(good)
    assert len(await yard.planned()) == 1


async def test_what_is_old_is_forgotten(yard: Yard) -> None:
    """Rows go after a while; by then what they told of is too old to be told again."""
    account = await notice(yard)
    outbox = Outbox(yard.pool, seconds_per_call=1)
    await outbox.prune(30 * 86_400.0)
    assert len(await yard.planned()) == 1
    await yard.owner.execute(
        "UPDATE bot_messages SET created_at = now() - interval '31 d' WHERE account_id = $1",
        account,
    )
    await outbox.prune(30 * 86_400.0)
    assert not await yard.planned()
