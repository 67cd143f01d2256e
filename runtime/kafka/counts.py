"""How many partitions each topic has: asked once, since it never changes, and in order.

Whoever asks first waits for the brokers. Those who come later must not overtake it when the answer
is there, or their records would stand before its own.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from aiokafka.errors import KafkaError

from runtime.kafka.clients import Clients
from runtime.kafka.errors import LogOverloaded


class PartitionCounts:
    """The partition counts of the topics that one producer writes to.

    Args:
        clients: whom to ask.
        timeout_seconds: how long an answer may take.
    """

    def __init__(self, clients: Clients, timeout_seconds: float) -> None:
        self._clients = clients
        self._timeout_seconds = timeout_seconds
        self._counts: dict[str, int] = {}
        self._asking: defaultdict[str, int] = defaultdict(int)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def known(self, topic: str) -> int | None:
        """The count; None if it must be asked for, or somebody before is still waiting for it."""
        return None if self._asking.get(topic) else self._counts.get(topic)

    async def ask(self, topic: str) -> int:
        """The count; callers get it in the order in which they asked.

        Raises:
            LogOverloaded: the brokers did not say in time, or the topic does not exist.
        """
        self._asking[topic] += 1
        try:
            async with asyncio.timeout(self._timeout_seconds), self._turns[topic]:
                if topic not in self._counts:
                    client = await self._clients.current()
                    found = await client.producer.partitions_for(topic)
                    self._counts[topic] = len(found)
                return self._counts[topic]
        except (TimeoutError, KafkaError) as error:
            reason = "no answer in time" if isinstance(error, TimeoutError) else repr(error)
            raise LogOverloaded(
                f"The partitions of {topic} could not be found out: {reason}."
            ) from error
        finally:
            self._asking[topic] -= 1
