"""Claims about a worker that nobody disturbs."""

from __future__ import annotations

import hashlib
from io import BytesIO

import pytest
from msgspec.structs import replace
from PIL import Image

from events.generations import GenerationCompleted, GenerationStarted
from events.ids import fact_id
from processors.pictures.notes import notes_in
from runtime.objects import open_objects
from runtime.settings import Settings
from tests.integration.worker.bench import bench
from tests.integration.worker.desk import Desk
from tests.integration.worker.workers import worker

pytestmark = pytest.mark.usefixtures("from_here")


async def test_a_job_becomes_a_stored_picture_and_one_result(
    desk: Desk, worker_settings: Settings
) -> None:
    """A job ends with the objects stored, one result that describes them, and the ack committed.

    Bytes before it that are no job go to the DLQ with their origin, and the partition goes on.
    """
    account_id = await desk.account()
    job = desk.job(account_id, style_id="watercolour")
    settings = replace(worker_settings, previews="all")
    async with worker(settings) as running, open_objects(settings) as objects:
        poison = await desk.put_bytes(b"key", b"no job at all", partition=1)
        empty = await desk.put_bytes(b"key", b"", partition=1)
        await desk.put(job, partition=1)
        done = await desk.fact(job.generation_id, GenerationCompleted)
        await desk.caught_up()
        assert await running.stop() == 0
        (image,) = done.images
        original = await objects.get(image.object_key)
        preview = await objects.get(image.preview_key)
        stored = await objects.list(f"generations/{account_id}/{job.generation_id}/")
    assert stored == sorted(image.object_keys)
    assert {(one.content_type, one.width) for one in image.previews} == {
        ("image/avif", 512),
        ("image/webp", 1024),
        ("image/avif", 1024),
    }
    assert (len(image.blurhash), len(image.near_hash)) == (28, 16)
    assert original is not None
    assert notes_in(original)["Software"] == "Pixelpop"
    assert preview is not None
    assert hashlib.sha256(original).hexdigest() == image.sha256
    assert (len(original), image.width, image.height) == (image.size_bytes, 1024, 1024)
    assert Image.open(BytesIO(original)).size == (1024, 1024)
    shown = Image.open(BytesIO(preview))
    assert (shown.format, shown.size) == ("WEBP", (512, 512))
    assert done.failed_count == 0
    assert len(desk.said(job.generation_id, GenerationCompleted)) == 1
    assert len(desk.said(job.generation_id, GenerationStarted)) == 1
    assert fact_id(job.generation_id, "completed") in desk.event_ids
    claim = await desk.claim(job.generation_id)
    assert claim is not None
    assert claim["state"] == "reported"
    stages = [one.stage for one in desk.progress[job.generation_id]]
    assert stages[:2] == ["queued", "drawing"]
    assert stages[2:] in ([], ["storing"])  # no more than two in a second, and none afterwards
    origins = [dict(record.headers)["dlq_origin"].decode() for record in desk.dead]
    assert [origin.rpartition("/")[2] for origin in origins] == [
        str(poison.offset),
        str(empty.offset),
    ]
    assert desk.dead[0].value == b"no job at all"
    assert dict(desk.dead[0].headers)["dlq_code"] == b"poison"


async def test_an_erased_accounts_job_ends_quietly(desk: Desk, worker_settings: Settings) -> None:
    """A job whose account has no key any more says nothing at all: the erasure has settled it."""
    account_id = await desk.account()
    job = desk.job(account_id)
    await desk.erase_key(account_id)
    async with bench(worker_settings) as one:
        await one.perform(job)
        assert one.provider.calls == []
    await desk.read_on()
    assert job.generation_id not in desk.events
    assert await desk.claim(job.generation_id) is None
    assert job.generation_id not in desk.progress
    assert desk.dead == []
