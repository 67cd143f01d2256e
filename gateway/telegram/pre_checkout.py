"""`pre_checkout_query`: the last question before a person pays.

It must be answered within 10 seconds (https://core.telegram.org/bots/api#precheckoutquery), so
nothing is asked that may lag: the payload says what was offered, PostgreSQL who may buy.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final
from uuid import UUID

import structlog
from msgspec import UnsetType

from commands.catalogue import PACKS_BY_ID
from commands.wording import say
from gateway.money import payload
from gateway.money.stars import XTR
from gateway.telegram.hands import Hands
from gateway.telegram.messages import PreCheckoutQuery
from gateway.telegram.updates import Update
from gateway.web.errors import Problem
from runtime.crypto.keys import KeyDestroyed
from runtime.errors import PixelpopError
from runtime.telegram import bot_api
from runtime.telegram.api import TelegramBot
from runtime.telegram.errors import TelegramRefused, TelegramUnreachable

_log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 8.0
"""From the update to the end of the last try; Telegram waits for 10."""
JUDGE_SECONDS: Final = 4.0
"""Of these, to find out whether this may be paid."""

NOT_OURS: Final = "payments-refused-invoice"
NOT_YOURS: Final = "payments-refused-payer"
CHANGED: Final = "payments-refused-price"
BLOCKED: Final = "payments-refused-blocked"
GONE: Final = "payments-refused-erased"
NOT_NOW: Final = "payments-refused-now"


async def handle(hands: Hands, update: Update) -> bool:
    """Say whether it may be paid; a no comes with a sentence.

    Raises:
        TelegramSlowDown: Telegram did not take the answer, and sends the update again.
    """
    query = update.pre_checkout_query
    bot = hands.deps.bot
    if isinstance(query, UnsetType) or bot is None:
        return False
    until = time.monotonic() + ANSWER_SECONDS
    try:
        async with asyncio.timeout(JUDGE_SECONDS):
            refusal = await judge(hands, query)
    except (TimeoutError, PixelpopError) as error:
        _log.warning("a payment could not be judged", error=str(error))
        refusal = NOT_NOW
    words = None if refusal is None else say(query.sender.language_code, refusal)
    answer = bot_api.methods.AnswerPreCheckoutQuery(
        pre_checkout_query_id=query.id, ok=refusal is None, error_message=words
    )
    return await _answered(bot, answer, until)


async def judge(hands: Hands, query: PreCheckoutQuery) -> str | None:
    """Why this must not be paid, as a key of the wording; None: it may be.

    Raises:
        PixelpopError: it cannot be found out.
    """
    carried = payload.read(query.invoice_payload)
    if carried is None:
        return NOT_OURS
    invoice = carried.invoice
    payer, key = await asyncio.gather(
        hands.account_of(query.sender.id), _key_of(hands, invoice.account_id)
    )
    if isinstance(key, str):
        return key
    if not carried.is_ours(key) or query.currency != XTR or query.total_amount != invoice.stars:
        return NOT_OURS
    if payer != str(invoice.account_id):
        return NOT_YOURS
    pack = PACKS_BY_ID.get(invoice.pack_id)
    if pack is None or (pack.credits, pack.stars) != (invoice.credits, invoice.stars):
        return CHANGED
    return None


async def _key_of(hands: Hands, account_id: UUID) -> bytes | str:
    """The account's key, or why it may not buy."""
    try:
        return await hands.deps.standings.key_of(str(account_id))
    except KeyDestroyed:
        return GONE
    except Problem as problem:
        return BLOCKED if problem.code == "account-banned" else GONE


async def _answered(
    bot: TelegramBot, answer: bot_api.methods.AnswerPreCheckoutQuery, until: float
) -> bool:
    """Answer, and once more if nobody knows whether the first answer arrived."""
    while True:
        left = until - time.monotonic()
        try:
            await bot.call(answer, timeout_seconds=max(0.5, left / 2))
        except TelegramRefused as error:
            # Answered already, or too late: the person sees that it failed, and nothing was paid.
            _log.warning("an answer before a payment was refused", error=error.description)
            return False
        except TelegramUnreachable:
            if time.monotonic() >= until:
                raise
            await asyncio.sleep(0.1)
            continue
        return True
