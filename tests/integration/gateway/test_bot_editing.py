"""Photos in the bot's chats: changed by words, in one message or step by step."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import pytest
from PIL import Image

from commands.wording import say
from tests.fakes.telegram import Person
from tests.integration.gateway.bot import Bot
from tests.integration.gateway.test_bot import requests
from tests.unit.uploads import photos


def photo(side: int = 64) -> bytes:
    out = BytesIO()
    Image.new("RGB", (side, side)).save(out, "PNG")
    return out.getvalue()


async def test_a_photo_with_words(
    bot: Bot, anna: Person, capfd: pytest.CaptureFixture[str]
) -> None:
    """A photo with `/edit` and words becomes an upload and an edit of it, once, however often the
    update comes; the bot's token stands in no line that is logged.
    """
    bot.telegram.updates.delivery.copies_min = bot.telegram.updates.delivery.copies_max = 3
    try:
        anna.sends_photo(photo(), "/edit make it night")
        await bot.answered()
    finally:
        bot.telegram.updates.delivery.copies_min = bot.telegram.updates.delivery.copies_max = 1
    (event,) = await requests(bot, anna)
    account_id = await bot.account_of(anna)
    (upload_id,) = event.upload_ids
    assert (event.kind, event.photo_keys) == ("edit", (f"uploads/{account_id}/{upload_id}.png",))
    rows = await bot.fetch("SELECT state FROM uploads WHERE account_id = $1", UUID(account_id))
    assert [row["state"] for row in rows] == ["ready"]
    assert bot.telegram.token not in "".join(capfd.readouterr())


async def test_editing_step_by_step(bot: Bot, anna: Person) -> None:
    """The bot asks for what is missing, a photo or words; in reply to a photo nothing is."""
    anna.sends("/edit")
    await anna.sees(say("en", "bot-edit-ask-photo"))
    sent = anna.sends_photo(photo())
    await anna.sees(say("en", "bot-edit-ask-words"))
    anna.sends("make it night")
    await anna.sees(say("en", "bot-status-asked"))
    anna.sends("/edit make it day", reply_to=sent)
    await bot.answered()
    anna.sends_photo(photo(), "look at this")
    await bot.answered()
    assert [one.kind for one in await requests(bot, anna)] == ["edit", "edit"]
    asked = [one for one in anna.inbox if one["text"] == say("en", "bot-edit-ask-words")]
    assert len(asked) == 2


async def test_a_photo_that_is_not_taken(bot: Bot, anna: Person) -> None:
    """A photo that cannot be used, and one that Telegram does not serve, are told in words."""
    anna.sends_photo(photo(side=20), "/edit make it night")
    await anna.sees(say("en", "bot-error-photo"))
    sent = anna.sends_photo(photo())
    bot.telegram.world.files.clear()
    anna.sends("/edit make it day", reply_to=sent)
    await bot.answered()
    refusals = [one for one in anna.inbox if one["text"] == say("en", "bot-error-photo")]
    assert len(refusals) == 2
    assert await requests(bot, anna) == []


async def test_a_photo_sent_as_a_file(bot: Bot, anna: Person) -> None:
    """A photo may come as a file, of any type that is taken; another file is no photo."""
    anna.sends_file(photos.HEIC, "image/heic", "/edit make it night")
    anna.sends_file(photo(), "image/png")
    await anna.sees(say("en", "bot-edit-ask-words"))
    anna.sends("make it day")
    await bot.answered()
    assert [len(one.upload_ids) for one in await requests(bot, anna)] == [1, 1]
    anna.sends_file(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "/edit that")
    await anna.sees(say("en", "bot-error-photo"))
    anna.sends_file(b"%PDF-1.7", "application/pdf", "/edit that")
    await anna.sees(say("en", "bot-edit-ask-photo"))
    assert len(await requests(bot, anna)) == 2
