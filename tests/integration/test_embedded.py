"""The embedded servers: what they hold survives, what is in their way gets a sentence."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError
from rich.console import Console

from runtime import secrets, spawning
from runtime.disk import DiskFull
from runtime.embedded import artifacts, virtual_machine
from runtime.embedded.kafka import EmbeddedKafka
from runtime.embedded.postgres import EmbeddedPostgres
from runtime.embedded.s3 import EmbeddedS3
from runtime.embedded.server import ServerFailed
from runtime.errors import StartError
from runtime.objects import open_objects
from runtime.ports import PortInUse
from runtime.settings import Settings

PASSWORD = secrets.make_password()


@pytest.fixture
async def make(tmp_path):
    """Make servers of this test's data directory; all are stopped after the test."""
    made = []
    cache = artifacts.default_cache()

    def server(kind, **options):
        if kind is EmbeddedPostgres:
            one = kind(tmp_path, password=options.pop("password", PASSWORD), **options)
        else:
            program = "kafka" if kind is EmbeddedKafka else "s3proxy"
            path = artifacts.class_path(program, cache, Console(file=io.StringIO()))
            keys = {"access_key_id": "test", "secret_access_key": PASSWORD}
            options |= keys if kind is EmbeddedS3 else {}
            one = kind(tmp_path, class_path=path, cache=cache, **options)
        made.append(one)
        return one

    yield server
    await asyncio.gather(*(one.stop() for one in made))


async def append(address, value):
    """Append one record, making the topic if need be."""
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    if "kept" not in await admin.list_topics():
        await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True)
    await producer.start()
    await producer.send_and_wait("kept", value, partition=0)
    await producer.stop()


async def read_all(address):
    """The values of all records."""
    consumer = AIOKafkaConsumer(bootstrap_servers=address, auto_offset_reset="none")
    await consumer.start()
    here = TopicPartition("kept", 0)
    consumer.assign([here])
    consumer.seek(here, 0)
    end = (await consumer.end_offsets([here]))[here]
    values = []
    while len(values) < end:
        values += [r.value for r in (await consumer.getmany(timeout_ms=500)).get(here, [])]
    await consumer.stop()
    return values


async def test_kafka_keeps_what_was_acked_and_its_address(make):
    """After kill -9 of the broker the next one has every acked record, on the same port."""
    first = make(EmbeddedKafka)
    address = await first.start()
    await append(address, b"before")
    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    second = make(EmbeddedKafka)
    assert await second.start() == address
    await append(address, b"after")
    assert await read_all(address) == [b"before", b"after"]


