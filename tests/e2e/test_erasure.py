"""After an erasure nothing personal is left, wherever one looks; and the books still verify."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer

from events.fold import apply
from events.ids import AccountId
from events.reading import Poison, read
from events.state import Account, balanced
from events.topics import DLQ, EVENTS, TOPICS
from runtime.embedded.servers import attach
from runtime.kafka.connect import client_options
from runtime.settings import Settings, load
from runtime.waiting import until
from tests.e2e.conftest import Kept
from tests.e2e.system import System, wish

TELEGRAM_ID = 7_739_130_277
RETURNING_ID = 7_739_130_288
CANARIES = (
    str(TELEGRAM_ID),
    "Canarina",
    "canary_username",
    "canary prompt about zebras",
    "canary negative words",
    "canary under way",
)


async def _sign_in(
    system: System, http: httpx.AsyncClient, telegram_id: int = TELEGRAM_ID
) -> tuple[str, dict[str, str]]:
    init_data = system.init_data(telegram_id, first_name=CANARIES[1], username=CANARIES[2])
    answer = await http.post("/auth/login", json={"init_data": init_data})
    assert answer.status_code == 200, answer.text
    login = answer.json()
    return login["user"]["id"], {"Authorization": f"Bearer {login['access_token']}"}


async def _live(http: httpx.AsyncClient, me: dict[str, str]) -> None:
    """Buy, ask, look, change, export: whatever could leave a trace."""
    bought = await http.post(
        "/purchases", json={"pack_id": "starter"}, headers=me | {"Idempotency-Key": "p1"}
    )
    assert bought.status_code == 201, bought.text
    made = await http.post(
        "/generations",
        json=wish(prompt=CANARIES[3], negative_prompt=CANARIES[4]),
        headers=me | {"Idempotency-Key": CANARIES[3].replace(" ", "-"), "Prefer": "wait=30"},
    )
    assert made.json()["status"] == "done", made.text
    assert (await http.get("/generations", headers=me)).status_code == 200
    changed = await http.patch("/me", json={"language": "de"}, headers=me)
    assert changed.status_code == 200, changed.text

    async def exported() -> bool:
        return (await http.get("/me/export", headers=me)).status_code == 200

    await until(exported, 30, every_seconds=0.5, what="the export")
    under_way = await http.post(
        "/generations", json=wish(prompt=CANARIES[5]), headers=me | {"Idempotency-Key": "late"}
    )
    assert under_way.status_code == 202, under_way.text


async def _log_of(settings: Settings) -> dict[str, list[Any]]:
    """Every record of every topic."""
    consumer = AIOKafkaConsumer(
        *(topic.name for topic in TOPICS),
        **client_options(settings, role="test"),
        auto_offset_reset="earliest",
        group_id=None,
        enable_auto_commit=False,
    )
    found: dict[str, list[Any]] = defaultdict(list)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        waiting = {tp for tp, end in ends.items() if end}
        while waiting:
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                found[tp.topic] += records
            waiting = {tp for tp in waiting if await consumer.position(tp) < ends[tp]}
    finally:
        await consumer.stop()
    return found


async def _rows_of(settings: Settings) -> list[str]:
    """Every row of every table of ours, as text."""
    connection = await asyncpg.connect(settings.database_url)
    try:
        tables = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables "
            "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        found = []
        for table in tables:
            query = "SELECT t::text AS content FROM " + table["name"] + " AS t"
            found += [f"{table['name']}: {row['content']}" for row in await connection.fetch(query)]
        return found
    finally:
        await connection.close()


async def _finished(settings: Settings) -> bool:
    connection = await asyncpg.connect(settings.database_url)
    try:
        query = "SELECT bool_and(done_at IS NOT NULL AND settled_at IS NOT NULL) FROM erasures"
        return bool(await connection.fetchval(query))
    finally:
        await connection.close()


def _files_of(data_dir: Path) -> Iterator[Path]:
    """Everything that is stored but the insides of Kafka and PostgreSQL, which were asked."""
    for file in data_dir.rglob("*"):
        if file.is_file() and file.relative_to(data_dir).parts[0] not in {"kafka", "postgres"}:
            yield file


def _hits(texts: Any) -> list[str]:
    """Where a canary is: as it is, and as the digits of its bytes."""
    wanted = [canary for one in CANARIES for canary in (one, one.encode().hex())]
    return [text[:500] for text in texts if any(canary in text for canary in wanted)]


def _text_of(record: Any) -> str:
    parts = [record.topic, repr(record.key), (record.value or b"").decode(errors="replace")]
    return " ".join([*parts, *(f"{name}={content!r}" for name, content in record.headers)])


async def test_who_comes_back_is_somebody_new(system: System) -> None:
    """A second sign-in after an erasure: another account, no welcome, nothing of the old one."""
    async with httpx.AsyncClient(base_url=system.address, timeout=40) as http:
        account, me = await _sign_in(system, http, RETURNING_ID)
        await http.delete("/me", headers=me)
        again, mine = await _sign_in(system, http, RETURNING_ID)
        assert again != account
        assert (await http.get("/credits", headers=mine)).json()["granted"] == 0
        assert (await http.get("/me", headers=mine)).json()["telegram_id"] == RETURNING_ID
        assert (await http.get("/me", headers=me)).status_code == 401
        refused = await http.post(
            "/generations", json=wish(), headers=mine | {"Idempotency-Key": "broke"}
        )
        assert refused.status_code == 402
        await http.delete("/me", headers=mine)  # the next test finds nothing of them


async def test_a_full_replay_holds_no_personal_byte(system: System, kept: Kept) -> None:
    """Threat 40: topics, tables, objects, snapshots, logs and DLQ hold none of what was planted;
    what is somebody else's stays.
    """
    async with httpx.AsyncClient(base_url=system.address, timeout=40) as http:
        account, me = await _sign_in(system, http)
        settings = attach(load(system.environment))
        await _live(http, me)
        assert _hits(await _rows_of(settings)), "the test must be able to find something"
        erased = await http.delete("/me", headers=me)
        assert erased.status_code == 202, erased.text
        assert (await http.get("/me", headers=me)).status_code == 401
        await until(
            lambda: _finished(settings), 60, every_seconds=0.5, what="the erasure to be finished"
        )
        log = await _log_of(settings)
        assert _hits(map(_text_of, [one for records in log.values() for one in records])) == []
        assert _hits(await _rows_of(settings)) == []
        assert log[DLQ] == []
        _verify(log[EVENTS], AccountId(account))
        await kept.is_there(http)
    assert await system.stop() == 0  # which leaves snapshots
    contents = [
        f"{file}: {file.read_bytes().decode(errors='replace')}"
        for file in _files_of(system.data_dir)
        if file.name != "secrets.json"
    ]
    assert any("snapshots" in content for content in contents)
    assert [hit[:200] for hit in _hits(contents)] == []
    assert _hits(system.output) == []
    assert not any("Traceback" in line for line in system.output)


def _verify(records: list[Any], account_id: AccountId) -> None:
    """Fold the whole log: no decision is void, every sum holds, the erased account has nothing."""
    states: dict[str, Account] = {}
    for record in sorted(records, key=lambda one: (one.partition, one.offset)):
        recorded = read(record.key, record.value, record.headers, record.timestamp)
        assert not isinstance(recorded, Poison), recorded
        name = recorded.event.account_id
        before = states.get(name) or Account(account_id=name)
        states[name], void = apply(before, recorded)
        assert void is None
        assert balanced(states[name])
    account = states[account_id]
    assert account.erased is not None
    assert (account.available, account.reserved, account.debt, account.open) == (0, 0, 0, {})
