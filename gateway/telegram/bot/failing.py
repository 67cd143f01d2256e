"""What a person is told when it does not work: what happened, and what to do next."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import Final

import structlog

from commands.bot_buttons import Rows
from commands.requests import PROMPT_CHARS_MAX, InvalidRequest
from gateway.telegram.bot.talk import Talk
from gateway.web.errors import Problem
from gateway.web.kinds import KINDS
from runtime.crypto.keys import KeyDestroyed
from runtime.errors import PixelpopError

_log = structlog.get_logger(__name__)

PATIENCE_SECONDS: Final = 120
"""For so long after they wrote a person is not told that it does not work now: Telegram brings the
update again, and perhaps it works then."""
_UNAVAILABLE: Final = 503

SAID: Final = MappingProxyType(
    {
        "account-banned": "bot-error-banned",
        "account-erased": "bot-error-erased",
        "proof-used": "bot-error-erased",
        "key-destroyed": "bot-error-erased",
        "being-made": "bot-error-being-made",
        "already-finished": "bot-error-finished",
        "gift-over": "bot-error-gift-over",
        "gift-own": "bot-error-gift-own",
        "gift-taken": "bot-error-gift-taken",
        "gift-unknown": "bot-error-gift-unknown",
        "gone-from-bin": "bot-error-missing",
        "idempotency-key-reused": "bot-error-late",
        "insufficient-credits": "bot-error-credits",
        "kind-not-available": "bot-error-kind",
        "not-found": "bot-error-missing",
        "nothing-to-share": "bot-error-missing",
        "payments-not-configured": "bot-error-payments",
        "not-appealable": "bot-appeal-nothing",
        "prohibited": "bot-error-prohibited",
        "rate-limited": "bot-error-slow-down",
        "too-many-appeals": "bot-error-appeals",
        "too-many-requests": "bot-error-slow-down",
        "too-many-shares": "bot-error-shares",
        "too-many-uploads": "bot-error-photos",
        "unavailable": "bot-error-unavailable",
        "upload-over": "bot-error-photo-gone",
        "upload-refused": "bot-error-photo",
        "upload-unusable": "bot-error-photo-gone",
    }
)
"""A problem's code → what to say; of any other: that it did not work."""


async def sentence(talk: Talk, error: Exception) -> tuple[str, Rows]:
    """What to say of an error, and what to offer."""
    if isinstance(error, InvalidRequest):
        if error.field in {"prompt", "negative_prompt"}:
            return talk.say("bot-error-prompt", characters=PROMPT_CHARS_MAX), ()
        return talk.say("bot-error-unavailable"), ()
    code = getattr(error, "code", "internal")
    if isinstance(error, KeyDestroyed):
        code = "key-destroyed"
    if KINDS.get(code, KINDS["internal"]).status == _UNAVAILABLE:
        return talk.say("bot-error-busy"), ()
    key = SAID.get(code)
    if key is None:
        _log.error("the bot could not do it", code=code, exc_info=error)
        return talk.say("bot-error-unknown"), ()
    if code == "prohibited":
        reason = error.members.get("reason") if isinstance(error, Problem) else None
        return talk.say(key, reason=reason or "other"), ()
    return talk.say(key), ()


def is_worth_waiting(talk: Talk, error: PixelpopError) -> bool:
    """Whether it may work in a moment, so that the update had better come again."""
    passing = error.retryable or (error.code in KINDS and KINDS[error.code].status == _UNAVAILABLE)
    return passing and time.time() - talk.said_at < PATIENCE_SECONDS
