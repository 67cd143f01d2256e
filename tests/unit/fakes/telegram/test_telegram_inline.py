"""Inline mode, prepared messages, and how the bot introduces itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.telegram.plain import Api

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_commands_and_descriptions(api: Api) -> None:
    """What was set is read back by language; what is out of bounds is refused."""
    commands = [{"command": "start", "description": "Begin"}]
    await api.ok("setMyCommands", commands=commands)
    await api.ok("setMyCommands", commands=[], language_code="ru")
    assert await api.ok("getMyCommands") == commands
    assert await api.ok("getMyCommands", language_code="ru") == []
    for wrong, words in (
        ([{"command": "Start!", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "start", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        (commands * 101, "BOT_COMMANDS_TOO_MUCH"),
    ):
        assert words in await api.refused("setMyCommands", commands=wrong)
    await api.ok("setMyDescription", description="d" * 512)
    assert "TOO_LONG" in await api.refused("setMyDescription", description="d" * 513)
    await api.ok("setMyShortDescription", short_description="d" * 120)
    assert "TOO_LONG" in await api.refused("setMyShortDescription", short_description="d" * 121)
    german = {"language_code": "de"}
    assert await api.ok("getMyShortDescription", **german) == {"short_description": "d" * 120}


async def test_the_menu_button(api: Api) -> None:
    """A Web App needs a text and HTTPS."""
    app = {"type": "web_app", "text": "Open", "web_app": {"url": "https://app.example"}}
    await api.ok("setChatMenuButton", menu_button=app)
    assert await api.ok("getChatMenuButton") == app
    plain = {**app, "web_app": {"url": "http://app.example"}}
    assert "Only HTTPS" in await api.refused("setChatMenuButton", menu_button=plain)
    odd = {"type": "burger"}
    assert "unsupported type" in await api.refused("setChatMenuButton", menu_button=odd)


def result(at: int = 1, **fields: Any) -> dict[str, Any]:
    urls = {"photo_url": "https://x.example/1.jpg", "thumbnail_url": "https://x.example/1t.jpg"}
    return {"type": "photo", "id": str(at), **urls, **fields}


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ([result(at) for at in range(51)], "RESULTS_TOO_MUCH"),
        ([result(), result()], "RESULT_ID_DUPLICATE"),
        ([result(id="x" * 65)], "RESULT_ID_INVALID"),
        ([result(photo_url="")], "PHOTO_INVALID"),
        ([result(photo_file_id="nope")], "wrong file identifier"),
        ([result(caption="x" * 1025)], "caption is too long"),
        ([result(type="hologram")], "Unallowed type"),
        ([{"type": "article", "id": "1"}], "Can't find field"),
    ],
)
async def test_inline_results_that_are_refused(
    api: Api, results: list[dict[str, Any]], words: str
) -> None:
    """At most 50, each with an id of its own, and complete."""
    query = api.telegram.person().asks_inline("cats")
    answer = {"inline_query_id": query.id, "results": results}
    assert words in await api.refused("answerInlineQuery", **answer)
    assert query.answer is None


async def test_an_inline_query_is_answered(api: Api) -> None:
    """The person gets the results; an unknown query gets none."""
    query = api.telegram.person().asks_inline("cats")
    shown = {"results": [result()], "next_offset": "50", "is_personal": True}
    await api.ok("answerInlineQuery", inline_query_id=query.id, **shown)
    assert query.answer == shown
    assert await api.refused("answerInlineQuery", inline_query_id="1", results=[]) == TOO_OLD
    far = {"inline_query_id": query.id, "results": [], "next_offset": "x" * 65}
    assert "NEXT_OFFSET_INVALID" in await api.refused("answerInlineQuery", **far)


async def test_a_prepared_message_is_for_one_person_and_some_minutes(api: Api) -> None:
    """Nobody else can share it, and it expires on its date."""
    anna, boris = api.telegram.person(), api.telegram.person("Boris")
    ask = {"user_id": anna.id, "result": result(), "allow_user_chats": True}
    method = "savePreparedInlineMessage"
    prepared = await api.ok(method, **ask)
    assert anna.shares(prepared["id"]) == result()
    with pytest.raises(KeyError):
        boris.shares(prepared["id"])
    api.telegram.clock.forward(prepared["expiration_date"] - api.telegram.clock.now() + 1)
    with pytest.raises(KeyError):
        anna.shares(prepared["id"])
    assert "user not found" in await api.refused(method, **{**ask, "user_id": 1})
    assert "chat type" in await api.refused(method, **{**ask, "allow_user_chats": False})
    assert "must be an object" in await api.refused(method, user_id=anna.id)
