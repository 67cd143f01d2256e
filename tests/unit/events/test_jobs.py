"""Jobs and progress: what the decider writes a worker reads, old requests and poison included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from events.codec import UPCASTS, encode
from events.ids import GenerationId
from events.jobs import DiscardJob, GenerateJob, GenerateJobOut, decode_job, encode_job
from events.live import decode_live
from tests.given import ACCOUNT, asks, bought

_REQUEST: Any = asks("cat", 2).event


def _job(request: bytes) -> bytes:
    return encode_job(
        GenerateJobOut(
            account_id=ACCOUNT,
            generation_id=GenerationId(_REQUEST.generation_id),
            deadline_ms=7,
            request=msgspec.Raw(request),
        )
    )


def test_the_stored_bytes_of_a_request_are_read_in_its_job() -> None:
    """What the decider puts in unread, the worker reads as the request."""
    assert decode_job(_job(encode(_REQUEST))) == GenerateJob(
        account_id=ACCOUNT,
        generation_id=_REQUEST.generation_id,
        deadline_ms=7,
        request=_REQUEST,
    )


def test_an_old_request_in_a_job_is_upcast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that waited through an upgrade, or was dispatched again after it, is still read."""
    old = msgspec.json.decode(encode(_REQUEST))
    old["type"] = "GenerationRequested.v0"
    old["pictures"] = old.pop("count")
    with pytest.raises(msgspec.DecodeError):
        decode_job(_job(msgspec.json.encode(old)))

    def from_v0(payload: dict[str, Any]) -> dict[str, Any]:
        return {**payload, "type": "GenerationRequested.v1", "count": payload["pictures"]}

    monkeypatch.setitem(UPCASTS, "GenerationRequested.v0", from_v0)
    job = decode_job(_job(msgspec.json.encode(old)))
    assert isinstance(job, GenerateJob)
    assert job.request == _REQUEST


def test_a_discard_job_comes_back() -> None:
    """With every key."""
    job = DiscardJob(
        account_id=ACCOUNT, generation_id=_REQUEST.generation_id, object_keys=("a", "b")
    )
    assert decode_job(encode_job(job)) == job


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"{",
        b"[]",
        b'{"type":"Unheard.v1"}',
        _job(b"{}"),
        _job(encode(bought("p", 1).event)),
        b'{"type":"Generate.v1","z":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"type":"Progress.v1","z":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
@pytest.mark.parametrize("decode", [decode_job, decode_live])
def test_poison_is_a_decode_error(decode: Callable[[bytes], object], value: bytes) -> None:
    """Whatever stands in the topic, the reader gets one kind of error."""
    with pytest.raises(msgspec.DecodeError):
        decode(value)
