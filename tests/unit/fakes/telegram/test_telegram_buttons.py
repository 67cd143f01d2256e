"""Buttons under messages, and the seconds that a press may wait for its answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.telegram.plain import Api
from tests.fakes.telegram.state import Query

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "x"}, "Text buttons are unallowed"),
        ({"callback_data": "x"}, "must be non-empty"),
        ({"text": "x", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "url": "javascript:alert(1)"}, "BUTTON_URL_INVALID"),
        ({"text": "x", "url": "http://nowhere"}, "BUTTON_URL_INVALID"),
        ({"text": "x", "web_app": {"url": "http://app.example"}}, "Only HTTPS links"),
        ({"text": "x", "pay": True}, "BUTTON_TYPE_INVALID"),
    ],
)
async def test_a_button_that_is_refused(api: Api, button: dict[str, Any], words: str) -> None:
    """Each kind of button has its bounds: 64 bytes of data, HTTP links, HTTPS apps."""
    anna = api.telegram.person()
    anna.starts()
    rows = {"inline_keyboard": [[button]]}
    assert words in await api.refused("sendMessage", chat_id=anna.id, text="x", reply_markup=rows)


async def test_an_app_button_is_for_private_chats(api: Api) -> None:
    """`web_app` buttons are refused in groups."""
    rows = {"inline_keyboard": [[{"text": "x", "web_app": {"url": "https://app.example"}}]]}
    send = {"text": "x", "reply_markup": rows}
    group, anna = api.telegram.group(), api.telegram.person()
    anna.starts()
    assert "BUTTON_TYPE" in await api.refused("sendMessage", chat_id=group.id, **send)
    await api.ok("sendMessage", chat_id=anna.id, **send)
    assert anna.presses("x") == "https://app.example"


async def test_a_callback_query_has_seconds(api: Api) -> None:
    """An unknown one and one that waited for 16 seconds cannot be answered."""
    anna = api.telegram.person()
    anna.starts()
    rows = {"inline_keyboard": [[{"text": "Again", "callback_data": "again:1"}]]}
    await api.ok("sendMessage", chat_id=anna.id, text="x", reply_markup=rows)
    query = anna.presses("Again")
    assert isinstance(query, Query)
    update = (await api.ok("getUpdates"))[-1]["callback_query"]
    assert (update["id"], update["data"]) == (query.id, "again:1")
    long = {"callback_query_id": query.id, "text": "x" * 201}
    assert "MESSAGE_TOO_LONG" in await api.refused("answerCallbackQuery", **long)
    await api.ok("answerCallbackQuery", callback_query_id=query.id, text="done")
    assert query.answer == {"text": "done", "show_alert": False}
    assert await api.refused("answerCallbackQuery", callback_query_id="1") == TOO_OLD
    late = anna.presses("again:1")
    assert isinstance(late, Query)
    api.telegram.clock.forward(16)
    assert await api.refused("answerCallbackQuery", callback_query_id=late.id) == TOO_OLD
    api.telegram.assert_clean()
