"""Reading the whole log again has no effect outside: nothing appended, stored, paid or sent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from events.codec import encode
from events.envelope import headers_for
from events.ids import AccountId, SourceId, fact_id
from events.purchases import CreditsPurchased
from events.topics import EVENTS, JOBS
from runtime.embedded.servers import attach
from runtime.kafka.connect import client_options
from runtime.kafka.lookup import end_offsets
from runtime.kafka.partitioner import partition_for
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing
from runtime.settings import Settings, load, variables
from runtime.waiting import until
from tests.e2e import trapped
from tests.e2e.system import ROOT, System, sign_in, wish
from tests.fakes.receiver import Receiver
from tests.fakes.telegram.server import Telegram

READS_JOBS = {"worker_group": JOBS}
"""What the consumer group of a setting reads, where that is not the log."""
ANSWERED_SECONDS = 60
QUIET = """
SELECT
    (SELECT count(*) FROM bot_messages WHERE state = 'pending')
    + (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending')
    + (SELECT count(*) FROM erasures WHERE done_at IS NULL OR settled_at IS NULL)
    + (SELECT count(*) FROM provider_calls WHERE state NOT IN ('reported', 'failed', 'cancelled'))
"""


class Told(System):
    """One with a bot, whose erasures are soon finished; it can be started again with traps."""

    def __init__(self, data_dir: Path, telegram: Telegram) -> None:
        super().__init__(data_dir)
        self.traps = data_dir.parent / "traps"
        self._telegram = telegram
        self.groups = "first"

    @property
    def environment(self) -> dict[str, str]:
        groups = {
            env: f"test-{self.groups}-{field.name.replace('_', '-')}"
            for env, field, _ in variables()
            if field.name.endswith("_group")
        }
        return (
            super().environment
            | groups
            | {
                trapped.TRAP_FILE: str(self.traps),
                "TELEGRAM_API_BASE": self._telegram.base_url,
                "TELEGRAM_BOT_TOKEN": self._telegram.token,
                "PIXELPOP_ERASURE_SWEEP_AGAIN_SECONDS": "1",
                "PIXELPOP_PREVIEWS": "small",
                "PIXELPOP_WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
            }
        )

    @contextlib.asynccontextmanager
    async def beside(self, name: str) -> AsyncIterator[None]:
        """One more of a process that runs, in a group that has read nothing."""
        processes = json.loads((self.data_dir / "processes.json").read_text())
        same = psutil.Process(processes[name]["pid"])
        group = "WEBHOOK_GROUP" if name == "webhooks" else f"{name.upper()}_GROUP"
        own = {f"PIXELPOP_{group}": f"test-forgetful-{name}", "PIXELPOP_SLOT": "2"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self.module, name), cwd=ROOT, env=same.environ() | own
        )
        try:
            yield
        finally:
            process.terminate()
            await process.wait()

    @property
    def settings(self) -> Settings:
        """With the servers that run, as their owner."""
        return attach(load(self.environment))


@pytest_asyncio.fixture(loop_scope="session")
async def telegram() -> AsyncIterator[Telegram]:
    async with Telegram() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


async def _live(system: Told, telegram: Telegram, receiver: Receiver) -> None:
    """Have something of everything in the log: what is made, told, paid, refused and erased."""
    async with httpx.AsyncClient(base_url=system.address, timeout=40) as http:
        for user in (501, 502):
            person = telegram.person(user_id=user)
            person.starts()
            me = await sign_in(system, http, user)

            async def post(path: str, key: str, body: Any, me: Any = me) -> httpx.Response:
                return await http.post(path, json=body, headers=me | {"Idempotency-Key": key})

            hook = await post("/webhooks", "w", {"url": receiver.url()})
            assert hook.status_code == 201, hook.text
            bought = await post("/purchases", "p", {"pack_id": "starter"})
            assert bought.status_code == 201, bought.text

            async def bought_and_granted(me: Any = me) -> bool:
                return (await http.get("/credits", headers=me)).json()["available"] > 10

            await until(bought_and_granted, ANSWERED_SECONDS, 0.2, what="the credits")
            for number in range(2):
                made = await http.post(
                    "/generations",
                    json=wish(count=number + 1),
                    headers=me | {"Idempotency-Key": f"g{number}", "Prefer": "wait=30"},
                )
                assert made.json()["status"] == "done", made.text
            refused = await post("/generations", "bad", wish(prompt="child porn"))
            assert refused.status_code == 422, refused.text
            person.sends("/generate a lighthouse")
            # Nothing may be under way at the erasure: what comes late is deleted once more when the
            # log is read once more, which is as harmless as the first time.
            await person.sees("Done. ", ANSWERED_SECONDS)
            offered = await post("/purchases", "stars", {"pack_id": "starter", "provider": "stars"})
            assert offered.status_code == 201, offered.text
            await person.pays(offered.json()["payment_url"])

            async def paid(me: Any = me) -> bool:
                items = (await http.get("/purchases", headers=me)).json()["items"]
                return any(one["provider"] == "stars" for one in items)

            await until(paid, ANSWERED_SECONDS, 0.2, what="the purchase by Stars")
            deleted = await http.delete(f"/generations/{made.json()['id']}", headers=me)
            assert deleted.status_code in {200, 202, 204}, deleted.text
        erased = await http.delete("/me", headers=me)
        assert erased.status_code == 202, erased.text


async def _ends(settings: Settings, topic: str) -> dict[int, int]:
    tps = [(topic, number) for number in range(settings.kafka_partitions)]
    return {tp.partition: end for tp, end in (await end_offsets(settings, tps)).items()}


async def _quiet(settings: Settings) -> None:
    """Wait until nothing is under way and nobody appends."""
    connection = await asyncpg.connect(settings.database_url)
    last: dict[int, int] = {}

    async def quiet() -> bool:
        nonlocal last
        before, last = last, await _ends(settings, EVENTS)
        return before == last and not await connection.fetchval(QUIET)

    try:
        await until(quiet, ANSWERED_SECONDS, every_seconds=1.0, what="nothing to be under way")
    finally:
        await connection.close()


async def _caught_up(settings: Settings) -> None:
    """Wait until every consumer group has acked all that it reads."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        for _, field, _ in variables():
            if not field.name.endswith("_group"):
                continue
            ends = await _ends(settings, READS_JOBS.get(field.name, EVENTS))
            group = getattr(settings, field.name)

            async def reached(group: str = group, ends: dict[int, int] = ends) -> bool:
                found = await admin.list_consumer_group_offsets(group)
                committed = {tp.partition: one.offset for tp, one in found.items()}
                return all(committed.get(one, 0) >= end for one, end in ends.items())

            await until(reached, ANSWERED_SECONDS, 0.2, what=f"{group} to reach {ends}")
    finally:
        await admin.close()


async def _pay_everywhere(settings: Settings) -> set[str]:
    """A purchase in every partition, of accounts that the log has not seen; those accounts."""
    producer = LogProducer(settings, role="test")
    await producer.start()
    accounts: dict[int, str] = {}
    try:
        while len(accounts) < settings.kafka_partitions:
            account = AccountId(str(uuid.uuid4()))
            number = partition_for(account.encode(), settings.kafka_partitions)
            if number in accounts:
                continue
            accounts[number] = account
            event = CreditsPurchased(
                account_id=account,
                occurred_at_ms=1,
                purchase_id=SourceId(str(uuid.uuid4())),
                provider="local",
                pack_id="starter",
                credits=1,
                amount=1,
                currency="XTR",
            )
            event_id = fact_id(event.purchase_id, "purchased")
            headers = headers_for(
                event, event_id, source="/test", time_ms=1, correlation_id=account
            )
            await producer.append(EVENTS, Outgoing(account.encode(), encode(event), headers))
    finally:
        await producer.stop()
    return set(accounts.values())


@pytest.mark.timeout(600)
async def test_reading_the_whole_log_again_calls_nobody(
    tmp_path: Path, telegram: Telegram, receiver: Receiver
) -> None:
    """Every process reads the log from its beginning, and no client with effects is called once.

    The traps are then shown to work: what is new in the log springs the deciders', in every
    partition, so they had read all before it; and what forgot that it was told springs the others.
    """
    system = Told(tmp_path / "data", telegram)
    await system.start()
    try:
        await _live(system, telegram, receiver)
        await _quiet(system.settings)
        events = await _ends(system.settings, EVENTS)
    finally:
        assert await system.stop() == 0
    assert sum(events.values()) > 40
    called, received = _effects(telegram), len(receiver.received)
    assert called
    assert received

    system.module, system.groups = "tests.e2e.trapped", "again"
    await system.start()
    try:
        settings = system.settings
        await _caught_up(settings)
        assert trapped.read(system.traps) == []
        assert await _ends(settings, EVENTS) == events
        assert (_effects(telegram), len(receiver.received)) == (called, received)

        accounts = await _pay_everywhere(settings)

        def all_met() -> bool:
            sprung = [one for one in trapped.read(system.traps) if one.process == "decider"]
            return accounts <= {one for each in sprung for one in each.about.split()}

        await until(all_met, ANSWERED_SECONDS, 0.2, what="the deciders' traps to be sprung")
        about = {one for each in trapped.read(system.traps) for one in each.about.split()}
        assert about == accounts
        await _forget_what_was_told(settings)

        def others_met() -> bool:
            sprung = {(one.process, one.call) for one in trapped.read(system.traps)}
            return {("messages", "Telegram"), ("webhooks", "GuardedClient.post")} <= sprung

        async with system.beside("messages"), system.beside("webhooks"):
            await until(others_met, ANSWERED_SECONDS, 0.2, what="the others' traps to be sprung")
    finally:
        await system.stop()
    assert (_effects(telegram), len(receiver.received)) == (called, received)


def _effects(telegram: Telegram) -> int:
    """Calls that changed something at Telegram."""
    return sum(not one.method.startswith(trapped.READS) for one in telegram.calls)


async def _forget_what_was_told(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url)
    try:
        await connection.execute("DELETE FROM bot_messages")
        await connection.execute("DELETE FROM webhook_deliveries")
    finally:
        await connection.close()
