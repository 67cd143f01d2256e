"""Updates of Telegram's that the gateway takes per second: payments, the dearest kind there is.

Each is judged (whose invoice, signed, at which price), taken once in PostgreSQL, sealed, appended
with the broker's ack, and noted as appended, before it is answered. Every update is of a payment of
its own. After each run the log is read: as many payments as were sent, none missing, none twice.
Ours is the gateway alone, with Kafka and PostgreSQL; who reads the log is not running.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence

import structlog

from benchmarks import accounts, load
from benchmarks.accounts import LoadAccount
from benchmarks.children import answers_http
from benchmarks.load import Target
from benchmarks.measuring import Figures, interleave
from benchmarks.table import Row
from benchmarks.world import World
from commands.catalogue import PACKS_BY_ID
from events.envelope import type_header_of
from events.purchases import CreditsPurchased
from events.topics import EVENTS
from gateway.money import payload
from gateway.telegram.guard import HEADER, PATH
from gateway.telegram.payments import purchase_id_of
from runtime.kafka.consumer import LogLookup, PartitionReader, TopicPartition
from runtime.ports import free_port
from runtime.process import Ready

log = structlog.get_logger(__name__)

KEY = "webhook_updates"
SECRET = "measured-secret"
CONNECTIONS = 100
"""The most that Telegram opens to a webhook (Bot API, setWebhook)."""
CUSTOMERS = 1_000
RAW_UPDATES_MAX = 20_000
SECONDS_MAX = 300.0
CPU_MS_SHOWN = 0.02
DATE = 1_767_225_600
_KIND = type_header_of(CreditsPurchased)[1]
_numbers = itertools.count(1)


class Updates:
    """Both sides under the same updates.

    Args:
        world: ours, with nothing running yet.
        count: updates of one run.
    """

    def __init__(self, world: World, count: int) -> None:
        self._world = world
        self._count = count
        self._gateway = Target(0)
        self._bare = Target(0)
        self._customers: list[LoadAccount] = []
        self.faults: list[str] = []
        """What was lost or came twice, a sentence each."""
        self.cpu = ""
        """What its processes used for an update of the last run, in ms of processor time."""

    async def start(self) -> None:
        """Start the gateway, the bare application, and make who buys."""
        ready = await self._world.start("gateway", telegram_webhook_secret=SECRET)
        assert isinstance(ready, Ready)
        self._gateway = Target(ready.port)
        self._bare = Target(free_port())
        granian = ["-m", "granian", "benchmarks.raw.asgi:app", "--interface", "asgi"]
        options = ["--loop", "uvloop", "--workers", "1", "--log-level", "warning"]
        port = ["--port", str(self._bare.port)]
        await self._world.children.start_python(
            "raw-asgi", [*granian, *options, *port], self._world.environment()
        )
        await self._world.children.ready("raw-asgi", lambda: answers_http(self._bare.port))
        settings, owner_url = self._world.settings, self._world.owner_url
        self._customers = await accounts.make_accounts(
            settings, owner_url, self._world.producer, CUSTOMERS
        )

    async def ours(self) -> Figures:
        """Taken per second, and whether the log has each once."""
        names = [f"stx{next(_numbers)}" for _ in range(self._count)]
        requests = list(_requests(self._customers, names))
        before = await self._ends()
        used = self._world.cpu_seconds()
        outcome = await load.closed_loop(
            self._gateway,
            requests,
            connections=CONNECTIONS,
            seconds=SECONDS_MAX,
            expected=200,
        )
        self._note_cpu(used, outcome.total)
        if outcome.unexpected or outcome.lost:
            self.faults.append(f"not all were taken: {outcome.statuses} {outcome.unexpected!r}")
        told = await self._told(before)
        wanted = {purchase_id_of(name) for name in names}
        missing, twice = len(wanted - told.keys()), sum(1 for count in told.values() if count > 1)
        if missing or twice:
            self.faults.append(f"{missing} lost, {twice} twice")
        return {KEY: outcome.accepted_per_second(200)}

    async def raw(self) -> Figures:
        """The same requests to an application that does nothing."""
        count = min(self._count, RAW_UPDATES_MAX)
        requests = list(_requests(self._customers, [f"raw{number}" for number in range(count)]))
        outcome = await load.closed_loop(
            self._bare, requests, connections=CONNECTIONS, seconds=SECONDS_MAX
        )
        return {KEY: outcome.per_second}

    def _note_cpu(self, before: dict[str, float], count: int) -> None:
        """What each process used for an update: on a busy machine this moves less than the rate."""
        used = {
            name: 1000 * (now - before.get(name, 0.0)) / max(1, count)
            for name, now in self._world.cpu_seconds().items()
        }
        shown = [f"{name} {ms:.2f}" for name, ms in used.items() if ms >= CPU_MS_SHOWN]
        self.cpu = f"{sum(used.values()):.2f} ({', '.join(shown)})"

    async def _ends(self) -> dict[tuple[str, int], int]:
        async with LogLookup(self._world.settings) as lookup:
            count = await self._world.producer.partitions(EVENTS)
            places = [(EVENTS, number) for number in range(count)]
            ends = await lookup.end_offsets(places)
        return {place: ends[TopicPartition(*place)] for place in places}

    async def _told(self, before: dict[tuple[str, int], int]) -> Counter[str]:
        """How often each purchase stands in the log since then, by its correlation id."""
        ends = await self._ends()
        told: Counter[str] = Counter()
        reader = PartitionReader(self._world.settings, before, name="bench-updates")
        await reader.start()
        try:
            while any((reader.position(*place) or 0) < ends[place] for place in ends):
                for records in (await reader.get()).values():
                    for one in records:
                        headers = dict(one.headers)
                        if headers.get("ce_type") == _KIND:
                            told[headers["correlationid"].decode()] += 1
        finally:
            await reader.stop()
        return told


async def measure(world: World, repeats: int, count: int) -> list[Row]:
    """The row: `repeats` times `count` updates."""
    row = Row(
        KEY,
        "webhook updates (payments)",
        "per second",
        raw_is="the same requests to a bare ASGI application",
        target="≥ 2,000",
    )
    sides = Updates(world, count)
    await sides.start()
    await interleave([row], repeats, ours=sides.ours, raw=sides.raw)
    row.note(f"processor time for an update, in ms: {sides.cpu}")
    for fault in sides.faults:
        row.note(fault)
    if row.ours and not sides.faults:
        row.note(f"{len(row.ours)} runs of {count:,} updates: none lost, none twice")
    return [row]


def _requests(customers: Sequence[LoadAccount], charges: Sequence[str]) -> Iterator[bytes]:
    """An update for each charge, its customers taking turns."""
    pack = PACKS_BY_ID["starter"]
    payloads = []
    for one in customers:
        invoice = payload.invoice_of(one.account_id, uuid.uuid4(), pack)
        payloads.append(payload.write(invoice, one.key))
    update_id = time.time_ns() // 1_000_000
    headers = {HEADER.decode(): SECRET}
    for number, charge in enumerate(charges):
        who = number % len(customers)
        person = {"id": 1_000_000 + who, "is_bot": False, "first_name": "Ada"}
        paid = {
            "currency": "XTR",
            "total_amount": pack.stars,
            "invoice_payload": payloads[who],
            "telegram_payment_charge_id": charge,
            "provider_payment_charge_id": "",
        }
        message = {
            "message_id": number,
            "from": person,
            "chat": {"id": person["id"], "type": "private", "first_name": "Ada"},
            "date": DATE,
            "successful_payment": paid,
        }
        yield load.request(
            "POST", PATH, headers, {"update_id": update_id + number, "message": message}
        )
