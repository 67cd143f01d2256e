"""What people are told: pictures, failures, refunds, credits that end; where and how."""

from __future__ import annotations

import uuid

import pytest

from tests.integration.messages.log import NOW_MS
from tests.integration.messages.yard import DAY_MS, Yard


async def test_the_status_message_becomes_the_picture(yard: Yard) -> None:
    """What was asked for in a chat is told there, by one message that changes, with its buttons."""
    account = await yard.person()
    generation = await yard.generation(account, "processing")
    number = await yard.status_message(account, generation)
    async with yard.sending():
        await yard.tell(yard.started(account, generation))
        await yard.ended(1)
        assert yard.people[account].chat.messages[number]["text"] == "🎨 Drawing…"
        await yard.completes(account, generation)
        await yard.tell(await yard.settled(account, generation))
        await yard.ended(2)
    (message,) = yard.people[account].inbox
    assert message["message_id"] == number
    assert message["photo"]
    assert "Done. 1 credit used" in message["caption"]
    labels = [one["text"] for row in message["reply_markup"]["inline_keyboard"] for one in row]
    assert "🔁 Again" in labels
    assert "🖼 Open in the app" in labels
    assert yard.calls() == ["editMessageText", "editMessageMedia"]
    yard.telegram.assert_clean()


async def test_more_pictures_follow_the_first(yard: Yard) -> None:
    """The status message becomes the first picture; each of the others answers it, once."""
    account = await yard.person()
    generation = await yard.generation(account, count=3)
    number = await yard.status_message(account, generation)
    settled = await yard.settled(account, generation)
    async with yard.sending():
        await yard.tell(settled)
        await yard.ended(3)
        await yard.tell(settled)
    inbox = yard.people[account].inbox
    assert "2 more pictures follow" in inbox[0]["caption"]
    assert [one["caption"] for one in inbox[1:]] == ["Picture 2 of 3", "Picture 3 of 3"]
    assert {one["reply_to_message"]["message_id"] for one in inbox[1:]} == {number}
    assert yard.calls() == ["editMessageMedia", "sendPhoto", "sendPhoto"]
    yard.telegram.assert_clean()


async def test_what_was_asked_for_in_the_app_is_one_notice(yard: Yard) -> None:
    """Without a status message there is one new message, unless notifications are off."""
    account, quiet = await yard.person(), await yard.person()
    await yard.prefers(quiet, '{"notifications": false}')
    async with yard.sending():
        for one in (account, quiet):
            await yard.tell(await yard.settled(one, await yard.generation(one, count=2)))
        ended = await yard.ended(2)
    assert sorted(ended) == [("ended", "done", "sent"), ("ended", "skipped", "not-wanted")]
    (message,) = yard.people[account].inbox
    assert "Your 2 pictures are ready" in message["caption"]
    assert not yard.people[quiet].inbox


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("provider_refused", "refused this prompt"),
        ("timed_out", "took too long"),
        ("something_new", "could not be made"),
    ],
)
async def test_a_failure_says_what_to_do(yard: Yard, error: str, words: str) -> None:
    """A generation that came to nothing says why, that it cost nothing, and offers another try."""
    account = await yard.person()
    generation = await yard.generation(account, "failed", error=error)
    await yard.status_message(account, generation)
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation, "failed"))
        await yard.ended(1)
    (message,) = yard.people[account].inbox
    assert words in message["text"]
    assert "Your credits are back" in message["text"]
    assert message["reply_markup"]["inline_keyboard"][0][0]["text"] == "🔁 Again"


async def test_a_rejection_is_told_where_it_was_asked(yard: Yard) -> None:
    """What was not admitted changes the status message; in the app it was said already."""
    account = await yard.person()
    asked, app = (
        await yard.generation(account, "rejected"),
        await yard.generation(account, "rejected"),
    )
    await yard.status_message(account, asked)
    async with yard.sending():
        for one in (asked, app):
            await yard.tell(
                await yard.rejected(account, one, "insufficient_credits", credits_needed=4)
            )
        ended = await yard.ended(2)
    assert sorted(ended) == [("ended", "done", "edited"), ("ended", "skipped", "not-wanted")]
    (message,) = yard.people[account].inbox
    assert "This costs 4 credits and you have 0" in message["text"]
    assert "/buy" in message["text"]


async def test_cancelled_is_said(yard: Yard) -> None:
    """A cancelled generation's status message says so."""
    account = await yard.person()
    generation = await yard.generation(account, "cancelled")
    await yard.status_message(account, generation)
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation, "cancelled"))
        await yard.ended(1)
    assert "Cancelled" in yard.people[account].inbox[0]["text"]


async def test_a_refund_is_told_with_its_debt(yard: Yard) -> None:
    """Credits that left with a payment are told in the person's language; a carried debt is not."""
    account = await yard.person(language="ru")
    async with yard.sending():
        await yard.tell(
            await yard.revoked(account, debt_added=3), await yard.revoked(account, "carried_debt")
        )
        assert await yard.ended(1) == [("refunded", "done", "sent")]
    (message,) = yard.people[account].inbox
    assert "снято 10 кредитов" in message["text"]
    assert "3 из них уже потрачены" in message["text"]


