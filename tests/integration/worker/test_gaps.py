"""Claims about noticing that Faust skipped a job."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from events.topics import JOBS
from processors.worker.gaps import Gaps, open_gaps
from processors.worker.intake import RecordsSkipped
from processors.worker.work import Delivery
from runtime.kafka.records import Position
from tests.integration.worker.bench import delivered
from tests.integration.worker.desk import Desk

pytestmark = pytest.mark.usefixtures("from_here")


@pytest_asyncio.fixture(loop_scope="session")
async def gaps(desk: Desk) -> AsyncIterator[Gaps]:
    async with open_gaps(desk.settings, desk.settings.worker_group) as opened:
        yield opened


async def appended(desk: Desk) -> list[Delivery]:
    """Three jobs in one partition, after what the group has committed."""
    account_id = await desk.account()
    deliveries = []
    for _ in range(3):
        job = desk.job(account_id)
        at: Position = await desk.put(job, partition=2)
        deliveries.append(replace(delivered(job, at.offset), topic=JOBS, partition=2))
    return deliveries


async def test_an_assignment_that_begins_where_it_must_is_fine(desk: Desk, gaps: Gaps) -> None:
    """The first record after what is committed has nothing before it."""
    first, *_ = await appended(desk)
    await gaps.check(first, None)


async def test_an_assignment_that_begins_too_late_is_noticed(desk: Desk, gaps: Gaps) -> None:
    """A first delivery that leaves out an uncommitted job stops the worker."""
    _, second, _ = await appended(desk)
    with pytest.raises(RecordsSkipped):
        await gaps.check(second, None)


async def test_a_jump_over_a_job_is_noticed(desk: Desk, gaps: Gaps) -> None:
    """From the first to the third there is one that was not delivered."""
    first, _, third = await appended(desk)
    with pytest.raises(RecordsSkipped):
        await gaps.check(third, first.offset)


async def test_a_step_to_the_next_job_is_fine(desk: Desk, gaps: Gaps) -> None:
    """Offsets that follow each other leave nothing out."""
    first, second, _ = await appended(desk)
    await gaps.check(second, first.offset)
