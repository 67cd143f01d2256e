"""The idempotent Kafka producer behind `LogProducer`, and its replacement.

aiokafka counts a batch's sequence numbers when it sends it. If the broker refuses that batch for
good, the broker never sees those numbers, and every later batch of that partition is refused as
out of order (aiokafka issue 1017). Only a new producer id helps, so a refusal retires the client:
what it has in flight on other partitions may finish, everything else goes through a new one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from runtime.kafka import metrics
from runtime.kafka.compression import use_zstd_level
from runtime.kafka.connect import client_options
from runtime.kafka.errors import LogUnreachable
from runtime.settings import Settings

_log = structlog.get_logger(__name__)

RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 2.0
CLOSE_SECONDS_MAX = 5.0
"""How long one Kafka client may take to close before its tasks are cancelled."""


class Client:
    """One `AIOKafkaProducer` and how many batches it has in flight."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self.batches = 0
        self.retired = False


class Clients:
    """The current client, replaced when it cannot go on.

    Args:
        settings: brokers and limits.
        role: names the clients in the broker's logs.
    """

    def __init__(self, settings: Settings, role: str) -> None:
        use_zstd_level(settings.kafka_zstd_level)
        self._settings = settings
        self._options: dict[str, Any] = client_options(settings, role=role) | {
            "acks": "all",
            "enable_idempotence": True,
            "linger_ms": 0,  # a lane gathers what arrives while a batch is in flight
            "max_batch_size": settings.kafka_batch_bytes,
            "compression_type": None
            if settings.kafka_compression == "none"
            else settings.kafka_compression,
        }
        self._current: Client | None = None
        self._retired: set[Client] = set()
        self._ready = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect.

        Raises:
            LogUnreachable: no broker answered in `kafka_start_timeout_seconds`.
        """
        seconds = self._settings.kafka_start_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._renew()
        except TimeoutError as error:
            raise LogUnreachable(
                f"No Kafka broker answered at {self._settings.kafka_bootstrap_servers} within "
                f"{seconds:g} s. Check that Kafka runs there and KAFKA_BOOTSTRAP_SERVERS is right."
            ) from error

    async def current(self) -> Client:
        """The client to use now; waits while a new one is being made."""
        while self._current is None:
            await self._ready.wait()
        return self._current

    def retire(self, client: Client, reason: str) -> None:
        """Stop giving `client` out and make a new one; called again it does nothing."""
        if client.retired:
            return
        client.retired = True
        metrics.REPLACED.inc()
        _log.warning("kafka producer replaced", reason=reason)
        if self._current is client:
            self._current = None
            self._ready.clear()
            self._spawn(self._renew())
        self._retired.add(client)
        self._close_when_done(client)

    def took(self, client: Client) -> None:
        """Count a batch that is about to be handed to `client`."""
        client.batches += 1

    def settled(self, client: Client) -> None:
        """Count a batch of `client` that has its outcome; the last one closes a retired client."""
        client.batches -= 1
        self._close_when_done(client)

    def _close_when_done(self, client: Client) -> None:
        if client.batches == 0 and client in self._retired:
            self._retired.discard(client)
            self._spawn(close(client.producer))

    async def stop(self) -> None:
        """Close everything, each client within `CLOSE_SECONDS_MAX`."""
        for task in list(self._tasks):
            if task.get_name() == "renew":
                task.cancel()
        open_clients = [*self._retired, *([self._current] if self._current else [])]
        self._retired.clear()
        self._current = None
        await asyncio.gather(
            *self._tasks,
            *(close(client.producer) for client in open_clients),
            return_exceptions=True,
        )

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work, name=work.__name__.strip("_"))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _renew(self) -> None:
        wait_seconds = RETRY_SECONDS_MIN
        while True:
            producer = AIOKafkaProducer(**self._options)
            try:
                await producer.start()
            except KafkaError as error:
                await close(producer)
                _log.warning("kafka not reached, trying again", error=repr(error))
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, RETRY_SECONDS_MAX)
            except BaseException:
                await close(producer)
                raise
            else:
                self._current = Client(producer)
                self._ready.set()
                return


async def close(producer: AIOKafkaProducer) -> None:
    """Close within `CLOSE_SECONDS_MAX` even when the broker is gone.

    aiokafka's own `stop` waits until everything is delivered, however long the broker is away, so
    after the time is up its sending task is cancelled. Being cancelled, that task waits for the
    requests it has under way; a second cancellation reaches those.
    """
    deadline = time.monotonic() + CLOSE_SECONDS_MAX
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX / 2):
            await producer.stop()
            return
    sender = producer._sender.sender_task  # noqa: SLF001  (nothing public ends it)
    while sender is not None and not sender.done() and time.monotonic() < deadline:
        sender.cancel()
        await asyncio.wait([sender], timeout=RETRY_SECONDS_MIN)
    with contextlib.suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX / 2):
            await producer.client.close()
    _log.warning("kafka producer closed before all was delivered")
