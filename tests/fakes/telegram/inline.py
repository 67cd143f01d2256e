"""Answers to buttons and inline queries, and messages prepared for a Mini App to share."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram import text
from tests.fakes.telegram.arguments import Arguments, bad
from tests.fakes.telegram.state import World

RESULTS_MAX = 50
"""answerInlineQuery: "No more than 50 results per query are allowed"."""
ID_BYTES_MAX = 64
OFFSET_BYTES_MAX = 64
ALERT_MAX = 200
"""answerCallbackQuery.text: "0-200 characters"."""
PREPARED_SECONDS = 600
"""How long a prepared message can be used; PreparedInlineMessage names a date, not a duration."""
_REQUIRED = {
    "article": ("title", "input_message_content"),
    "photo": (),
}


class Inline:
    """The methods; each takes the call and returns the `result`."""

    def __init__(self, world: World) -> None:
        self._world = world

    def answer_callback_query(self, call: Arguments) -> bool:
        query = self._world.waiting(
            call.text("callback_query_id"), self._world.rules.callback_seconds, once=False
        )
        if query.answer is not None:
            self._world.findings.append("a callback query was answered twice")
        if len(call.text("text")) > ALERT_MAX:
            raise bad("MESSAGE_TOO_LONG")
        query.answer = {"text": call.text("text"), "show_alert": call.flag("show_alert")}
        return True

    def answer_inline_query(self, call: Arguments) -> bool:
        query = self._world.waiting(
            call.text("inline_query_id"), self._world.rules.callback_seconds, once=False
        )
        results = call.structure("results", list, "inline query results")
        if results is None:
            raise bad("can't parse JSON encoded inline query results")
        if len(results) > RESULTS_MAX:
            raise bad("RESULTS_TOO_MUCH")
        if len(call.text("next_offset").encode()) > OFFSET_BYTES_MAX:
            raise bad("NEXT_OFFSET_INVALID")
        for one in results:
            self._result(one)
        if len({one["id"] for one in results}) < len(results):
            raise bad("RESULT_ID_DUPLICATE")
        query.answer = {
            "results": results,
            "next_offset": call.text("next_offset"),
            "is_personal": call.flag("is_personal"),
        }
        return True

    def save_prepared_inline_message(self, call: Arguments) -> dict[str, Any]:
        user_id = call.number("user_id")
        if user_id not in self._world.people:
            raise bad("user not found")
        result = call.structure("result", dict, "inline query result")
        self._result(result)
        kinds = ("user", "bot", "group", "channel")
        chats = [kind for kind in kinds if call.flag(f"allow_{kind}_chats")]
        if not chats:
            # Found in practice: the reference calls each of the four optional.
            raise bad("at least one chat type must be allowed")
        name = secrets.token_urlsafe(12)
        until = self._world.now() + PREPARED_SECONDS
        self._world.prepared[name] = {
            "user_id": user_id,
            "result": result,
            "chats": chats,
            "until": until,
        }
        return {"id": name, "expiration_date": until}

    def _result(self, result: Any) -> None:
        """An InlineQueryResult of a kind that the project uses."""
        if not isinstance(result, dict):
            raise bad("can't parse inline query result: Inline query result must be an object")
        if not 1 <= len(str(result.get("id", "")).encode()) <= ID_BYTES_MAX:
            raise bad("RESULT_ID_INVALID")
        kind = result.get("type")
        if kind not in _REQUIRED:
            raise bad("can't parse inline query result: Unallowed type specified")
        missing = [name for name in _REQUIRED[kind] if not result.get(name)]
        if missing:
            raise bad(f"can't parse inline query result: Can't find field \"{missing[0]}\"")
        if kind == "photo":
            self._photo(result)
        if "reply_markup" in result:
            text.check(self._world, result["reply_markup"], None)
        text.caption(self._world, result.get("caption", ""), result.get("parse_mode", ""))
        content = result.get("input_message_content")
        if content is not None and "message_text" in content:
            shown = {"text": content["message_text"], "parse_mode": content.get("parse_mode", "")}
            text.message_text(self._world, Arguments(shown))

    def _photo(self, result: dict[str, Any]) -> None:
        """InlineQueryResultPhoto has two URLs, InlineQueryResultCachedPhoto a `file_id`."""
        if "photo_file_id" in result:
            if result["photo_file_id"] not in self._world.files:
                raise bad("wrong file identifier/HTTP URL specified")
            return
        for name in ("photo_url", "thumbnail_url"):
            parts = urlsplit(str(result.get(name, "")))
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise bad("PHOTO_INVALID" if name == "photo_url" else "WEBDOCUMENT_URL_INVALID")
