"""What people do in their Telegram clients, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runtime.waiting import until
from tests.fakes.telegram import photos
from tests.fakes.telegram.messages import post
from tests.fakes.telegram.state import BOT_ID, Charge, Chat, Query

if TYPE_CHECKING:
    from tests.fakes.telegram.server import Telegram


class NotPaid(Exception):
    """The payment did not happen; its text is what the person is shown."""


class Person:
    """One of them; `chat` is the private chat with the bot."""

    def __init__(self, telegram: Telegram, document: dict[str, Any]) -> None:
        self._telegram = telegram
        self.document = document
        self.id: int = document["id"]

    @property
    def chat(self) -> Chat:
        return self._telegram.world.chats[self.id]

    @property
    def inbox(self) -> list[dict[str, Any]]:
        """What the bot has written to this person and not deleted, as it is now."""
        return [one for one in self.chat.messages.values() if one["from"]["id"] == BOT_ID]

    async def sees(self, words: str, timeout_seconds: float = 10.0) -> dict[str, Any]:
        """The newest message of the bot that says this, in text or caption; waits for it."""

        def found() -> dict[str, Any] | None:
            for one in reversed(self.inbox):
                if words in one.get("text", "") or words in one.get("caption", ""):
                    return one
            return None

        message = await until(found, timeout_seconds, what=f"a message: {words}")
        assert message is not None
        return message

    def starts(self, payload: str = "") -> dict[str, Any]:
        """Press START, or follow a deep link with that payload."""
        return self.sends(f"/start {payload}".rstrip())

    def sends(
        self,
        text: str,
        *,
        reply_to: dict[str, Any] | None = None,
        chat: Chat | None = None,
        **content: Any,
    ) -> dict[str, Any]:
        """Write to the bot, or into a group it is in; the message."""
        entities = None
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            entities = [{"type": "bot_command", "offset": 0, "length": length}]
        return self._posts(chat, text=text, entities=entities, reply_to_message=reply_to, **content)

    def sends_photo(
        self, data: bytes, caption: str | None = None, *, chat: Chat | None = None
    ) -> dict[str, Any]:
        """Send a picture; the message."""
        sizes = photos.stored(self._telegram.world, data)
        return self._posts(chat, photo=sizes, caption=caption)

    def sends_file(self, data: bytes, mime_type: str, caption: str | None = None) -> dict[str, Any]:
        """Send a file as it is, not as a picture; the message."""
        document = photos.as_file(self._telegram.world, data, mime_type)
        return self._posts(None, document=document, caption=caption)

    def _posts(self, chat: Chat | None, **content: Any) -> dict[str, Any]:
        place = chat or self.chat
        assert not place.is_blocked, "who has blocked the bot cannot write to it"
        place.is_started = True
        message = post(self._telegram.world, place, self.document, **content)
        self._telegram.updates.push(message=message)
        return message

    def presses(self, button: str, message: dict[str, Any] | None = None) -> Query | str:
        """Press the button with that label; of the newest message that has one, if none is named.

        Returns:
            The callback query, or where the button leads.
        """
        places = [message] if message else reversed(self.inbox)
        for one in places:
            for row in one.get("reply_markup", {}).get("inline_keyboard", []):
                for each in row:
                    if button in {each["text"], each.get("callback_data")}:
                        return self._pressed(one, each)
        raise AssertionError(f"no button {button!r} is to be seen")

    def _pressed(self, message: dict[str, Any], button: dict[str, Any]) -> Query | str:
        if "callback_data" not in button:
            app = button.get("web_app", {}).get("url", "")
            return str(button.get("url") or app or button["text"])
        query = self._telegram.world.query(self.id)
        self._telegram.updates.push(
            callback_query={
                "id": query.id,
                "from": self.document,
                "message": dict(message),
                "chat_instance": str(message["chat"]["id"]),
                "data": button["callback_data"],
            }
        )
        return query

    async def pays(self, invoice: str | dict[str, Any], *, timeout_seconds: float = 10.0) -> Charge:
        """Pay the invoice of a link or of a message: pre-checkout, then the payment.

        Raises:
            NotPaid: the bot said no, or nothing within 10 seconds.
        """
        world = self._telegram.world
        key = invoice
        if isinstance(invoice, dict):
            key = f"{invoice['chat']['id']}/{invoice['message_id']}"
        offered = world.invoices[str(key)]
        query = world.query(self.id)
        asked = self._telegram.updates.push(
            pre_checkout_query={
                "id": query.id,
                "from": self.document,
                "currency": "XTR",
                "total_amount": offered.amount,
                "invoice_payload": offered.payload,
            }
        )
        if asked is None:
            self._telegram.findings.append("a payment, and no pre_checkout_query is asked for")

        def is_over() -> bool:
            late = world.clock.now() - query.asked_at > world.rules.pre_checkout_seconds
            return late or query.answer is not None

        await until(is_over, timeout_seconds + 1, what="an answer to pre_checkout_query")
        if query.answer is None:
            raise NotPaid("the bot did not answer in time")
        if not query.answer["ok"]:
            raise NotPaid(query.answer["error_message"])
        return self._telegram.payments.charge(self.id, offered)

    def renews(self, charge: Charge) -> Charge | None:
        """The next month of a subscription is paid, without a pre-checkout; None: it was cancelled.

        The clock must have come to the end of the period.
        """
        assert charge.invoice.subscription_period
        if charge.is_canceled:
            return None
        assert self._telegram.world.now() >= charge.expires_at, "the period is not over"
        return self._telegram.payments.charge(self.id, charge.invoice, renews=True)

    def changes_subscription(self, charge: Charge, state: str) -> None:
        """Say `canceled`, `active` or `failed` (BotSubscriptionUpdated)."""
        charge.is_canceled = state != "active"
        told = {"user": self.document, "invoice_payload": charge.invoice.payload, "state": state}
        self._telegram.updates.push(subscription=told)

    def asks_inline(self, query: str, offset: str = "") -> Query:
        """Type `@bot query` in some chat; the query, whose `answer` fills when the bot answers."""
        one = self._telegram.world.query(self.id)
        self._telegram.updates.push(
            inline_query={"id": one.id, "from": self.document, "query": query, "offset": offset}
        )
        return one

    def chooses(self, query: Query, result_id: str) -> dict[str, Any] | None:
        """Send one of an inline query's results; the update, where inline feedback is on for all.

        A client that lies may name any result.
        """
        return self._telegram.updates.push(
            chosen_inline_result={
                "result_id": result_id,
                "from": self.document,
                "query": "",
                "inline_message_id": f"inline-{query.id}",
            }
        )

    def shares(self, prepared_id: str) -> dict[str, Any]:
        """Send a prepared message; what the friend sees.

        Raises:
            KeyError: not prepared for this person, or expired.
        """
        prepared = self._telegram.world.prepared[prepared_id]
        if prepared["user_id"] != self.id or self._telegram.world.now() >= prepared["until"]:
            raise KeyError(prepared_id)
        result: dict[str, Any] = prepared["result"]
        return result

    def blocks_bot(self) -> None:
        """Stop the bot (ChatMemberUpdated: in private chats only for blocking and unblocking)."""
        self._member("member", "kicked")
        self.chat.is_blocked = True

    def unblocks_bot(self) -> None:
        """Press RESTART."""
        self.chat.is_blocked = False
        self._member("kicked", "member")

    def deactivates(self) -> None:
        """Delete the Telegram account."""
        self.chat.is_deactivated = True

    def _member(self, old: str, new: str) -> None:
        world = self._telegram.world
        self._telegram.updates.push(
            my_chat_member={
                "chat": self.chat.document(self.document),
                "from": self.document,
                "date": world.now(),
                "old_chat_member": {"user": world.bot, "status": old, "until_date": 0},
                "new_chat_member": {"user": world.bot, "status": new, "until_date": 0},
            }
        )
