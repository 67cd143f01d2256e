"""Inline mode: who types the bot's name in a chat looks through their own pictures, and sends one.

https://core.telegram.org/bots/inline. What is sent has a button that leads to a link like those of
`POST /generations/{id}/share`; it is opened when Telegram tells that the picture was chosen (which
the bot's inline feedback must be on for, see docs/operators/sharing.md).
"""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID

import structlog
from msgspec import UnsetType

from commands.requests import PROMPT_CHARS_MAX
from commands.wording import language_of, say
from events.ids import derive
from gateway.generations.gallery import GalleryQuery, rows_of
from gateway.generations.reads import opened
from gateway.identity.signed_in import Account
from gateway.sharing.addresses import make_yours, page_of, passed_photo, passed_thumbnail
from gateway.sharing.codes import code_of
from gateway.sharing.ending import QUERIES
from gateway.sharing.making import DAYS_DEFAULT, Share, add_share
from gateway.sharing.opening import find_shared
from gateway.sharing.passes import GOOD_SECONDS, Pass, make_pass
from gateway.sharing.photos import shown_size
from gateway.sharing.prepared import as_message
from gateway.telegram.hands import Hands
from gateway.telegram.inline_updates import InlineQuery
from gateway.telegram.updates import Update
from gateway.web.cursors import encode_cursor
from gateway.web.errors import Problem
from runtime.crypto.keys import KeyDestroyed
from runtime.postgres.pool import as_account
from runtime.telegram import bot_api
from runtime.telegram.errors import TelegramRefused, TelegramSlowDown, TelegramUnreachable

if TYPE_CHECKING:
    from gateway.deps import Deps

_log = structlog.get_logger(__name__)

GENERATIONS_MAX: Final = 12
"""On one page: of at most four pictures each, and Telegram takes 50 results."""
TITLE_CHARS_MAX: Final = 100
TIMEOUT_SECONDS: Final = 5.0
START: Final = "inline"
"""The bot's start parameter for who came by the button above the results."""
_OFFSET: Final = re.compile(r"([0-9]{1,15}):([0-9a-f]{32})")
_LINK: Final = re.compile(r"/s/([A-Za-z0-9_-]{22})\Z")
_CHOSEN: Final = re.compile(r"([0-9a-f]{32}):[0-9a-f]{12}")


async def inline_query(hands: Hands, update: Update) -> bool:
    """Answer with a page of the person's own pictures.

    Raises:
        PixelpopError: a server is away.
    """
    query = update.inline_query
    deps = hands.deps
    if isinstance(query, UnsetType) or deps.bot is None:
        return False
    answer = await _answer(deps, query, await _account_of(hands, query.sender.id))
    try:
        await deps.bot.call(answer, timeout_seconds=TIMEOUT_SECONDS)
    except (TelegramRefused, TelegramSlowDown, TelegramUnreachable) as error:
        # Asked again by every letter that the person types: an old query is not worth a retry.
        _log.warning("an inline query was not answered", code=error.code, reason=str(error))
        return False
    return True


async def chosen_inline_result(hands: Hands, update: Update) -> bool:
    """Open the link that the sent message leads to.

    Raises:
        PixelpopError: it is not known to be open; Telegram tells of it again.
    """
    chosen = update.chosen_inline_result
    if isinstance(chosen, UnsetType):
        return False
    found = _CHOSEN.fullmatch(chosen.result_id)
    account = await _account_of(hands, chosen.sender.id)
    if found is None or account is None:
        return False
    deps = hands.deps
    image_id, share_id = UUID(found[1]), _share_id(account, chosen.result_id)
    async with as_account(deps.pool, account.uuid) as connection:
        picture = await connection.fetchrow(QUERIES.get_picture, account.uuid, image_id)
        known = await connection.fetchval(QUERIES.get_share, account.uuid, share_id)
        count = await connection.fetchval(QUERIES.count_open, account.uuid)
    if picture is None or known is not None or count >= deps.settings.share_links_max:
        return False
    now = datetime.fromtimestamp(deps.clock.now_ms() / 1000, UTC)
    days = min(DAYS_DEFAULT, deps.settings.share_days_max)
    share = Share(
        share_id, picture["generation_id"], image_id, False, now, now + timedelta(days=days)
    )
    await add_share(deps, account, share, via="inline")
    return True


async def _account_of(hands: Hands, telegram_id: int) -> Account | None:
    """Whose query it is; None: nobody's who may see anything."""
    account_id = await hands.account_of(telegram_id)
    if account_id is None:
        return None
    try:
        key = await hands.deps.standings.key_of(account_id)
    except (Problem, KeyDestroyed):
        return None
    return Account(account_id, key, 0.0)


