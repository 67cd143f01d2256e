"""What people are told: pictures, failures, refunds, credits that end; where and in which words."""

from __future__ import annotations

from tests.integration.messages.yard import Yard


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