async def test_kafka_makes_no_topic_by_accident(servers):
    """A topic exists because somebody made it, never because somebody asked for it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka_bootstrap_servers)
    await admin.start()
    try:
        described = await admin.describe_topics(["never-made"])
        assert described[0]["error_code"] == UnknownTopicOrPartitionError.errno
        assert "never-made" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_a_next_start_ends_the_broker_that_a_killed_one_left(make):
    """A broker that still runs on the data directory is ended, not fought with."""
    left = make(EmbeddedKafka)
    address = await left.start()
    await append(address, b"before")
    second = make(EmbeddedKafka)
    assert await second.start() == address
    assert left.pid is None
    assert await read_all(address) == [b"before"]


async def test_postgres_keeps_what_was_committed(make):
    """After kill -9 of the server, and of nothing else, the next one has every commit."""
    first = make(EmbeddedPostgres)
    url = await first.start()
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    backend = connection.get_server_pid()
    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    connection.terminate()
    second = make(EmbeddedPostgres)
    assert await second.start() == url
    assert not psutil.pid_exists(backend) or psutil.Process(backend).status() == "zombie"
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    assert await connection.fetchval("SHOW fsync") == "on"
    await connection.close()


async def test_postgres_ignores_a_lock_that_nobody_holds(make):
    """A lock file whose pid belongs to somebody else does not keep the server from starting."""
    first = make(EmbeddedPostgres)
    url = await first.start()
    lock = first._cluster / "postmaster.pid"
    content = lock.read_text().splitlines()
    await first.stop()
    lock.write_text("\n".join([str(os.getpid()), *content[1:]]) + "\n")
    second = make(EmbeddedPostgres)
    assert await second.start() == url


async def test_postgres_refuses_a_wrong_password(make):
    """Without the password of secrets.json nobody gets in."""
    url = await make(EmbeddedPostgres).start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(url.replace(PASSWORD, "guess"))


async def test_a_lost_password_is_explained(make):
    """A data directory whose secrets.json was replaced gets a sentence; nothing is made anew."""
    first = make(EmbeddedPostgres)
    await first.start()
    await first.stop()
    second = make(EmbeddedPostgres, password=secrets.make_password())
    with pytest.raises(StartError, match="made with another password"):
        await second.start()
    assert second.pid is None


async def test_s3_keeps_objects_and_types(make):
    """After kill -9 of the store its objects, with their content types, are there."""
    first = make(EmbeddedS3)
    address = await first.start()
    settings = Settings(
        s3_endpoint_url=address, s3_access_key_id="test", s3_secret_access_key=PASSWORD
    )
    async with open_objects(settings) as objects:
        await objects.ensure_bucket()
        await objects.put_if_absent("a/b.png", b"picture", "image/png")
    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    assert await make(EmbeddedS3).start() == address
    async with open_objects(settings) as objects:
        assert await objects.get("a/b.png") == b"picture"
        assert (await objects.head("a/b.png")).content_type == "image/png"


async def test_a_configured_port_in_use_is_named(make):
    """A configured port in use stops the start with the variable to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for kind, variable in (
            (EmbeddedKafka, "PIXELPOP_EMBEDDED_KAFKA_PORT"),
            (EmbeddedPostgres, "PIXELPOP_EMBEDDED_POSTGRES_PORT"),
            (EmbeddedS3, "PIXELPOP_EMBEDDED_S3_PORT"),
        ):
            with pytest.raises(PortInUse, match=variable):
                await make(kind, port=port).start()


async def test_a_server_that_ends_while_starting_is_explained(make):
    """A server that cannot live with its files says so in its own words, and where its log is."""
    first = make(EmbeddedPostgres)
    await first.start()
    await first.stop()
    (first._cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(ServerFailed, match=r"postgres\.log, ends with: .*9"):
        await make(EmbeddedPostgres).start()


async def test_a_full_disk_is_explained(make):
    """A server that ends because the disk is full gets that sentence instead of its last line."""
    server = make(EmbeddedPostgres)
    server.log_file.parent.mkdir(parents=True)
    server.log_file.write_text("FATAL: could not write: No space left on device\nsomething else\n")
    assert isinstance(server._failure("ended"), DiskFull)


async def test_the_archive_of_a_server_is_kept_only_when_whole(make, tmp_path):
    """A server that was killed leaves no class-data archive that a next start would trust."""
    cache = tmp_path / "cache"
    path = artifacts.class_path("s3proxy", artifacts.default_cache(), Console(file=io.StringIO()))
    java = artifacts.java()
    await virtual_machine.ensure_base(java, virtual_machine.archives("x", java, path, cache).base)
    keys = {"access_key_id": "test", "secret_access_key": PASSWORD}
    killed = EmbeddedS3(tmp_path, class_path=path, cache=cache, **keys)
    await killed.start()
    os.kill(killed.pid, signal.SIGKILL)
    await killed.stop()
    assert not killed._archives.own.exists()
    whole = EmbeddedS3(tmp_path, class_path=path, cache=cache, **keys)
    await whole.start()
    await whole.stop()
    assert whole._archives.own.exists()


async def test_nothing_is_remembered_of_what_was_stopped(make, tmp_path):
    """After an orderly stop there is no record that a next start would have to check."""
    server = make(EmbeddedPostgres)
    await server.start()
    assert spawning.running(tmp_path / "run", "postgres").pid == server.pid
    await server.stop()
    assert spawning.running(tmp_path / "run", "postgres") is None
