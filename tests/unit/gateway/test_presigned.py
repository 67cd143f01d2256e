"""Claims about the addresses that people get of their pictures."""

from __future__ import annotations

from typing import Any

from gateway.generations.presigned import Presigned
from runtime.objects import MemoryObjects, open_objects
from runtime.settings import Settings

S3: dict[str, Any] = {
    "s3_endpoint_url": "https://s3.example.org",
    "s3_access_key_id": "id",
    "s3_secret_access_key": "secret",
}


async def test_a_content_network_stands_before_the_store() -> None:
    """Only the beginning of an address changes: path and query hold the store's signature."""
    async with open_objects(Settings(**S3)) as objects:
        plain = await Presigned(objects, 86_400).url("a/0.png")
        before = Presigned(objects, 86_400, cdn_url="https://cdn.example.org/pictures/")
        shown, saved = await before.url("a/0.png"), await before.file_url("a/0.png", "x.png")
    assert plain.startswith("https://s3.example.org/pixelpop/a/0.png?")
    assert shown.startswith("https://cdn.example.org/pictures/pixelpop/a/0.png?X-Amz-Algorithm=")
    assert "X-Amz-Expires=86400" in shown
    assert "response-content-disposition=attachment%3B%20filename%3D%22x.png%22" in saved


async def test_an_address_is_kept_for_half_of_its_time() -> None:
    """A page that is loaded again shows the same address, which caches know; then a new one."""
    now = [0.0]
    one = Presigned(MemoryObjects(), 100, clock=lambda: now[0])
    assert await one.url("a") == await one.url("a")
    assert one._kept["a"][1] == 50.0
    now[0] = 60.0
    await one.url("a")
    assert one._kept["a"][1] == 110.0


async def test_encryption_is_asked_for_where_it_is_set() -> None:
    """Every put, and every form, says how to encrypt, or leaves it to the bucket."""
    asked: list[dict[str, Any]] = []
    forms: list[dict[str, str]] = []

    class Client:
        async def put_object(self, **wanted: Any) -> dict[str, Any]:
            asked.append(wanted)
            return {}

    for more in ({}, {"s3_server_side_encryption": "aws:kms", "s3_kms_key_id": "key"}):
        async with open_objects(Settings(**S3, **more)) as objects:
            objects._client = Client()
            assert await objects.put_if_absent("a", b"1", "x/y")
            form = await objects.presign_post("b", "image/png", 10, 60)
            forms.append(form.fields)
    assert "x-amz-server-side-encryption" not in forms[0]
    assert forms[1]["x-amz-server-side-encryption"] == "aws:kms"
    assert forms[1]["x-amz-server-side-encryption-aws-kms-key-id"] == "key"
    assert "ServerSideEncryption" not in asked[0]
    assert (asked[1]["ServerSideEncryption"], asked[1]["SSEKMSKeyId"]) == ("aws:kms", "key")
