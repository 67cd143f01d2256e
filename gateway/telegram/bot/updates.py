"""`message` and `callback_query`: from an update to what the bot does."""

from __future__ import annotations

import time
from typing import Final

from msgspec import UnsetType

from commands.requests import InvalidRequest
from commands.wording import language_of
from gateway.identity.signed_in import Account
from gateway.telegram.bot import (
    appealing,
    asking,
    commands,
    dialogues,
    editing,
    failing,
    pressing,
    who,
)
from gateway.telegram.bot.commands import Command, Written
from gateway.telegram.bot.once import once
from gateway.telegram.bot.talk import PRIVATE, Talk
from gateway.telegram.hands import Hands
from gateway.telegram.messages import CallbackQuery, Message
from gateway.telegram.updates import Update
from gateway.web.errors import Problem
from runtime.errors import PixelpopError

LATE_SECONDS: Final = 3600
"""What was written longer ago is not done any more: nobody waits for it."""
CHATS: Final = frozenset({PRIVATE, "group", "supergroup"})
"""Where the bot speaks with people."""


async def message(hands: Hands, update: Update) -> bool:
    """Somebody wrote.

    Raises:
        PixelpopError: it is not known to be done; Telegram brings it again.
    """
    said, deps = update.message, hands.deps
    if isinstance(said, UnsetType) or deps.bot is None:
        return False
    user = said.sender
    if isinstance(user, UnsetType) or user.is_bot or said.chat.type not in CHATS:
        return False
    if not isinstance(said.via_bot, UnsetType):
        return False
    text = said.text or said.caption
    written = commands.read(text, await deps.bot_name.ask())
    if said.chat.type != PRIVATE and (written is None or written.name not in commands.BY_NAME):
        return False
    talk = Talk(
        deps=deps,
        bot=deps.bot,
        update_id=update.update_id,
        user=user,
        chat=said.chat,
        message_id=said.message_id,
        said_at=said.date,
        language=language_of(user.language_code),
    )
    return await once(deps.pool, update.update_id, lambda _age: _spoken(talk, said, written))


async def callback_query(hands: Hands, update: Update) -> bool:
    """Somebody pressed a button.

    Raises:
        PixelpopError: it is not known to be done; Telegram brings it again.
    """
    query, deps = update.callback_query, hands.deps
    if isinstance(query, UnsetType) or deps.bot is None:
        return False
    under = query.message
    if query.sender.is_bot or isinstance(under, UnsetType):
        return False
    talk = Talk(
        deps=deps,
        bot=deps.bot,
        update_id=update.update_id,
        user=query.sender,
        chat=under.chat,
        message_id=under.message_id,
        said_at=int(time.time()),
        language=language_of(query.sender.language_code),
        query_id=query.id,
    )

    async def work(age_seconds: float) -> bool:
        talk.said_at -= int(age_seconds)
        return await _pressed(talk, query)

    return await once(deps.pool, update.update_id, work)


async def _is_too_much(talk: Talk) -> bool:
    """Whether this person writes more than the bot answers; to say so would be one answer more."""
    limits = talk.deps.limits
    try:
        await limits.take(limits.policies.bot, str(talk.user.id))
    except Problem:
        return True
    return False


async def _spoken(talk: Talk, said: Message, written: Written | None) -> bool:
    try:
        if await _is_too_much(talk):
            return False
        return await _done(talk, said, written)
    except (InvalidRequest, PixelpopError) as error:
        return await _failed(talk, error)


async def _done(talk: Talk, said: Message, written: Written | None) -> bool:
    command = None if written is None else commands.BY_NAME.get(written.name)
    is_start = command is not None and command.name == "start"
    if written is not None and is_start and talk.is_private:
        talk.account = await who.sign_in(
            talk.deps, talk.user, talk.update_id, talk.said_at, start_param=written.words
        )
    else:
        talk.account = await _account(talk, needed=command is None or command.needs_account)
    if not await _known(talk, command):
        return True
    if command is not None and written is not None:
        if time.time() - talk.said_at > LATE_SECONDS and not is_start:
            await talk.reply(talk.say("bot-error-late"))
        else:
            await command.run(talk, said, written.words)
        return True
    if written is not None:
        await talk.reply(talk.say("bot-unknown-command"))
        return True
    return await _went_on(talk, said)


async def _account(talk: Talk, *, needed: bool) -> Account | None:
    """Whose account it is; where none is needed, who is banned has none."""
    try:
        return await who.account_of(talk.deps, talk.user)
    except Problem:
        if needed:
            raise
        return None


async def _known(talk: Talk, command: Command | None) -> bool:
    """Look up what the person chose; where there is no account and one is needed, say so."""
    account = talk.account
    if account is not None:
        talk.preferences = await who.preferences_of(talk.deps.pool, account)
        if talk.preferences.language is not None:
            talk.language = language_of(talk.preferences.language)
        return True
    if command is not None and not command.needs_account:
        return True
    await talk.reply(talk.say("bot-start-first"))
    return False


async def _went_on(talk: Talk, said: Message) -> bool:
    """What is no command is an answer to what the bot asked, if it did."""
    dialogue = await dialogues.find(talk.deps.pool, talk.own)
    words, photo = (said.text or said.caption).strip(), editing.photo_in(said)
    if dialogue is not None and dialogue.step == asking.WAITS_FOR_PROMPT and words:
        await asking.ask(talk, words)
        await dialogues.end(talk.deps.pool, talk.own)
    elif dialogue is not None and dialogue.step == editing.WAITS_FOR_PHOTO and photo:
        await editing.go_on(talk, photo, words or dialogue.said)
    elif dialogue is not None and dialogue.step == editing.WAITS_FOR_WORDS and words:
        await editing.go_on(talk, dialogue.said, words)
    elif dialogue is not None and dialogue.step == appealing.WAITS_FOR_REASON and said.text:
        await appealing.go_on(talk, dialogue.said, words)
    elif photo:
        # Words without a command are none that anybody is charged for: the bot asks.
        await editing.go_on(talk, photo, "")
    elif words:
        await talk.reply(talk.say("bot-hint"))
    else:
        return False  # a sticker, a voice message, somebody who joined
    return True


async def _pressed(talk: Talk, query: CallbackQuery) -> bool:
    try:
        if await _is_too_much(talk):
            return False
        talk.account = await who.account_of(talk.deps, talk.user)
        if talk.account is None:
            await talk.toast(talk.say("bot-start-first"), alert=True)
            return True
        if time.time() - talk.said_at > LATE_SECONDS:
            await talk.toast(talk.say("bot-error-late"), alert=True)
            return True
        await _known(talk, None)
        return await pressing.press(talk, query.data)
    except (InvalidRequest, PixelpopError) as error:
        return await _failed(talk, error)


async def _failed(talk: Talk, error: InvalidRequest | PixelpopError) -> bool:
    """Say why it does not work, unless it may work in a moment.

    Raises:
        PixelpopError: it may.
    """
    if isinstance(error, PixelpopError) and failing.is_worth_waiting(talk, error):
        raise error
    text, rows = await failing.sentence(talk, error)
    await talk.tell(text, rows)
    return True
