"""The way back out of the DLQ: the same record once more, or a new request.

A job that was put aside is settled: its credits went back, and whatever it made now would be
void. So it is asked for anew: another generation with the same wishes, decided and paid for like
any other. Everything else goes back as it is, except what the event log holds already.
"""

from __future__ import annotations

import re
from uuid import UUID

import msgspec
from msgspec.structs import replace

from events.base import Sealed
from events.codec import encode
from events.envelope import headers_for
from events.generations import GenerationRequested
from events.ids import fact_id, generation_id
from events.jobs import GenerateJob, decode_job
from events.topics import EVENTS, JOBS, LIVE
from processors.dlq import PREFIX, DeadLetter
from runtime.crypto.keys import AccountKeys, KeyDestroyed
from runtime.crypto.master import master_keys
from runtime.crypto.sealing import seal, unseal
from runtime.errors import PixelpopError
from runtime.kafka.clock import BrokerClock
from runtime.kafka.producer import LogProducer
from runtime.kafka.records import Outgoing
from runtime.postgres.account_keys import wrapped_key_loader
from runtime.postgres.pool import open_pool
from runtime.settings import Settings

SOURCE = "/pixelpop/dlq"
_ORIGIN = re.compile(r"(?P<topic>[A-Za-z0-9._-]+)/(?P<partition>\d+)/\d+")
_SEALED_FIELDS = ("prompt", "negative_prompt")


class CannotRetry(PixelpopError):
    """The record has no way back; the message says what to do instead."""

    code = "cannot-retry"


async def put_back(settings: Settings, letter: DeadLetter) -> str:
    """Retry a dead letter; returns a sentence that says what was done. It stays in the DLQ.

    Retrying twice asks twice for the same generation, of which the first counts.

    Raises:
        CannotRetry: it came from nowhere, stands in the event log already, or cannot be opened.
        LogError: it could not be appended.
    """
    origin = _ORIGIN.fullmatch(letter.said("origin") or "")
    if origin is None:
        raise CannotRetry(f"The dead letter {letter.position} does not say where it came from.")
    if origin["topic"] == EVENTS:
        raise CannotRetry(
            f"The record stands in the event log at {origin[0]} and stays there. Upgrade the "
            "reader that could not read it, and start it again."
        )
    job = _job_in(letter) if origin["topic"] == JOBS else None
    clock = BrokerClock()
    producer = LogProducer(settings, clock=clock, role="dlq")
    await producer.start()
    try:
        if job is None:
            position = await producer.append(
                origin["topic"], _as_it_was(letter), partition=int(origin["partition"])
            )
            where = f"{origin['topic']}/{position.partition}/{position.offset}"
            return f"{letter.position} was appended again: {where}"
        await clock.prime(producer, LIVE)
        request = await _anew(settings, job.request, letter.position, clock.now_ms())
        await producer.append(EVENTS, _outgoing(request))
        return f"{letter.position} was asked for again, as generation {request.generation_id}"
    finally:
        await producer.stop()


def _job_in(letter: DeadLetter) -> GenerateJob | None:
    try:
        job = decode_job(letter.record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # an upgraded worker may be able to read it
    return job if isinstance(job, GenerateJob) else None


def _as_it_was(letter: DeadLetter) -> Outgoing:
    record = letter.record
    return Outgoing(
        key=record.key or b"",
        value=record.value or b"",
        headers=tuple(one for one in record.headers if not one[0].startswith(PREFIX)),
    )


async def _anew(
    settings: Settings, request: GenerationRequested, position: str, now_ms: int
) -> GenerationRequested:
    """The same wishes as another generation; what is sealed belongs to its event, so it changes."""
    account = UUID(request.account_id)
    pool = await open_pool(settings, application_name="pixelpop dlq")
    try:
        keys = AccountKeys(wrapped_key_loader(pool), master_keys(settings))
        key = await keys.get(account)
    except KeyDestroyed as error:
        raise CannotRetry(
            "What was asked for cannot be opened: the account was erased, or DATABASE_URL is no "
            "login of the worker's, which may read its key."
        ) from error
    finally:
        await pool.close()
    generation = generation_id(request.account_id, f"dlq {position}")
    before = UUID(fact_id(request.generation_id, "requested"))
    after = UUID(fact_id(generation, "requested"))
    sealed: dict[str, Sealed] = {}
    for field in _SEALED_FIELDS:
        text = getattr(request, field)
        if text is not None:
            clear = unseal(key, text, account_id=account, event_id=before, field=field)
            sealed[field] = Sealed(
                seal(key, clear, account_id=account, event_id=after, field=field)
            )
    return replace(request, generation_id=generation, occurred_at_ms=now_ms, **sealed)


def _outgoing(request: GenerationRequested) -> Outgoing:
    event_id = fact_id(request.generation_id, "requested")
    headers = headers_for(
        request,
        event_id,
        source=SOURCE,
        time_ms=request.occurred_at_ms,
        correlation_id=request.generation_id,
    )
    return Outgoing(request.account_id.encode(), encode(request), headers)
