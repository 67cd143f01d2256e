"""Claims: one wins, the fenced lose, what is final stays, and cancelling is all a gateway may."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
import pytest_asyncio

from runtime.postgres.pool import Pool, as_account, open_pool
from runtime.settings import Settings

CLAIM = """
INSERT INTO provider_calls
    (generation_id, attempt, account_id, state, lease_epoch, lease_until, provider)
VALUES ($1, 1, $2, 'submitting', 1, now() + interval '1 minute', 'local')
ON CONFLICT (generation_id, attempt) DO NOTHING
RETURNING generation_id
"""
CANCEL = """
INSERT INTO provider_calls (generation_id, attempt, account_id, state)
VALUES ($1, 1, $2, 'cancelled')
ON CONFLICT (generation_id, attempt) DO NOTHING
RETURNING generation_id
"""


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(settings_for: Callable[[str], Settings]) -> AsyncIterator[Pool]:
    pool = await open_pool(settings_for("gateway"), application_name="test gateway")
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="session")
async def worker(settings_for: Callable[[str], Settings]) -> AsyncIterator[Pool]:
    pool = await open_pool(settings_for("worker"), application_name="test worker")
    yield pool
    await pool.close()


async def cancel(gateway: Pool, generation_id: uuid.UUID, account_id: uuid.UUID) -> bool:
    async with as_account(gateway, account_id) as connection:
        return await connection.fetchval(CANCEL, generation_id, account_id) is not None


async def test_claim_and_cancel_race(gateway, worker, account_id) -> None:
    """Of a claim and a cancellation at once exactly one wins, each time."""
    for _ in range(20):
        generation_id = uuid.uuid4()
        claimed, cancelled = await asyncio.gather(
            worker.fetchval(CLAIM, generation_id, account_id),
            cancel(gateway, generation_id, account_id),
        )
        assert (claimed is not None) != cancelled


async def test_gateway_cancels_only_for_its_account(gateway, account_id) -> None:
    """The gateway cannot cancel in another account's name, nor put down anything but that."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_account(gateway, account_id) as connection:
            await connection.fetchval(CANCEL, uuid.uuid4(), uuid.uuid4())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with as_account(gateway, account_id) as connection:
            await connection.fetchval(CLAIM, uuid.uuid4(), account_id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await gateway.fetchval(CANCEL, uuid.uuid4(), account_id)


async def test_gateway_sees_its_accounts_claims_only(gateway, worker, account_id) -> None:
    """Another account's claims are not there for the gateway."""
    for owner in (account_id, uuid.uuid4()):
        await worker.fetchval(CLAIM, uuid.uuid4(), owner)
    async with as_account(gateway, account_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM provider_calls") == 1
    assert await gateway.fetchval("SELECT count(*) FROM provider_calls") == 0


@pytest.mark.parametrize("state", ["reported", "cancelled"])
async def test_final_is_final(worker, account_id, state: str) -> None:
    """A claim that is reported or cancelled cannot be changed any more."""
    generation_id = uuid.uuid4()
    await worker.fetchval(CLAIM, generation_id, account_id)
    update = "UPDATE provider_calls SET state = $2 WHERE generation_id = $1"
    await worker.execute(update, generation_id, state)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="final"):
        await worker.execute(update, generation_id, "submitting")


async def test_epoch_never_goes_back(worker, account_id) -> None:
    """A worker that lost its lease cannot set the epoch back to its own."""
    generation_id = uuid.uuid4()
    await worker.fetchval(CLAIM, generation_id, account_id)
    update = "UPDATE provider_calls SET lease_epoch = $2 WHERE generation_id = $1"
    await worker.execute(update, generation_id, 5)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="from 5 to 4"):
        await worker.execute(update, generation_id, 4)


@pytest.mark.parametrize(
    "change",
    [
        "state = 'paid'",
        "state = 'submitted', provider_ref = NULL",
        "lease_until = NULL",
        "provider = NULL",
        "attempt = 0",
        "lease_epoch = -1",
    ],
)
async def test_claims_make_sense(worker, fresh_database, account_id, change: str) -> None:
    """A claim that says too little to be resumed is refused, whoever writes it."""
    generation_id = uuid.uuid4()
    await worker.fetchval(CLAIM, generation_id, account_id)
    owner = await asyncpg.connect(fresh_database.owner_url)
    try:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await owner.execute(
                f"UPDATE provider_calls SET {change} WHERE generation_id = $1", generation_id
            )
    finally:
        await owner.close()
