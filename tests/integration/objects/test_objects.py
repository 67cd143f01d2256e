"""Object storage: S3 and its fake keep the same promises."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
import pytest_asyncio

from runtime.objects import (
    MemoryObjects,
    ObjectsRefused,
    ObjectStore,
    ObjectTooLarge,
    open_objects,
)
from runtime.settings import Settings

BYTES_MAX = 100_000


@pytest_asyncio.fixture(params=["s3", "memory"], loop_scope="session")
async def objects(request: pytest.FixtureRequest, servers: Settings) -> AsyncIterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryObjects(object_bytes_max=BYTES_MAX)
        return
    settings = msgspec.structs.replace(servers, s3_object_bytes_max=BYTES_MAX)
    async with open_objects(settings) as store:
        await store.ensure_bucket()
        yield store


@pytest.fixture
def prefix() -> str:
    return f"test/{uuid.uuid4()}/"


async def test_first_one_stays(objects: ObjectStore, prefix: str) -> None:
    """The first to put an object wins; who comes later is told so and changes nothing."""
    key = prefix + "ü +%/1.png"
    assert await objects.put_if_absent(key, b"first", "image/png") is True
    assert await objects.put_if_absent(key, b"second", "text/plain") is False
    assert await objects.get(key) == b"first"
    head = await objects.head(key)
    assert head is not None
    assert (head.size_bytes, head.content_type) == (5, "image/png")
    assert head.etag


async def test_one_of_many_wins(objects: ObjectStore, prefix: str) -> None:
    """Of many that put one key at once exactly one wins, and its bytes are what is stored."""
    bodies = [bytes([n]) * 20_000 for n in range(16)]
    won = await asyncio.gather(
        *(objects.put_if_absent(prefix + "x", body, "image/png") for body in bodies)
    )
    assert won.count(True) == 1
    assert await objects.get(prefix + "x") == bodies[won.index(True)]


async def test_absent(objects: ObjectStore, prefix: str) -> None:
    """What is not there is None, and deleting it is no error."""
    assert await objects.get(prefix + "none") is None
    assert await objects.head(prefix + "none") is None
    await objects.delete(prefix + "none")
    assert await objects.list(prefix) == []
    assert await objects.delete_prefix(prefix) == 0


async def test_empty_object(objects: ObjectStore, prefix: str) -> None:
    """An empty object is an object."""
    assert await objects.put_if_absent(prefix + "empty", b"", "text/plain")
    assert await objects.get(prefix + "empty") == b""


async def test_listing(objects: ObjectStore, prefix: str) -> None:
    """A listing has every key below the prefix, in byte order, and no other."""
    names = ["b", "a/2", "a/10", "a-", "ä", "Z"]
    for name in names:
        await objects.put_if_absent(prefix + name, b"1", "text/plain")
    await objects.put_if_absent(f"test/{uuid.uuid4()}/other", b"1", "text/plain")
    expected = sorted((prefix + name for name in names), key=str.encode)
    assert await objects.list(prefix) == expected
    assert await objects.list(prefix + "a/") == [prefix + "a/10", prefix + "a/2"]


async def test_deleting_one(objects: ObjectStore, prefix: str) -> None:
    """Deleting takes the one object and not those whose key begins with its key."""
    for name in ("1", "10"):
        await objects.put_if_absent(prefix + name, b"1", "text/plain")
    await objects.delete(prefix + "1")
    assert await objects.list(prefix) == [prefix + "10"]
    assert await objects.put_if_absent(prefix + "1", b"again", "text/plain") is True


async def test_deleting_all_below_a_prefix(objects: ObjectStore, prefix: str) -> None:
    """An account's objects go all at once, more than one page of them, and nobody else's."""
    await objects.put_if_absent(prefix + "other", b"1", "text/plain")
    mine = prefix + "mine/"
    names = [f"{mine}{n:04}" for n in range(1100)]
    for start in range(0, len(names), 100):
        await asyncio.gather(
            *(objects.put_if_absent(name, b"1", "x/y") for name in names[start : start + 100])
        )
    assert len(await objects.list(mine)) == 1100
    assert await objects.delete_prefix(mine) == 1100
    assert await objects.list(prefix) == [prefix + "other"]


async def test_empty_prefix_is_refused(objects: ObjectStore) -> None:
    """Nobody deletes the whole bucket by an empty variable."""
    with pytest.raises(ValueError, match="everything"):
        await objects.delete_prefix("")


async def test_too_large_is_not_stored(objects: ObjectStore, prefix: str) -> None:
    """What is larger than allowed is refused before anything is sent."""
    assert await objects.put_if_absent(prefix + "full", b"x" * BYTES_MAX, "x/y")
    with pytest.raises(ObjectTooLarge):
        await objects.put_if_absent(prefix + "more", b"x" * (BYTES_MAX + 1), "x/y")
    assert await objects.list(prefix) == [prefix + "full"]


async def test_too_large_is_not_read(servers: Settings, prefix: str) -> None:
    """An object that somebody else made too large is not read into memory."""
    async with open_objects(servers) as store:
        await store.ensure_bucket()
        await store.put_if_absent(prefix + "big", b"x" * 2000, "x/y")
    small = msgspec.structs.replace(servers, s3_object_bytes_max=1024)
    async with open_objects(small) as store:
        with pytest.raises(ObjectTooLarge, match="2000"):
            await store.get(prefix + "big")
        assert await store.get(prefix + "none") is None


async def test_presigned_address_opens(servers: Settings, prefix: str) -> None:
    """A presigned address gives the bytes to anybody, and a changed one does not."""
    key = prefix + "ü +&.png"
    async with open_objects(servers) as store, httpx.AsyncClient(trust_env=False) as client:
        await store.ensure_bucket()
        await store.put_if_absent(key, b"picture", "image/png")
        url = await store.presign_get(key, 60)
        answer = await client.get(url)
        assert (answer.status_code, answer.content) == (200, b"picture")
        assert answer.headers["content-type"] == "image/png"
        forged = await client.get(url[:-4] + "0000")
        assert forged.status_code == 403
        other = await client.get(url.replace("png?", "jpg?"))
        assert other.status_code == 403


async def test_presigned_address_is_the_public_one(servers: Settings) -> None:
    """Addresses for people name the public endpoint, and live 1 s to 7 days."""
    public = msgspec.structs.replace(servers, s3_public_endpoint_url="https://cdn.example.org")
    async with open_objects(public) as store:
        url = await store.presign_get("a/b.png", 60)
        assert url.startswith("https://cdn.example.org/pixelpop/a/b.png?")
        for seconds in (0, 604_801):
            with pytest.raises(ValueError, match="seconds"):
                await store.presign_get("a/b.png", seconds)


async def test_a_form_takes_one_object(servers: Settings, prefix: str) -> None:
    """A form takes the object that it is for, of its type and size, and no other."""
    async with open_objects(servers) as store, httpx.AsyncClient(trust_env=False) as client:
        await store.ensure_bucket()
        form = await store.presign_post(prefix + "one", "image/png", 10, 60)

        async def sent(data: bytes, **fields: str) -> int:
            whole = {**form.fields, **fields}
            return (await client.post(form.url, data=whole, files={"file": data})).status_code

        assert await sent(b"") >= 400
        assert await sent(b"x" * 11) >= 400
        assert await sent(b"x", key=prefix + "other") >= 400
        assert await sent(b"x" * 10) < 300
        stored = await store.read(prefix + "one", 10)
        assert stored is not None
        head = await store.head(prefix + "one")
        assert (stored.data, stored.content_type) == (b"x" * 10, "image/png")
        assert head is not None
        assert stored.etag == head.etag
        with pytest.raises(ObjectTooLarge):
            await store.read(prefix + "one", 9)
        assert await store.list(prefix) == [prefix + "one"]


async def test_a_browser_may_send(servers: Settings) -> None:
    """The embedded storage lets pages of other origins send by a form, as a bucket's rule would."""
    asks = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.options(f"{servers.s3_endpoint_url}/pixelpop", headers=asks)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] in {"*", "https://app.example"}
        assert "POST" in answer.headers["access-control-allow-methods"]


async def test_bucket_is_made_once(servers: Settings) -> None:
    """Making sure of the bucket makes it, also when several do so at once, and again later."""
    settings = msgspec.structs.replace(servers, s3_bucket=f"b{uuid.uuid4().hex[:20]}")
    async with open_objects(settings) as store:
        with pytest.raises(ObjectsRefused):
            await store.list("x")
        await asyncio.gather(*(store.ensure_bucket() for _ in range(4)))
        await store.ensure_bucket()
        assert await store.list("x") == []


async def test_wrong_key_is_refused(servers: Settings) -> None:
    """Wrong credentials are a refusal that a retry does not mend, and are not repeated."""
    wrong = msgspec.structs.replace(servers, s3_secret_access_key="wrong-secret")
    async with open_objects(wrong) as store:
        with pytest.raises(ObjectsRefused) as error:
            await store.get("x")
    assert error.value.retryable is False
    assert "wrong-secret" not in str(error.value)
