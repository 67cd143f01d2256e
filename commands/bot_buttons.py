"""Buttons under the bot's messages: what pressing one says (`callback_data`), and their rows.

Telegram hands `callback_data` of 1 to 64 bytes back when a button is pressed
(https://core.telegram.org/bots/api#inlinekeyboardbutton). A client may send any: who presses, and
whether the thing is theirs, is looked up; nothing here is proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from commands.wording import say

DATA_BYTES_MAX: Final = 64

AGAIN: Final = "again"
"""Make the same once more, with another seed."""
VARY: Final = "vary"
EDIT: Final = "edit"
SHARE: Final = "share"
DELETE: Final = "delete"
REALLY_DELETE: Final = "delete!"
"""The answer to "really?"."""
KEEP: Final = "keep"
"""The other answer."""
CANCEL: Final = "cancel"
"""Of a generation that is not made yet."""
PICTURES: Final = frozenset({AGAIN, VARY, EDIT, SHARE, DELETE, REALLY_DELETE, KEEP, CANCEL})
"""Acts about a generation or one of its pictures."""
ACTS: Final = PICTURES | {"buy", "language", "style", "history", "balance", "notify"}
"""Every act that a button can stand for."""


class Pressed(NamedTuple):
    """What the `callback_data` of a button says."""

    act: str
    """One of `ACTS`."""
    about: str = ""
    """A generation's id for `PICTURES`; else a pack, a language, a style or a cursor."""
    picture: int = 0
    """Which picture of the generation, from 0."""


class Button(NamedTuple):
    """One button; exactly one of the fields beside the text is there."""

    text: str
    data: str | None = None
    """`callback_data`."""
    url: str | None = None
    web_app: str | None = None
    """An https address that opens as a MiniApp; in private chats only."""
    inline_query: str | None = None
    """What is typed after the bot's name in a chat that the person chooses."""


Rows = tuple[tuple[Button, ...], ...]


def data(pressed: Pressed) -> str:
    """The `callback_data` that says this.

    Raises:
        ValueError: it would not fit, or could not be read back.
    """
    text = f"{pressed.act}:{pressed.about}:{pressed.picture}"
    if len(text.encode()) > DATA_BYTES_MAX or read(text) != pressed:
        raise ValueError(f"no callback data can say {pressed}")
    return text


def read(text: str) -> Pressed | None:
    """What a `callback_data` says; None: nothing that we know (an old button, or a made-up one)."""
    parts = text.split(":")
    if len(parts) != len(Pressed._fields) or parts[0] not in ACTS:
        return None
    act, about, index = parts
    if not (index.isascii() and index.isdigit() and len(index) <= 2):  # noqa: PLR2004 - 99 pictures
        return None
    if act in PICTURES and not _is_uuid(about):
        return None
    return Pressed(act, about, int(index))


def under_waiting(language: str, generation_id: str) -> Rows:
    """Under the status message of a generation that is not finished."""
    return ((Button(say(language, "bot-button-cancel"), data(Pressed(CANCEL, generation_id))),),)


def under_result(
    language: str, generation_id: str, *, app_url: str | None, is_private: bool, index: int = 0
) -> Rows:
    """Under a finished picture.

    Args:
        language: an IETF language tag.
        generation_id: whose picture it is.
        app_url: https address of the MiniApp; None: no button opens it.
        is_private: whether the chat is the person's own with the bot; elsewhere an address of
            t.me is wanted in `app_url`, since MiniApps open from private chats only.
        index: which picture the buttons are about, from 0.
    """

    def button(key: str, act: str) -> Button:
        return Button(say(language, key), data(Pressed(act, generation_id, index)))

    rows: list[tuple[Button, ...]] = [
        (
            button("bot-button-again", AGAIN),
            button("bot-button-vary", VARY),
            button("bot-button-edit", EDIT),
        ),
        (button("bot-button-share", SHARE), button("bot-button-delete", DELETE)),
    ]
    return (*rows, *_app(language, app_url, is_private=is_private))


def under_failure(
    language: str, generation_id: str, *, app_url: str | None, is_private: bool
) -> Rows:
    """Under a generation that came to nothing: try again."""
    again = Button(say(language, "bot-button-again"), data(Pressed(AGAIN, generation_id)))
    return ((again,), *_app(language, app_url, is_private=is_private))


def markup(rows: Rows) -> dict[str, list[list[dict[str, object]]]]:
    """An `InlineKeyboardMarkup` as the Bot API wants it in JSON."""
    return {"inline_keyboard": [[_as_json(one) for one in row] for row in rows]}


def _app(language: str, app_url: str | None, *, is_private: bool) -> Sequence[tuple[Button, ...]]:
    if app_url is None:
        return ()
    text = say(language, "bot-button-open")
    return ((Button(text, web_app=app_url) if is_private else Button(text, url=app_url),),)


def _as_json(button: Button) -> dict[str, object]:
    document: dict[str, object] = {"text": button.text}
    if button.data is not None:
        document["callback_data"] = button.data
    if button.url is not None:
        document["url"] = button.url
    if button.web_app is not None:
        document["web_app"] = {"url": button.web_app}
    if button.inline_query is not None:
        document["switch_inline_query"] = button.inline_query
    return document


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
