"""Texts and keyboards, and which of them Telegram refuses."""

from __future__ import annotations

import html.parser
import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.telegram.arguments import Arguments, bad
from tests.fakes.telegram.state import Chat, World

TEXT_MAX = 4096
"""sendMessage: "1-4096 characters after entities parsing"."""
CAPTION_MAX = 1024
"""sendPhoto: "0-1024 characters after entities parsing"."""
DATA_BYTES_MAX = 64
"""InlineKeyboardButton.callback_data: "1-64 bytes"."""
BUTTONS_MAX = 100
_TAG_NAMES = (
    "b strong i em u ins s strike del span tg-spoiler a tg-emoji tg-time code pre blockquote"
)
_TAGS = frozenset(_TAG_NAMES.split())
_KIND_NAMES = (
    "url callback_data web_app login_url switch_inline_query switch_inline_query_current_chat"
    " switch_inline_query_chosen_chat copy_text callback_game pay disabled"
)
_KINDS = frozenset(_KIND_NAMES.split())


class _Html(html.parser.HTMLParser):
    """The text without its tags ("HTML style")."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise bad(f'can\'t parse entities: Unsupported start tag "{tag}" at byte offset 0')
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise bad(f'can\'t parse entities: Unmatched end tag "{tag}" at byte offset 0')

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(world: World, raw: str, parse_mode: str) -> str:
    """The text as people see it.

    Raises:
        Refused: entities that cannot be parsed, an unknown mode.
    """
    if parse_mode.lower() not in {"", "html", "markdown", "markdownv2"}:
        raise bad("unsupported parse_mode")
    if parse_mode.lower().startswith("markdown"):
        world.findings.append(f"parse_mode {parse_mode} is not understood by the double")
    if parse_mode.lower() != "html":
        return raw
    if re.search(r"<(?![/a-zA-Z])", raw):
        raise bad('can\'t parse entities: Unsupported start tag "" at byte offset 0')
    reader = _Html()
    reader.feed(raw)
    reader.close()
    if reader.open:
        raise bad(
            f"can't parse entities: Can't find end tag corresponding to start tag"
            f' "{reader.open[-1]}"'
        )
    return reader.text


def message_text(world: World, call: Arguments) -> str:
    """The text of a message, 1 to 4096 characters."""
    text = parsed(world, call.text("text"), call.text("parse_mode"))
    if not text.strip():
        raise bad("message text is empty")
    if len(text) > TEXT_MAX:
        raise bad("message is too long")
    return text


def caption(world: World, raw: str, parse_mode: str) -> str:
    """A caption, at most 1024 characters."""
    text = parsed(world, raw, parse_mode)
    if len(text) > CAPTION_MAX:
        raise bad("message caption is too long")
    return text


def is_loopback(host: str | None) -> bool:
    """Whether it names this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def web_app(world: World, button: dict[str, Any]) -> None:
    """WebAppInfo.url: "An HTTPS URL of a Web App"."""
    url = str(button.get("url", ""))
    parts = urlsplit(url)
    if world.rules.loopback_http and is_loopback(parts.hostname):
        return
    if parts.scheme != "https" or not parts.hostname:
        raise bad(
            f"inline keyboard button Web App URL '{url}' is invalid: Only HTTPS links are allowed"
        )


def _link(url: object) -> None:
    """InlineKeyboardButton.url: "HTTP or tg:// URL"."""
    parts = urlsplit(str(url))
    host = parts.hostname or ""
    is_web = parts.scheme in {"http", "https"} and ("." in host or is_loopback(host))
    is_app = parts.scheme in {"tg", "ton"} and bool(host)
    if not (is_web or is_app) or " " in str(url):
        raise bad("BUTTON_URL_INVALID")


def _button(world: World, chat: Chat | None, button: Any, *, is_first_of_invoice: bool) -> None:
    if not isinstance(button, dict):
        raise bad("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    if not str(button.get("text", "")):
        raise bad('can\'t parse inline keyboard button: Field "text" must be non-empty')
    kinds = _KINDS & button.keys()
    if not kinds:
        raise bad("Text buttons are unallowed in the inline keyboard")
    if len(kinds) > 1:
        world.findings.append(f"a button with several kinds: {sorted(kinds)}")
    _content(world, chat, button)
    if button.get("pay") and not is_first_of_invoice:
        raise bad("BUTTON_TYPE_INVALID")


def _content(world: World, chat: Chat | None, button: dict[str, Any]) -> None:
    """What pressing it does."""
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= DATA_BYTES_MAX:
            raise bad("BUTTON_DATA_INVALID")
    elif "url" in button:
        _link(button["url"])
    elif "web_app" in button:
        # "Available only in private chats between a user and the bot."
        if chat is not None and chat.type != "private":
            raise bad("BUTTON_TYPE_INVALID")
        web_app(world, button["web_app"])


def markup(
    world: World, call: Arguments, chat: Chat | None, *, is_invoice: bool = False
) -> dict[str, Any] | None:
    """The inline keyboard; other kinds of reply markup are taken as they are.

    In an invoice the first button must be a Pay button, as sendInvoice says; elsewhere none may.
    """
    found: dict[str, Any] | None = call.structure("reply_markup", dict, "reply keyboard markup")
    if not found:
        return None
    if "inline_keyboard" not in found:
        if not found.keys() & {"keyboard", "remove_keyboard", "force_reply"}:
            raise bad("object expected as reply markup")
        return found
    check(world, found, chat, is_invoice=is_invoice)
    return found if any(found["inline_keyboard"]) else None


def check(
    world: World, found: dict[str, Any], chat: Chat | None, *, is_invoice: bool = False
) -> None:
    """Refuse an inline keyboard that Telegram would refuse."""
    rows = found.get("inline_keyboard")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays')
    if sum(len(row) for row in rows) > BUTTONS_MAX:
        raise bad("reply markup is too long")
    for at, row in enumerate(rows):
        for index, button in enumerate(row):
            first = is_invoice and at == index == 0
            if first and isinstance(button, dict) and not button.get("pay"):
                raise bad("BUTTON_TYPE_INVALID")
            _button(world, chat, button, is_first_of_invoice=first)
