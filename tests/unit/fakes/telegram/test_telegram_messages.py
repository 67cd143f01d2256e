"""Messages and photos that the double of the Telegram Bot API refuses."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from tests.fakes.telegram.plain import Api, picture


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "<b>x", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "1 < 2", "parse_mode": "HTML"}, "can't parse entities"),
        ({"text": "<h1>x</h1>", "parse_mode": "HTML"}, "Unsupported start tag"),
        ({"text": "x", "parse_mode": "rtf"}, "unsupported parse_mode"),
        ({"reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"reply_markup": "{"}, "can't parse reply keyboard markup JSON object"),
        ({"reply_markup": {"inline_keyboard": [{}]}}, "must be an Array of Arrays"),
    ],
)
async def test_a_text_that_is_refused(api: Api, wrong: dict[str, Any], words: str) -> None:
    """Texts have 1 to 4096 characters that can be parsed."""
    anna = api.telegram.person()
    anna.starts()
    assert words in await api.refused("sendMessage", **{"chat_id": anna.id, "text": "x", **wrong})


async def test_the_longest_text_is_taken_without_its_tags(api: Api) -> None:
    """4096 characters count after the entities are parsed."""
    anna = api.telegram.person()
    anna.starts()
    text = f"<b>{'x' * 4095}</b>&amp;"
    await api.ok("sendMessage", chat_id=anna.id, text=text, parse_mode="HTML")
    assert anna.inbox[0]["text"] == "x" * 4095 + "&"


async def test_edits_that_are_refused(api: Api) -> None:
    """Unknown, unchanged, somebody else's, and of another kind."""
    anna = api.telegram.person()
    hers = anna.starts()
    sent = await api.ok("sendMessage", chat_id=anna.id, text="one")
    at = {"chat_id": anna.id, "message_id": sent["message_id"]}
    lost = {"chat_id": anna.id, "message_id": 9999, "text": "x"}
    own = {"chat_id": anna.id, "message_id": hers["message_id"], "text": "x"}
    assert "message to edit not found" in await api.refused("editMessageText", **lost)
    assert "message can't be edited" in await api.refused("editMessageText", **own)
    assert "message is not modified" in await api.refused("editMessageText", **at, text="one")
    assert "message is not modified" in await api.refused("editMessageReplyMarkup", **at)
    assert "no caption" in await api.refused("editMessageCaption", **at, caption="x")
    assert "too long" in await api.refused("editMessageText", **at, text="x" * 4097)
    await api.ok("editMessageText", **at, text="two")
    rows = {"inline_keyboard": [[{"text": "Again", "callback_data": "again"}]]}
    await api.ok("editMessageReplyMarkup", **at, reply_markup=rows)
    assert anna.inbox[0]["text"] == "two"
    await api.ok("editMessageText", **at, text="three")
    assert "reply_markup" not in anna.inbox[0]


async def test_a_text_becomes_a_picture(api: Api) -> None:
    """EditMessageMedia takes an upload, and the same file id again is no change."""
    anna = api.telegram.person()
    anna.starts()
    sent = await api.ok("sendMessage", chat_id=anna.id, text="…")
    at = {"chat_id": str(anna.id), "message_id": str(sent["message_id"])}
    form = aiohttp.FormData(at)
    form.add_field("media", json.dumps({"type": "photo", "media": "attach://a", "caption": "c"}))
    form.add_field("a", picture(), filename="a.png")
    url = f"{api.telegram.base_url}/bot{api.telegram.token}/editMessageMedia"
    async with api.session.post(url, data=form) as answer:
        photo = (await answer.json())["result"]["photo"]
    assert (await anna.sees("c"))["photo"] == photo
    assert "no text in the message" in await api.refused("editMessageText", **at, text="x")
    await api.ok("editMessageCaption", **at, caption="d")
    media = {"type": "photo", "media": photo[-1]["file_id"], "caption": "d"}
    assert "not modified" in await api.refused("editMessageMedia", **at, media=media)


async def test_deleting(api: Api) -> None:
    """A message can be deleted once, and not after 48 hours."""
    anna = api.telegram.person()
    anna.starts()
    sent = [await api.ok("sendMessage", chat_id=anna.id, text=text) for text in ("one", "two")]
    ids = [one["message_id"] for one in sent]
    assert await api.ok("deleteMessage", chat_id=anna.id, message_id=ids[0]) is True
    words = await api.refused("deleteMessage", chat_id=anna.id, message_id=ids[0])
    assert words == "Bad Request: message to delete not found"
    api.telegram.clock.forward(49 * 3600)
    words = await api.refused("deleteMessage", chat_id=anna.id, message_id=ids[1])
    assert words == "Bad Request: message can't be deleted for everyone"


async def upload(api: Api, chat_id: int, data: bytes, **fields: str) -> dict[str, Any]:
    form = aiohttp.FormData({"chat_id": str(chat_id), **fields})
    form.add_field("photo", BytesIO(data), filename="a.png")
    url = f"{api.telegram.base_url}/bot{api.telegram.token}/sendPhoto"
    async with api.session.post(url, data=form) as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def test_photos_are_uploaded_sent_again_and_fetched(api: Api) -> None:
    """A file id sends the same photo again; its link works for an hour, with the token only."""
    anna = api.telegram.person()
    anna.starts()
    data = picture()
    sent = (await upload(api, anna.id, data, caption="hi"))["result"]
    file_id = sent["photo"][-1]["file_id"]
    again = await api.ok("sendPhoto", chat_id=anna.id, photo=file_id)
    assert again["photo"] == sent["photo"]
    path = (await api.ok("getFile", file_id=file_id))["file_path"]
    link = f"{api.telegram.base_url}/file/bot{api.telegram.token}/{path}"
    async with api.session.get(link) as answer:
        assert await answer.read() == data
    async with api.session.get(link.replace(api.telegram.token, "1:x")) as answer:
        assert answer.status == 401
    api.telegram.clock.forward(3601)
    async with api.session.get(link) as answer:
        assert answer.status == 404
    assert await api.refused("getFile", file_id="nope") == "Bad Request: invalid file_id"


async def test_photos_that_are_refused(api: Api) -> None:
    """No image, one too long, a caption of 1025, an unknown file id, none at all."""
    anna = api.telegram.person()
    anna.starts()
    send = {"chat_id": anna.id}
    assert "IMAGE_PROCESS_FAILED" in (await upload(api, anna.id, b"text"))["description"]
    assert "PHOTO_INVALID_DIM" in (await upload(api, anna.id, picture(1, 21)))["description"]
    long = await upload(api, anna.id, picture(), caption="x" * 1025)
    assert long["description"] == "Bad Request: message caption is too long"
    large = await upload(api, anna.id, picture() + b"x" * (10 * 1024 * 1024))
    assert large["description"] == "Bad Request: file is too big"
    assert "wrong remote file" in await api.refused("sendPhoto", **send, photo="nope")
    assert "no photo in the request" in await api.refused("sendPhoto", **send)


async def test_what_was_answered_stays_as_it_was(api: Api) -> None:
    """An edit changes the message, not the record of the call that sent it."""
    anna = api.telegram.person()
    anna.starts()
    reply = {"force_reply": True}
    sent = await api.ok("sendMessage", chat_id=anna.id, text="one", reply_markup=reply)
    at = {"chat_id": anna.id, "message_id": sent["message_id"]}
    assert "message is not modified" in await api.refused("editMessageText", **at, text="one")
    await api.ok("editMessageText", **at, text="two")
    (call,) = api.telegram.calls_of("sendMessage")
    assert (call.result["text"], anna.inbox[0]["text"]) == ("one", "two")