async def _answer(
    deps: Deps, query: InlineQuery, account: Account | None
) -> bot_api.methods.AnswerInlineQuery:
    language = language_of(query.sender.language_code)
    linked = await _linked(deps, query.query.strip(), language)
    results = [] if linked is None else [linked]
    more, key = "", "sharing-inline-start"
    if account is not None and linked is None:
        key = "sharing-inline-empty"
        if await _may_ask(deps, account):
            results, more = await _results(deps, query, account, language)
    button = None
    if not results and not query.offset and not query.query.strip():
        button = bot_api.types.InlineQueryResultsButton(
            text=say(language, key), start_parameter=START
        )
    return bot_api.methods.AnswerInlineQuery(
        inline_query_id=query.id,
        results=[*results],
        cache_time=0,
        is_personal=True,
        next_offset=more,
        button=button,
    )


async def _linked(
    deps: Deps, text: str, language: str
) -> bot_api.types.InlineQueryResultPhoto | None:
    """What a link of ours shows, if the words are its address: the bot's share button says so."""
    found = _LINK.search(text)
    if found is None or page_of(deps.settings, found[1]) != text:
        return None
    shared = await find_shared(deps, found[1])
    if shared is None or deps.settings.public_url is None:
        return None
    size = shared.width, shared.height
    return await as_message(deps, shared.share_id, found[1], size=size, language=language)


async def _may_ask(deps: Deps, account: Account) -> bool:
    try:
        await deps.limits.take(deps.limits.policies.account, account.account_id)
    except Problem:
        return False
    return True


async def _results(
    deps: Deps, query: InlineQuery, account: Account, language: str
) -> tuple[list[bot_api.types.InlineQueryResultPhoto], str]:
    """A page of pictures, and where the next one begins; empty: nowhere."""
    if deps.settings.public_url is None:
        return [], ""  # Telegram could not fetch them
    wanted = GalleryQuery(
        status="done",
        limit=GENERATIONS_MAX,
        q=query.query.strip()[:PROMPT_CHARS_MAX] or None,
        cursor=_cursor(query.offset),
    )
    rows, images, more = await rows_of(deps, account, wanted)
    by_id = {row["generation_id"]: row for row in rows}
    name = await deps.bot_name.ask()
    seen = _Seen(deps, account, language, name, int(time.time()) + GOOD_SECONDS)
    order = {generation_id: place for place, generation_id in enumerate(by_id)}
    shown = sorted(images, key=lambda one: (order[one["generation_id"]], one["index"]))
    results = [
        seen.result(image, by_id[image["generation_id"]])
        for image in shown
        if image["deleted_at_ms"] is None
    ]
    return results, _offset(rows[-1]) if more and rows else ""


class _Seen(NamedTuple):
    """Makes results for one answer."""

    deps: Deps
    account: Account
    language: str
    bot_name: str | None
    until: int

    def result(self, image: Any, row: Any) -> bot_api.types.InlineQueryResultPhoto:
        settings = self.deps.settings
        image_id: UUID = image["image_id"]
        result_id = f"{image_id.hex}:{secrets.token_hex(6)}"
        permit = make_pass(self.deps.masters, Pass(self.account.uuid, image_id, self.until))
        prompt = opened(self.account, str(row["generation_id"]), "prompt", row["prompt"]) or ""
        width, height = shown_size(image["width"], image["height"])
        code = code_of(self.account, _share_id(self.account, result_id))
        button = bot_api.types.InlineKeyboardButton(
            text=say(self.language, "sharing-make-yours"),
            url=make_yours(settings, code, self.bot_name),
        )
        return bot_api.types.InlineQueryResultPhoto(
            id=result_id,
            photo_url=passed_photo(settings, permit),
            thumbnail_url=passed_thumbnail(settings, permit),
            photo_width=width,
            photo_height=height,
            # Both are for the person who chooses; what is sent is the picture alone.
            title=prompt[:TITLE_CHARS_MAX],
            description=row["style_id"],
            reply_markup=bot_api.types.InlineKeyboardMarkup(inline_keyboard=[[button]]),
        )


def _share_id(account: Account, result_id: str) -> UUID:
    """Of the link under one sent picture: known before it is sent, opened once it was."""
    return UUID(derive("inline-share", account.account_id, result_id))


def _offset(row: Any) -> str:
    """At most 64 bytes, as Telegram wants it."""
    return f"{row['requested_at_ms']}:{row['generation_id'].hex}"


def _cursor(offset: str) -> str | None:
    found = _OFFSET.fullmatch(offset)
    return None if found is None else encode_cursor((int(found[1]), UUID(found[2])))
