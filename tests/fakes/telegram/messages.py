"""Messages: sent, edited, deleted ("Available methods", "Updating messages")."""

from __future__ import annotations

from typing import Any

from tests.fakes.telegram import photos, text
from tests.fakes.telegram.arguments import Arguments, bad
from tests.fakes.telegram.limits import Limits
from tests.fakes.telegram.state import BOT_ID, Chat, World

DELETE_SECONDS_MAX = 48 * 3600
"""deleteMessage: "only … if it was sent less than 48 hours ago"."""
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)


def post(world: World, chat: Chat, sender: dict[str, Any], **content: Any) -> dict[str, Any]:
    """Put a message into a chat; by a person or by the bot."""
    message = {
        "message_id": world.next_id(),
        "from": sender,
        "chat": chat.document(world.people.get(chat.id)),
        "date": world.now(),
    } | {key: value for key, value in content.items() if value is not None}
    chat.messages[message["message_id"]] = message
    return message


class Messages:
    """The methods; each takes the call and returns the `result`."""

    def __init__(self, world: World, limits: Limits) -> None:
        self._world = world
        self._limits = limits

    def sender(self, call: Arguments, *, is_invoice: bool = False) -> tuple[Chat, dict[str, Any]]:
        """Everything that all `send…` methods check: the chat, the keyboard, what is replied to."""
        chat = self._world.chat(call.text("chat_id"), to_write=True)
        found = text.markup(self._world, call, chat, is_invoice=is_invoice)
        common = {"reply_markup": found, "reply_to_message": self._replied(call, chat)}
        return chat, common

    def sent(self, chat: Chat, **content: Any) -> dict[str, Any]:
        """Count it to the limits, and post it."""
        self._limits.take(chat.id)
        # Other kinds of reply markup are the client's; the message does not keep them.
        if "inline_keyboard" not in (content.get("reply_markup") or {}):
            content["reply_markup"] = None
        # A copy: what a call was answered stays as it was when the message is edited.
        return dict(post(self._world, chat, self._world.bot, **content))

    def _replied(self, call: Arguments, chat: Chat) -> dict[str, Any] | None:
        reply = call.structure("reply_parameters", dict, "reply parameters")
        if reply is None:
            return None
        message = chat.messages.get(reply.get("message_id", 0))
        if message is None and not reply.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        return message

    def send_message(self, call: Arguments) -> dict[str, Any]:
        chat, common = self.sender(call)
        return self.sent(chat, text=text.message_text(self._world, call), **common)

    async def send_photo(self, call: Arguments) -> dict[str, Any]:
        chat, common = self.sender(call)
        words = text.caption(self._world, call.text("caption"), call.text("parse_mode"))
        sizes = await photos.taken(self._world, call, call.text("photo", "photo"))
        return self.sent(chat, photo=sizes, caption=words or None, **common)

    def send_chat_action(self, call: Arguments) -> bool:
        self._world.chat(call.text("chat_id"), to_write=True)
        if not call.text("action"):
            raise bad("wrong parameter action in request")
        return True

    def edit_message_text(self, call: Arguments) -> dict[str, Any]:
        chat, message = self._editable(call)
        new = text.message_text(self._world, call)
        if "text" not in message:
            raise bad("there is no text in the message to edit")
        return self._edited(call, chat, message, {"text": new})

    def edit_message_caption(self, call: Arguments) -> dict[str, Any]:
        chat, message = self._editable(call)
        new = text.caption(self._world, call.text("caption"), call.text("parse_mode"))
        if "photo" not in message:
            raise bad("there is no caption in the message to edit")
        return self._edited(call, chat, message, {"caption": new or None})

    async def edit_message_media(self, call: Arguments) -> dict[str, Any]:
        chat, message = self._editable(call)
        media = call.structure("media", dict, "input media")
        if not media or media.get("type") != "photo":
            raise bad("can't parse InputMedia: media not found")
        words = text.caption(self._world, media.get("caption", ""), media.get("parse_mode", ""))
        sizes = await photos.taken(self._world, call, str(media.get("media", "")))
        # A text message may become a photo, as editMessageMedia allows since version 7.11.
        new = {"photo": sizes, "caption": words or None, "text": None}
        return self._edited(call, chat, message, new)

    def edit_message_reply_markup(self, call: Arguments) -> dict[str, Any]:
        chat, message = self._editable(call)
        return self._edited(call, chat, message, {})

    def delete_message(self, call: Arguments) -> bool:
        chat = self._world.chat(call.text("chat_id"), to_write=False)
        message = chat.messages.get(call.number("message_id"))
        if message is None:
            raise bad("message to delete not found")
        if self._world.now() - message["date"] > DELETE_SECONDS_MAX:
            raise bad("message can't be deleted for everyone")
        del chat.messages[message["message_id"]]
        return True

    def _editable(self, call: Arguments) -> tuple[Chat, dict[str, Any]]:
        """The message that is meant; the bot's own, and still there."""
        if "inline_message_id" in call:
            raise bad("MESSAGE_ID_INVALID")
        chat = self._world.chat(call.text("chat_id"), to_write=False)
        message = chat.messages.get(call.number("message_id"))
        if message is None:
            raise bad("message to edit not found")
        if message["from"]["id"] != BOT_ID:
            raise bad("message can't be edited")
        return chat, message

    def _edited(
        self, call: Arguments, chat: Chat, message: dict[str, Any], new: dict[str, Any]
    ) -> dict[str, Any]:
        """Change it; without `reply_markup` an edit takes the keyboard away."""
        changed = message | new
        changed["reply_markup"] = text.markup(self._world, call, chat)
        changed = {key: value for key, value in changed.items() if value is not None}
        if changed == message:
            raise bad(_NOT_MODIFIED)
        if self._world.rules.edits_count:
            self._limits.take(chat.id)
        changed["edit_date"] = self._world.now()
        message.clear()
        message.update(changed)
        return dict(message)
