"""What each button does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import msgspec

from commands import bot_buttons
from commands.bot_buttons import Button, Pressed, Rows, data, under_result
from gateway.api.documents import GenerationDocument
from gateway.generations.cancelling import cancel_generation
from gateway.generations.reads import find_document, missing
from gateway.generations.routes import delete_generation
from gateway.sharing.addresses import page_of
from gateway.sharing.codes import code_of
from gateway.sharing.making import Shown, make_share
from gateway.telegram.bot import asking, buying, editing, showing, starting
from gateway.telegram.bot.addresses import app_address
from gateway.telegram.bot.talk import Talk

VARIATION: Final = "variation"


async def press(talk: Talk, text: str) -> bool:
    """Do what a button's `callback_data` says; False: nothing that we know.

    Raises:
        InvalidRequest, PixelpopError: it cannot be done.
    """
    pressed = bot_buttons.read(text)
    act = None if pressed is None else _ACTS.get(pressed.act)
    if pressed is None or act is None:
        await talk.toast(talk.say("bot-button-old"), alert=True)
        return False
    await act(talk, pressed)
    await talk.toast()
    return True


async def _again(talk: Talk, pressed: Pressed) -> None:
    """The same request once more, with a seed of its own."""
    before = await _document(talk, pressed)
    fields: dict[str, Any] = {
        "style_id": before.style_id,
        "size": before.size,
        "count": before.count,
        "quality": before.quality,
    }
    if before.model in {one.id for one in talk.deps.offer.models}:
        fields["model"] = before.model
    if before.negative_prompt:
        fields["negative_prompt"] = before.negative_prompt
    await talk.toast()
    if before.kind == editing.KIND:
        fields |= {"kind": before.kind, "upload_ids": before.upload_ids, "prompt": before.prompt}
        if before.mask_upload_id is not None:
            fields["mask_upload_id"] = before.mask_upload_id
        await asking.send(talk, msgspec.json.encode(fields))
    elif before.kind == VARIATION:
        fields |= {"kind": before.kind, "parent_image_id": before.parent_image_id}
        await asking.send(talk, msgspec.json.encode(fields | {"prompt": before.prompt}))
    else:
        await asking.ask(talk, before.prompt or "", **fields)


async def _vary(talk: Talk, pressed: Pressed) -> None:
    """Another picture like this one."""
    document = await _document(talk, pressed)
    body = {"kind": VARIATION, "parent_image_id": _image(talk, document, pressed)}
    await talk.toast()
    await asking.send(talk, msgspec.json.encode(body))


async def _edit(talk: Talk, pressed: Pressed) -> None:
    """Change this picture by words: which ones, the bot asks for."""
    document = await _document(talk, pressed)
    image_id = _image(talk, document, pressed)
    await talk.toast()
    await editing.go_on(talk, editing.OWN + image_id, "")


async def _share(talk: Talk, pressed: Pressed) -> None:
    """A link to the picture, and a button that sends it to a chat."""
    document = await _document(talk, pressed)
    shown = Shown(UUID(pressed.about), _image(talk, document, pressed))
    share, _ = await make_share(talk.deps, talk.own, shown)
    address = page_of(talk.deps.settings, code_of(talk.own, share.share_id))
    await talk.toast()
    text = talk.say("bot-share", address=address, until=share.expires_at)
    await talk.reply(text, ((Button(talk.say("bot-button-send"), inline_query=address),),))


async def _delete(talk: Talk, pressed: Pressed) -> None:
    """Ask whether that is meant."""
    await _document(talk, pressed)
    await talk.change_buttons(_really(talk, pressed))
    await talk.toast(talk.say("bot-delete-ask"))


async def _really_delete(talk: Talk, pressed: Pressed) -> None:
    """To the bin, and out of the chat."""
    await delete_generation(talk.deps, talk.own, pressed.about)
    await talk.toast(talk.say("bot-deleted"), alert=True)
    if not await talk.delete():
        await talk.change_buttons(())


async def _keep(talk: Talk, pressed: Pressed) -> None:
    """Not meant: the buttons as they were."""
    address = await app_address(talk.deps, is_private=talk.is_private)
    await talk.change_buttons(
        under_result(
            talk.language,
            pressed.about,
            app_url=address,
            is_private=talk.is_private,
            index=pressed.picture,
        )
    )


async def _cancel(talk: Talk, pressed: Pressed) -> None:
    """Stop what nobody has begun to make; whoever reads the log edits the message."""
    await cancel_generation(talk.deps, talk.own, pressed.about)
    await talk.toast(talk.say("bot-cancelled"))


async def _document(talk: Talk, pressed: Pressed) -> GenerationDocument:
    """The generation, if it is this person's and not in the bin."""
    document = await find_document(talk.deps, talk.own, UUID(pressed.about))
    if document is None or document.deleted_at is not None:
        raise missing(talk.deps)
    return document


def _image(talk: Talk, document: GenerationDocument, pressed: Pressed) -> str:
    """The picture that the button is about; if that is in the bin, the first that is not."""
    if not document.images:
        raise missing(talk.deps)
    index = pressed.picture if pressed.picture < len(document.images) else 0
    return document.images[index].id


def _really(talk: Talk, pressed: Pressed) -> Rows:
    sure, keep = (
        data(pressed._replace(act=act)) for act in (bot_buttons.REALLY_DELETE, bot_buttons.KEEP)
    )
    return (
        (
            Button(talk.say("bot-button-delete-sure"), sure),
            Button(talk.say("bot-button-keep"), keep),
        ),
    )


def _about(
    act: Callable[[Talk, str], Awaitable[None]],
) -> Callable[[Talk, Pressed], Awaitable[None]]:
    """An act that needs to know only what it is about."""

    async def done(talk: Talk, pressed: Pressed) -> None:
        await act(talk, pressed.about)

    return done


async def _history(talk: Talk, pressed: Pressed) -> None:
    page = int(pressed.about) if pressed.about.isascii() and pressed.about.isdigit() else 1
    await showing.show_history(talk, page)


_ACTS: Final = MappingProxyType(
    {
        bot_buttons.AGAIN: _again,
        bot_buttons.VARY: _vary,
        bot_buttons.EDIT: _edit,
        bot_buttons.SHARE: _share,
        bot_buttons.DELETE: _delete,
        bot_buttons.REALLY_DELETE: _really_delete,
        bot_buttons.KEEP: _keep,
        bot_buttons.CANCEL: _cancel,
        "buy": _about(buying.choose_pack),
        "language": _about(starting.choose_language),
        "style": _about(showing.choose_style),
        "history": _history,
    }
)
