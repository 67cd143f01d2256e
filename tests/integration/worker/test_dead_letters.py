"""Claims about the way back out of the DLQ."""

from __future__ import annotations

import uuid

import pytest

from events.generations import GenerationFailed, GenerationRequested
from events.ids import fact_id, generation_id
from events.topics import EVENTS
from processors import dlq, dlq_admin
from processors.dlq import DeadLetter
from processors.dlq_retry import CannotRetry
from processors.providers import ProviderMisconfigured
from runtime.crypto.sealing import unseal
from runtime.kafka.records import Record
from runtime.settings import Settings
from tests.integration.worker.bench import bench
from tests.integration.worker.desk import Desk


async def test_a_settled_job_is_asked_for_anew(desk: Desk, worker_settings: Settings) -> None:
    """Its credits went back, so a retry is another generation with the same wishes, once."""
    account_id = await desk.account()
    job = desk.job(account_id, prompt="a red kite", style_id="neon", count=3)
    async with bench(worker_settings, ProviderMisconfigured("bad key")) as one:
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationFailed)
    await desk.wait_for(lambda: desk.dead, "the dead letter")
    position = DeadLetter(desk.dead[0]).position
    assert await dlq_admin.retry(desk.settings, position) == 0
    assert await dlq_admin.retry(desk.settings, position) == 0
    again = generation_id(account_id, f"dlq {position}")
    await desk.wait_for(lambda: len(desk.said(again, GenerationRequested)) == 2, "both requests")
    request = desk.said(again, GenerationRequested)[0]
    assert (request.style_id, request.count, request.seed) == ("neon", 3, job.request.seed)
    opened = unseal(
        desk.key_of(account_id),
        request.prompt,
        account_id=uuid.UUID(account_id),
        event_id=uuid.UUID(fact_id(again, "requested")),
        field="prompt",
    )
    assert opened == "a red kite"


async def test_an_erased_accounts_job_has_no_way_back(
    desk: Desk, worker_settings: Settings
) -> None:
    """Without the key nobody can ask for the same again, and the command says so."""
    account_id = await desk.account()
    job = desk.job(account_id)
    async with bench(worker_settings, ProviderMisconfigured("bad key")) as one:
        await one.perform(job)
    await desk.wait_for(lambda: desk.dead, "the dead letter")
    await desk.erase_key(account_id)
    with pytest.raises(CannotRetry, match="erased"):
        await dlq_admin.retry(desk.settings, DeadLetter(desk.dead[0]).position)


async def test_a_record_of_the_log_is_not_appended_twice(desk: Desk) -> None:
    """What could not be read in the event log stands there already."""
    record = Record(EVENTS, 0, 5, 0, b"key", b"poison", ())
    at = await dlq.write(desk.producer, record, code="poison", error="why", attempts=1)
    with pytest.raises(CannotRetry, match="event log"):
        await dlq_admin.retry(desk.settings, f"{at.partition}:{at.offset}")
