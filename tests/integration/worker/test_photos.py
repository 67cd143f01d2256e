"""Jobs that begin with photos: loaded from our own store, or failed with a reason."""

from __future__ import annotations

import uuid
from io import BytesIO

from PIL import Image

from events.generations import GenerationCompleted, GenerationFailed
from processors.providers import ProviderUncertain
from runtime.settings import Settings
from tests.integration.worker.bench import bench, picture
from tests.integration.worker.desk import Desk
from tests.unit.uploads import photos

MASK = photos.encoded(Image.new("RGBA", (120, 80)), "PNG")
PHOTO = photos.encoded(photos.halves(), "WEBP")


async def test_a_provider_gets_photos_and_mask(desk: Desk, worker_settings: Settings) -> None:
    """An edit's provider gets the stored photos and the mask, also when it is asked again."""
    account_id = await desk.account()
    folder = f"uploads/{account_id}/"
    job = desk.job(
        account_id,
        kind="edit",
        upload_ids=(str(uuid.uuid4()), str(uuid.uuid4())),
        photo_keys=(folder + "1.webp", folder + "2.png"),
        mask_key=folder + "3.png",
    )
    async with bench(worker_settings, ProviderUncertain("lost"), [picture()]) as one:
        await one.objects.put_if_absent(folder + "1.webp", PHOTO, "image/webp")
        await one.objects.put_if_absent(folder + "2.png", MASK, "image/png")
        await one.objects.put_if_absent(folder + "3.png", MASK, "image/png")
        await one.perform(job)
        await desk.fact(job.generation_id, GenerationCompleted)
    assert one.provider.calls == [1, 2]
    for asked in one.provider.requests:
        assert asked.kind == "edit"
        assert [photo.content_type for photo in asked.photos] == ["image/webp", "image/png"]
        assert (asked.photos[0].data, asked.mask.data) == (PHOTO, MASK)
        assert "WEBP" not in repr(asked.photos[0])


async def test_a_photo_that_is_gone(desk: Desk, worker_settings: Settings) -> None:
    """What was deleted, or is of another account, fails with a reason; nobody is paid."""
    account_id, other = await desk.account(), await desk.account()
    keys = (f"uploads/{account_id}/gone.webp", f"uploads/{other}/1.webp", "snapshots/0")
    async with bench(worker_settings, [picture()]) as one:
        await one.objects.put_if_absent(keys[1], PHOTO, "image/webp")
        await one.objects.put_if_absent(keys[2], PHOTO, "image/webp")
        for key in keys:
            job = desk.job(account_id, kind="variation", photo_keys=(key,))
            await one.perform(job)
            failed = await desk.fact(job.generation_id, GenerationFailed)
            assert failed.reason == "photo_gone"
            assert (await desk.claim(job.generation_id))["state"] == "failed"
    assert one.provider.calls == []


async def test_local_draws_from_a_photo(desk: Desk, worker_settings: Settings) -> None:
    """An edit by `local` becomes a stored picture that is visibly its photo."""
    from concurrent.futures import ThreadPoolExecutor

    from processors.providers.local import LocalProvider

    account_id = await desk.account()
    key = f"generations/{account_id}/{uuid.uuid4()}/0.png"
    job = desk.job(account_id, kind="variation", photo_keys=(key,), prompt="")
    with ThreadPoolExecutor(1) as threads:
        local = LocalProvider(worker_settings, threads)
        async with bench(worker_settings, local.generate, free=True) as one:
            await one.objects.put_if_absent(
                key, photos.encoded(photos.halves(), "PNG"), "image/png"
            )
            await one.perform(job)
            (image,) = (await desk.fact(job.generation_id, GenerationCompleted)).images
            data = await one.objects.get(image.object_key)
    assert data is not None
    drawn = Image.open(BytesIO(data)).convert("RGB")
    left, right = drawn.getpixel((100, 500)), drawn.getpixel((924, 500))
    assert sum(abs(a - b) for a, b in zip(left, right, strict=True)) > 30
