"""Who cannot be written to any more: into the log, and nothing more is sent to them.

Telegram tells by its webhook when somebody blocks the bot (`gateway.telegram.chat_member`), but not
to a bot that was not listening, and not of accounts that were deleted. A refused message tells it
as well.
"""

from __future__ import annotations

from typing import Final

from events.codec import encode
from events.envelope import headers_for
from events.ids import AccountId, fact_id
from events.telegram import TelegramChatChanged
from events.topics import EVENTS
from processors.messages.outbox import Claim, Outbox
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing

SOURCE: Final = "/pixelpop/messages"
NO_UPDATE: Final = 0
"""No update told it: of one second, an update that Telegram sent counts more."""


class Unreachable:
    """Tells the log.

    Args:
        outbox: where messages wait.
        producer: the project's own.
        clock: the log's.
    """

    def __init__(self, outbox: Outbox, producer: LogProducer, clock: BrokerClock) -> None:
        self._outbox = outbox
        self._producer = producer
        self._clock = clock

    async def tell(self, claim: Claim) -> None:
        """The person of this claim cannot be written to; safe to repeat.

        Raises:
            PixelpopError: it is not known to be in the log.
        """
        account_id = AccountId(str(claim.account_id))
        # In whole seconds, as Telegram tells times.
        at_ms = self._clock.now_ms() // 1000 * 1000
        event = TelegramChatChanged(
            account_id=account_id, occurred_at_ms=at_ms, reachable=False, update_id=NO_UPDATE
        )
        event_id = fact_id(account_id, f"unreachable:{claim.message_id}")
        headers = headers_for(
            event, event_id, source=SOURCE, time_ms=at_ms, correlation_id=account_id
        )
        await self._producer.append(EVENTS, Outgoing(account_id.encode(), encode(event), headers))
        await self._outbox.skip_all(claim.account_id, "blocked")