async def test_the_end_of_an_appeal_is_told_once(yard: Yard) -> None:
    """However often the log tells it, the person is written to once."""
    account, generation = await yard.person(language="ru"), uuid.uuid4()
    async with yard.sending():
        await yard.tell(*[yard.overturned(account, generation) for _ in range(2)])
        assert await yard.ended(1) == [("appeal", "done", "sent")]
    (message,) = yard.people[account].inbox
    assert "Вы были правы" in message["text"]


async def test_credits_that_end_soon_are_told_once(yard: Yard) -> None:
    """Of the credits that end on one day a person is told once, however often it is looked for."""
    account, later, used = [await yard.person() for _ in range(3)]
    await yard.grant(account, 5, NOW_MS + DAY_MS)
    await yard.grant(account, 2, NOW_MS + DAY_MS + 1000)
    await yard.grant(later, 5, NOW_MS + 4 * DAY_MS)
    await yard.grant(used, 5, NOW_MS + DAY_MS)
    await yard.parts.expiries.look()
    await yard.owner.execute("UPDATE read_v1.grants SET available = 0 WHERE account_id = $1", used)
    async with yard.sending() as parts:
        ended = await yard.ended(2)
        await parts.expiries.look()
        await yard.parts.expiries.look()
    assert sorted(ended) == [
        ("expiring", "done", "sent"),
        ("expiring", "skipped", "nothing-left"),
    ]
    assert len(await yard.planned()) == 2
    (message,) = yard.people[account].inbox
    assert "7 of your credits end on Jan 2, 2026" in message["text"]


async def test_in_a_group_no_button_opens_the_app(yard: Yard) -> None:
    """What was asked for in a group is told there, without what groups do not take."""
    account = await yard.person()
    group = yard.telegram.group()
    generation = await yard.generation(account)
    number = await yard.status_message(account, generation, chat_id=group.id)
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation))
        assert await yard.ended(1) == [("ended", "done", "edited")]
    assert group.messages[number]["photo"]
    assert "web_app" not in str(group.messages[number]["reply_markup"])
    yard.telegram.assert_clean()


async def test_a_status_message_that_is_gone(yard: Yard) -> None:
    """A person who deleted the status message gets the picture as a new one."""
    account = await yard.person()
    generation = await yard.generation(account)
    number = await yard.status_message(account, generation)
    del yard.people[account].chat.messages[number]
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation))
        assert await yard.ended(1) == [("ended", "done", "sent")]
    (message,) = yard.people[account].inbox
    assert message["photo"]


async def test_a_picture_that_telegram_does_not_take(yard: Yard) -> None:
    """Where the picture is refused the person is told without it."""
    account = await yard.person()
    generation = await yard.generation(account)
    await yard.status_message(account, generation)
    key = f"generations/{account}/{generation}/0.png"
    await yard.objects.delete(key)
    await yard.objects.put_if_absent(key, b"no picture", "image/png")
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation))
        assert await yard.ended(1) == [("ended", "done", "edited")]
    (message,) = yard.people[account].inbox
    assert "it is in the app" in message["text"]


async def test_what_was_deleted_is_not_shown(yard: Yard) -> None:
    """A generation in the bin, or all of its pictures, is not sent to a chat."""
    account = await yard.person()
    generation = await yard.generation(account)
    await yard.owner.execute("UPDATE read_v1.generations SET deleted_at_ms = 1")
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation))
        assert await yard.ended(1) == [("ended", "skipped", "deleted")]


async def test_who_is_not_in_telegram_is_told_nothing(yard: Yard) -> None:
    """An account that signs in another way has no chat."""
    account = await yard.person()
    await yard.owner.execute(
        "UPDATE identity_links SET provider = 'oidc' WHERE account_id = $1", account
    )
    async with yard.sending():
        await yard.tell(await yard.settled(account, await yard.generation(account)))
        assert await yard.ended(1) == [("ended", "skipped", "not-in-telegram")]


async def test_a_start_that_is_told_late_changes_nothing(yard: Yard) -> None:
    """A picture never turns back into "Drawing…"."""
    account = await yard.person()
    generation = await yard.generation(account)
    await yard.status_message(account, generation)
    async with yard.sending():
        await yard.tell(await yard.settled(account, generation))
        await yard.ended(1)
        await yard.tell(yard.started(account, generation))
        assert sorted(await yard.ended(2)) == [
            ("ended", "done", "edited"),
            ("started", "skipped", "overtaken"),
        ]
    (message,) = yard.people[account].inbox
    assert message["photo"]


async def test_starts_outside_of_chats_are_no_messages(yard: Yard) -> None:
    """Where there is no status message nothing is put down for a start."""
    account = await yard.person()
    generation = await yard.generation(account, "processing")
    await yard.tell(yard.started(account, generation), yard.started(account, uuid.uuid4()))
    assert not await yard.planned()
