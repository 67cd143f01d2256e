"""Bounds: more than the gateway takes on is refused clearly, and a stop loses nothing."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from gateway import main as gateway
from runtime.errors import StartError
from runtime.ports import PortInUse
from runtime.waiting import until
from tests.integration.gateway.problems import is_problem
from tests.integration.gateway.sse import stream
from tests.integration.gateway.world import Person, World, another_gateway


def request_head(person: Person, length: int, key: str = "slow") -> bytes:
    """The head of a POST whose body is still to come."""
    return (
        "POST /generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nAuthorization: Bearer {person.token}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


async def test_more_than_is_taken_on_is_503(world: World, person: Person) -> None:
    """With one request under way and room for one, the next is told to come back."""
    body = b'{"prompt":"slow"}'
    async with another_gateway(world, requests_in_flight_max=1) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(request_head(person, len(body)))

        async def full() -> bool:
            return (await one.client.get("/styles")).status_code == 503

        await until(full, 10, what="the refusal")
        problem = is_problem(await one.client.get("/styles"), 503, "overloaded")
        assert problem["retry_after"] >= 1
        assert (await one.client.get("/healthz")).status_code == 200
        writer.write(body)
        assert b" 202 " in await reader.readline()
        writer.close()
        assert (await one.client.get("/styles")).status_code == 200


async def test_a_slow_body_is_given_up(world: World, person: Person) -> None:
    """A client that stops in the middle of its body holds nothing for long."""
    async with another_gateway(world, body_timeout_seconds=0.3) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(request_head(person, 50) + b'{"prompt":')
        assert b" 408 " in await reader.readline()
        writer.close()


async def test_a_stop_answers_what_is_under_way_and_ends_streams(
    world: World, person: Person
) -> None:
    """A request under way is answered, streams end, and the process is done."""
    body = b'{"prompt":"last"}'
    async with another_gateway(world) as one:
        reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
        writer.write(request_head(person, len(body), "last"))
        async with stream(one.client, "/events", headers=person.authorization) as events:
            await events.next()
            one.stop.set()
            assert await events.next() is None
        writer.write(body)
        assert b" 202 " in await reader.readline()
        writer.close()
        async with asyncio.timeout(10):
            await one.task


async def test_a_port_in_use_is_a_clear_sentence(world: World) -> None:
    """The start stops with the name of the setting."""
    settings = msgspec.structs.replace(
        world.settings, database_url=world.database.urls["gateway"], port=world.port
    )
    with pytest.raises(PortInUse, match="PIXELPOP_PORT"):
        await gateway.main(settings, asyncio.Event())


async def test_a_role_with_too_many_rights_is_refused(world: World) -> None:
    """The owner of the tables would see everybody's rows."""
    settings = msgspec.structs.replace(
        world.settings, database_url=world.database.owner_url, port=world.port
    )
    with pytest.raises(StartError, match="rights"):
        await gateway.main(settings, asyncio.Event())


async def test_a_slow_reader_is_cut_off_and_resumes(world: World, person: Person) -> None:
    """What does not fit its queue ends the stream; nothing is lost, for it resumes."""
    async with another_gateway(world, stream_queue_max=1) as one:
        seen = []
        async with stream(one.client, "/events", headers=person.authorization) as events:
            first = await events.next()
            assert first is not None
            last = first["id"]
            answers = [await person.ask() for _ in range(3)]
            while (event := await events.next()) is not None:
                seen.append(event)
                if len(seen) == 6:
                    break
        last = seen[-1]["id"] if seen else last
        headers = person.authorization | {"Last-Event-ID": last}
        if len(seen) < 6:
            async with stream(world.client, "/events", headers=headers) as events:
                while len(seen) < 6:
                    event = await events.next()
                    assert event is not None
                    seen.append(event)
    wanted = [answer.json()["id"] for answer in answers]
    found = [(one["data"]["generation_id"], one["data"]["change"]) for one in seen]
    assert sorted(found) == sorted(
        (one, what) for one in wanted for what in ("requested", "admitted")
    )
