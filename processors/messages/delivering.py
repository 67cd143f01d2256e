"""One claimed message, from its claim to its end: prepared, its turn awaited, sent, noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

import msgspec
import structlog
from msgspec.structs import replace

from processors.messages import calls, composing, metrics
from processors.messages.outbox import Claim, Outbox, State
from processors.messages.preparing import Later, Prepared, Preparer, Skip
from processors.messages.unreachable import Unreachable
from processors.worker.retrying import patiently
from runtime.errors import PixelpopError
from runtime.telegram import bot_api
from runtime.telegram.errors import (
    TelegramRefused,
    TelegramSlowDown,
    TelegramUnreachable,
)

_log = structlog.get_logger(__name__)

UPLOAD_SECONDS: Final = 30.0
"""How long a call with a picture may take."""
PREPARE_SECONDS: Final = 10.0
"""How long a server that knows what to say may be away before the message waits."""
FORMS_MAX: Final = 3
"""In how many forms a message is tried: as an edit, as a new one, without its picture."""
AGAIN_SECONDS: Final = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
"""Before the second, third, … try of what surely was not done, or may be done twice."""
LATER_SECONDS: Final = 0.5
BOT_REFUSED_SECONDS: Final = 60.0
"""How long a message waits for the bot to have a token that Telegram knows."""
HELD_SECONDS: Final = 0.5


class Bot(Protocol):
    """The Bot API, as far as it is needed here."""

    async def call(
        self, method: bot_api.methods.TelegramMethod[Any], *, timeout_seconds: float | None = None
    ) -> Any:
        """Do one thing, once; the errors are those of `runtime.telegram.errors`."""
        ...


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a try ended."""

    state: State
    outcome: str
    again_seconds: float = 0.0
    called: bool = False
    """Whether the person's chat counts a message."""


