"""Claims as another worker left them, put straight into the table."""

from __future__ import annotations

import uuid

from events.jobs import GenerateJob
from tests.integration.worker.desk import Desk


async def left_by_another(
    desk: Desk, job: GenerateJob, state: str, *, lease_seconds: float = -1.0, **columns: object
) -> None:
    """Put a claim there, as a worker that is gone left it."""
    values = dict.fromkeys(("result", "provider_ref", "asked", "expected", "holder")) | columns
    values = {"attempt": 1, "lease_epoch": 7, "provider": "local"} | values
    await desk.execute(
        "INSERT INTO provider_calls (generation_id, attempt, account_id, state, lease_epoch, "
        "lease_until, provider, provider_ref, result, asked, expected, "
        "holder) VALUES ($1, $2, $3, $4, $5, "
        "clock_timestamp() + make_interval(secs => $6), $7, $8, $9, $10, $11, $12)",
        uuid.UUID(job.generation_id),
        values["attempt"],
        uuid.UUID(job.account_id),
        state,
        values["lease_epoch"],
        lease_seconds,
        values["provider"],
        values["provider_ref"],
        values["result"],
        values["asked"],
        values["expected"],
        values["holder"],
    )


async def kept(desk: Desk, job: GenerateJob) -> tuple[str, int]:
    """State and attempt of the latest claim."""
    claim = await desk.claim(job.generation_id)
    assert claim is not None
    return claim["state"], claim["attempt"]