class Deliverer:
    """Sends what was claimed.

    Args:
        outbox: where it ends.
        preparer: says what it is.
        bot: sends it.
        unreachable: is told who cannot be written to.
        lease_seconds: how long a claim holds; nothing is sent after half of it.
        pause_seconds: between two messages to one person.
        give_up_seconds: how long after it was planned a message is tried again.
        retry_seconds: how long the end of a try is tried to be noted.
        planned: called when more is to be sent.
    """

    def __init__(
        self,
        outbox: Outbox,
        preparer: Preparer,
        bot: Bot,
        unreachable: Unreachable,
        *,
        lease_seconds: float,
        pause_seconds: float,
        give_up_seconds: float,
        retry_seconds: float,
        planned: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._preparer = preparer
        self._bot = bot
        self._unreachable = unreachable
        self._lease_seconds = lease_seconds
        self._pause_seconds = pause_seconds
        self._give_up_seconds = give_up_seconds
        self._retry_seconds = retry_seconds
        self._planned = planned

    async def deliver(self, claim: Claim, began: float) -> None:
        """Send it, and note how that ended.

        Args:
            claim: the right to.
            began: when the claim was asked for, by the monotonic clock.
        """
        ending = await self._try(claim, began)
        if ending is None:
            return  # its lease is over: it is somebody else's
        if ending.state == "pending" and claim.age_seconds > self._give_up_seconds:
            ending = replace(ending, state="failed")
        metrics.ENDED.labels(claim.kind, ending.outcome).inc()
        metrics.SECONDS.observe(time.monotonic() - began)
        if ending.state in {"failed", "uncertain"}:
            _log.warning(
                "a message was not sent",
                message_id=str(claim.message_id),
                kind=claim.kind,
                state=ending.state,
                outcome=ending.outcome,
            )
        finish = partial(
            self._outbox.finish,
            claim,
            ending.state,
            ending.outcome,
            again_seconds=ending.again_seconds,
            pause_seconds=self._pause_seconds if ending.called else 0.0,
        )
        await patiently(finish, seconds=self._retry_seconds)

    async def _try(self, claim: Claim, began: float) -> Ending | None:
        if claim.begun:
            # Whoever began it was lost, or never learned what came of it. Once more could be twice.
            return Ending(state="uncertain", outcome="unknown")
        try:
            prepare = partial(self._preparer.prepare, claim)
            prepared = await patiently(prepare, seconds=PREPARE_SECONDS)
        except PixelpopError as error:
            return _again(claim, error.code)
        if isinstance(prepared, Skip):
            return Ending(state="skipped", outcome=prepared.why)
        if isinstance(prepared, Later):
            return Ending(state="pending", outcome="later", again_seconds=LATER_SECONDS)
        return await self._send(claim, prepared, began)

    async def _send(self, claim: Claim, prepared: Prepared, began: float) -> Ending | None:
        """Try it in one form after the other, until Telegram takes one."""
        for _ in range(FORMS_MAX):
            if time.monotonic() - began > self._lease_seconds / 2:
                return None
            if not await self._may_call(claim, once=prepared.place.edits is None):
                return Ending(state="pending", outcome="held", again_seconds=HELD_SECONDS)
            try:
                return await self._call(claim, prepared)
            except TelegramRefused as error:
                other = _other_form(prepared, error)
                if other is None:
                    return await self._refused(claim, prepared, error)
                prepared = other
        return Ending(state="failed", outcome="refused", called=True)

    async def _may_call(self, claim: Claim, *, once: bool) -> bool:
        """Wait for the turn of this call, and note it; whether it may be made."""
        await asyncio.sleep(await patiently(self._outbox.turn, seconds=self._retry_seconds))
        begin = partial(self._outbox.begin, claim, once=once)
        return await patiently(begin, seconds=self._retry_seconds)

    async def _call(self, claim: Claim, prepared: Prepared) -> Ending:
        """Make the call.

        Raises:
            TelegramRefused: Telegram will not do it so.
        """
        place = prepared.place
        method = calls.call_of(place, prepared.content, prepared.photo)
        seconds = None if prepared.photo is None else min(UPLOAD_SECONDS, self._lease_seconds / 2)
        try:
            await self._bot.call(method, timeout_seconds=seconds)
        except TelegramSlowDown as error:
            metrics.SLOWED.inc()
            close = partial(self._outbox.close, claim.account_id, float(error.retry_after_seconds))
            await patiently(close, seconds=self._retry_seconds)
            return Ending(
                state="pending",
                outcome="slowed",
                again_seconds=float(error.retry_after_seconds),
                called=True,
            )
        except TelegramUnreachable as error:
            if error.may_be_done and place.edits is None:
                return Ending(state="uncertain", outcome="no-answer", called=True)
            return _again(claim, error.code)
        except TelegramRefused as error:
            if not calls.is_done(error):
                raise
        await self._follow(claim, prepared)
        return Ending(
            state="done", outcome="sent" if place.edits is None else "edited", called=True
        )

    async def _follow(self, claim: Claim, prepared: Prepared) -> None:
        """Put down what comes after it, before it is done itself."""
        if prepared.then:
            notes = [(claim.account_id, note) for note in prepared.then]
            await patiently(partial(self._outbox.plan, notes), seconds=self._retry_seconds)
            self._planned()

    async def _refused(self, claim: Claim, prepared: Prepared, error: TelegramRefused) -> Ending:
        if calls.refuses_bot(error):
            _log.error("Telegram does not know this bot: is TELEGRAM_BOT_TOKEN right?", error=error)
            return Ending(state="pending", outcome="bot-refused", again_seconds=BOT_REFUSED_SECONDS)
        why = calls.no_way(error)
        if why == calls.BLOCKED and prepared.place.is_private:
            try:
                tell = partial(self._unreachable.tell, claim)
                await patiently(tell, seconds=self._retry_seconds)
            except PixelpopError as failure:
                return _again(claim, failure.code)
        if why is not None:
            return Ending(state="skipped", outcome=why, called=True)
        _log.error("Telegram refused a message", kind=claim.kind, error=error)
        return Ending(state="failed", outcome="refused", called=True)


def _other_form(prepared: Prepared, error: TelegramRefused) -> Prepared | None:
    """How to say it where Telegram does not take it so; None: not at all."""
    if prepared.place.edits is not None and calls.is_gone(error):
        if prepared.otherwise is None:
            return None
        return replace(prepared, place=prepared.otherwise, otherwise=None, then=())
    if prepared.photo is not None and calls.is_no_photo(error):
        plain = composing.without_photo(prepared.place, prepared.content)
        return replace(prepared, content=plain, photo=None)
    return None


def _again(claim: Claim, outcome: str) -> Ending:
    place = min(claim.tries, len(AGAIN_SECONDS)) - 1
    return Ending(state="pending", outcome=outcome, again_seconds=AGAIN_SECONDS[place])
